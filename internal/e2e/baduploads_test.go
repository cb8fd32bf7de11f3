package e2e_test

import (
	"bytes"
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// uploading sends a document to erika's document with a changed header.
func uploading(content []byte, change func(*scene, *wertfachv1.UploadScanHeader)) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		header := announced(s.doc, "application/pdf", content)
		change(s, header)
		_, err := s.upload(ctx, header, content)
		return err
	}
}

// sending sends messages; nil stands for a good header.
func sending(content []byte, messages ...*wertfachv1.UploadScanRequest) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		var all []*wertfachv1.UploadScanRequest
		for _, m := range messages {
			if m == nil {
				m = &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: announced(s.doc, "application/pdf", content)}}
			}
			all = append(all, m)
		}
		_, err := s.send(ctx, all...)
		return err
	}
}

func badUploads() []refusal {
	pdf := pdfFile(200_000, "line of the page")
	type header = *wertfachv1.UploadScanHeader
	sized := func(n int64) func(*scene, header) { return func(_ *scene, h header) { h.Scan.SizeBytes = n } }
	size := int64(len(pdf))
	rows := []refusal{
		invalid("upload nothing at all", sending(pdf), "header required"),
		invalid("upload a message without a part", sending(pdf, &wertfachv1.UploadScanRequest{}), "part required"),
		invalid("upload without a header", sending(pdf, part(pdf[:1000])), "header required"),
		invalid("upload an empty header", sending(pdf, &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{
			Header: &wertfachv1.UploadScanHeader{},
		}}), "header.scan required"),
		invalid("upload two headers", sending(pdf, nil, nil), "header header.first"),
		invalid("upload a header between", sending(pdf, nil, part(pdf[:100_000]), nil), "header header.first"),
		invalid("upload an empty chunk", sending(pdf, nil, part([]byte{})), "chunk bytes.min_len"),
		invalid("upload a long chunk", sending(pdf, nil, part(make([]byte, 256<<10+1))), "chunk bytes.max_len"),
		{"upload a message of more than a MiB", sending(pdf, nil, part(make([]byte, 1<<20+1))), codes.ResourceExhausted, "", nil},
		invalid("upload a part without a part", sending(pdf, nil, part(pdf[:1000]), &wertfachv1.UploadScanRequest{}), "part required"),
		invalid("upload a header alone", sending(pdf, nil), "header.scan.size_bytes size.differs"),
		invalid("upload with a name", uploading(pdf, func(s *scene, h header) { h.Scan.Name = s.scan.GetName() }), "header.scan.name name.given"),

		invalid("upload one byte more", uploading(pdf, sized(size-1)), "header.scan.size_bytes size.differs"),
		invalid("upload one byte less", uploading(pdf, sized(size+1)), "header.scan.size_bytes size.differs"),
		invalid("upload half of it", uploading(pdf, sized(size*2-200_000)), "header.scan.size_bytes size.differs"),
		invalid("upload a small file as a smaller one", uploading(pdf[:500], sized(400)), "header.scan.size_bytes size.differs"),
		invalid("upload a size of nothing", uploading(pdf, sized(0)), "header.scan.size_bytes size.positive"),
		invalid("upload a size below nothing", uploading(pdf, sized(-size)), "header.scan.size_bytes size.positive"),
		{"announce too much", uploading(pdf, sized(sceneLimits.ScanBytes+1)), codes.ResourceExhausted, "TOO_LARGE", nil},
		{"upload too much", uploading(pdfFile(int(sceneLimits.ScanBytes)+1, "line"), func(*scene, header) {}), codes.ResourceExhausted, "TOO_LARGE", nil},
		{"upload beyond all sizes", uploading(pdf, sized(1<<62)), codes.ResourceExhausted, "TOO_LARGE", nil},

		invalid("upload with another SHA-256", uploading(pdf, func(_ *scene, h header) { h.Scan.Sha256 = strings.Repeat("0123456789abcdef", 4) }),
			"header.scan.sha256 sha256.differs"),
		invalid("upload with a SHA-256 in upper case", uploading(pdf, func(_ *scene, h header) { h.Scan.Sha256 = strings.Repeat("0123456789ABCDEF", 4) }),
			"header.scan.sha256 string.pattern"),
		invalid("upload with half a SHA-256", uploading(pdf, func(_ *scene, h header) { h.Scan.Sha256 = strings.Repeat("0123456789abcdef", 2) }),
			"header.scan.sha256 string.pattern"),
		{"upload too many", uploading(pdf, func(s *scene, h header) { h.Parent = s.device.GetName() }), codes.ResourceExhausted, "TOO_MANY", nil},
		{"upload to no artefact", uploading(pdf, func(s *scene, h header) { h.Parent = s.erika.GetName() + "/artefacts/" + absent }),
			codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		{"upload for nobody", uploading(pdf, func(_ *scene, h header) { h.Parent = nobody + "/artefacts/" + absent }),
			codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"upload after the contract's end", uploading(pdf, func(s *scene, h header) { h.Parent = s.old.GetName() }),
			codes.FailedPrecondition, "CONTRACT_ENDED", nil},
	}
	for name, rule := range map[string]string{
		"../../etc/passwd": "filename.characters", `C:\scan.pdf`: "filename.characters", "..": "filename.dots", "Ausweis.": "filename.dots",
		"a\x00b.pdf": "control", "scan\u202efdp.exe": "invisible", strings.Repeat("name", 60): "filename.length",
	} {
		rows = append(rows, invalid("upload the file "+name, uploading(pdf, func(_ *scene, h header) { h.Scan.FileName = name }),
			"header.scan.file_name "+rule))
	}
	for _, unknown := range []string{"", "application/octet-stream", "image/svg+xml", "text/html", "Application/PDF", "application/pdf; charset=x", "image/jpg"} {
		rows = append(rows, invalid("upload the unknown type "+unknown, uploading(pdf, func(_ *scene, h header) { h.Scan.MediaType = unknown }),
			"header.scan.media_type media-type.unknown"))
	}
	return append(rows, lyingTypes()...)
}

// lyingTypes are files that say to be of another type than they are.
func lyingTypes() []refusal {
	small := func(list []scanFile) map[string][]byte {
		out := map[string][]byte{
			"text":         []byte(strings.Repeat("just text, nothing else\n", 20)),
			"a page":       []byte("<!doctype html><html><body><script>alert(1)</script></body></html>"),
			"an archive":   append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), noise(500)...),
			"a programme":  append([]byte("\x7fELF\x02\x01\x01\x00"), noise(500)...),
			"zeros":        make([]byte, 500),
			"a film":       append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), noise(500)...),
			"a late PDF":   append(bytes.Repeat([]byte{'\n'}, 5000), pdfFile(500, "late")...),
			"half a magic": []byte("%PD"),
		}
		for _, f := range list {
			out[f.mediaType] = f.content
		}
		return out
	}
	pictures := []scanFile{
		{mediaType: "application/pdf", content: pdfFile(500, "line")}, {mediaType: "image/tiff", content: tiffFile(500)},
		{mediaType: "image/heic", content: heicFile(500)}, {mediaType: "image/jpeg", content: []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00 and so on")},
		{mediaType: "image/png", content: []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR and so on")},
	}
	var rows []refusal
	for what, content := range small(pictures) {
		for _, says := range mediaTypes {
			if says == what {
				continue
			}
			rows = append(rows, invalid("upload "+what+" as "+says, func(ctx context.Context, s *scene) error {
				header := announced(s.doc, says, content)
				_, err := s.upload(ctx, proto.CloneOf(header), content)
				return err
			}, "header.scan.media_type media-type.content"))
		}
	}
	return rows
}
