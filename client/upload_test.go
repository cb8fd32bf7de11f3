package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
)

const artefact = "institutes/a/customers/b/artefacts/c"

// content is size bytes that begin as a PDF does.
func content(size int) []byte {
	out := make([]byte, size)
	random := rand.NewChaCha8([32]byte{7})
	random.Read(out)
	copy(out, "%PDF-1.7\n")
	return out
}

func TestUploadsOfEverySize(t *testing.T) {
	t.Parallel()
	const chunk = 128 << 10
	readers := map[string]func(io.Reader) io.Reader{
		"plain":        func(r io.Reader) io.Reader { return r },
		"halves":       iotest.HalfReader,
		"end with EOF": iotest.DataErrReader,
	}
	server := &scans{}
	vault := open(t, services{artefacts: server})
	for _, size := range []int{1, 8, 3071, 3072, 3073, chunk - 1, chunk, chunk + 1, 3*chunk - 1, 3 * chunk, 1<<20 + 17} {
		for name, wrap := range readers {
			sent := content(size)
			scan, err := vault.UploadScan(t.Context(), artefact, wrap(bytes.NewReader(sent)), int64(size))
			if err != nil {
				t.Fatalf("%d bytes, %s: %v", size, name, err)
			}
			if got := *server.got.Load(); !bytes.Equal(got, sent) {
				t.Errorf("%d bytes, %s: %d bytes arrived, not the same", size, name, len(got))
			}
			if scan.GetSizeBytes() != int64(size) || server.header.Load().GetScan().GetSizeBytes() != int64(size) {
				t.Errorf("%d bytes, %s: described as %v", size, name, scan)
			}
		}
	}
	if n := server.largest.Load(); n > chunk {
		t.Errorf("a message carries %d bytes", n)
	}
	sent := content(5000)
	if _, err := vault.UploadScan(t.Context(), artefact, iotest.OneByteReader(bytes.NewReader(sent)), 5000); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

func TestUploadOptions(t *testing.T) {
	t.Parallel()
	server := &scans{}
	vault := open(t, services{artefacts: server})
	sent := content(10)
	upload := func(opts ...client.UploadOption) {
		t.Helper()
		if _, err := vault.UploadScan(t.Context(), artefact, bytes.NewReader(sent), 10, opts...); err != nil {
			t.Fatal(err)
		}
	}
	upload()
	first := server.header.Load()
	if first.GetParent() != artefact || first.GetScan().GetMediaType() != "application/pdf" || first.GetScan().GetSha256() != "" {
		t.Errorf("header %v", first)
	}
	if _, err := uuid.Parse(first.GetRequestId()); err != nil {
		t.Errorf("request_id: %v", err)
	}
	sum := sha256.Sum256(sent)
	const id = "0b54cbe0-6d0f-4b3d-9e3a-0b6f7b1f6a11"
	upload(client.FileName("policy.pdf"), client.MediaType("image/png"), client.SHA256(sum), client.RequestID(id))
	second := server.header.Load()
	scan := second.GetScan()
	if scan.GetFileName() != "policy.pdf" || scan.GetMediaType() != "image/png" ||
		scan.GetSha256() != hex.EncodeToString(sum[:]) || second.GetRequestId() != id {
		t.Errorf("header %v", second)
	}
}

func TestMediaTypesByContent(t *testing.T) {
	t.Parallel()
	server := &scans{}
	vault := open(t, services{artefacts: server})
	ftyp := func(brand string) string { return "\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x00\x00" + brand + "mif1" }
	for begins, want := range map[string]string{
		"%PDF-1.4\n":                     "application/pdf",
		"\xff\xd8\xff\xe0\x00\x10JFIF":   "image/jpeg",
		"\x89PNG\r\n\x1a\n\x00\x00":      "image/png",
		"II*\x00\x08\x00\x00\x00":        "image/tiff",
		"MM\x00*\x00\x00\x00\x08":        "image/tiff",
		ftyp("heic"):                     "image/heic",
		ftyp("heix"):                     "image/heic",
		ftyp("mif1"):                     "image/heic",
		ftyp("hevc"):                     "image/heic",
		"GIF89a":                         "image/gif", // which the server refuses
		"just words, which nobody scans": "text/plain; charset=utf-8",
	} {
		sent := begins + strings.Repeat("\x00", 16)
		if want == "text/plain; charset=utf-8" {
			sent = begins
		}
		if _, err := vault.UploadScan(t.Context(), artefact, strings.NewReader(sent), int64(len(sent))); err != nil {
			t.Fatal(err)
		}
		if got := server.header.Load().GetScan().GetMediaType(); got != want {
			t.Errorf("%q is taken for %s, want %s", begins, got, want)
		}
	}
}

func TestUploadsThatMustLeaveNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		content io.Reader
		size    int64
		check   func(error) bool
	}{
		"too short":        {bytes.NewReader(content(299_999)), 300_000, differs},
		"too long":         {bytes.NewReader(content(300_001)), 300_000, differs},
		"much too long":    {rand.NewChaCha8([32]byte{}), 300_000, differs},
		"too long by one":  {bytes.NewReader(content(128<<10 + 1)), 128 << 10, differs},
		"no size":          {bytes.NewReader(content(5)), 0, differs},
		"negative size":    {bytes.NewReader(content(5)), -7, differs},
		"empty":            {strings.NewReader(""), 5, differs},
		"breaks":           {io.MultiReader(bytes.NewReader(content(170_000)), iotest.ErrReader(broken)), 300_000, func(err error) bool { return errors.Is(err, broken) }},
		"breaks at once":   {iotest.ErrReader(broken), 100_000, func(err error) bool { return errors.Is(err, broken) }},
		"breaks at end":    {io.MultiReader(bytes.NewReader(content(300_000)), iotest.ErrReader(broken)), 300_000, func(err error) bool { return errors.Is(err, broken) }},
		"gives up reading": {iotest.TimeoutReader(bytes.NewReader(content(300_000))), 300_000, func(err error) bool { return errors.Is(err, iotest.ErrTimeout) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &scans{ended: make(chan error, 1)}
			vault := open(t, services{artefacts: server})
			scan, err := vault.UploadScan(t.Context(), artefact, c.content, c.size)
			if scan != nil || !c.check(err) {
				t.Errorf("%v, %v", scan, err)
			}
			if name == "breaks at once" {
				return // before any call
			}
			if err := <-server.ended; err == nil {
				t.Error("the server took it for whole")
			}
		})
	}
}

func differs(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Kind == fault.Invalid && e.Violations[0].Field == "header.scan.size_bytes" && e.Violations[0].Rule == "size.differs"
}

func TestTheServersRefusalOfAnUpload(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Exhausted, "TOO_MANY", "an artefact has at most 20 scans")
	for _, after := range []int{0, 1 << 20} {
		vault := open(t, services{artefacts: &scans{refuse: refused, refuseAfter: after}})
		_, err := vault.UploadScan(t.Context(), artefact, bytes.NewReader(content(8<<20)), 8<<20)
		if fault.KindOf(err) != fault.Exhausted || fault.ReasonOf(err) != refused.Reason || err.Error() != refused.Message {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}

func TestAnUploadThatArrivesChanged(t *testing.T) {
	t.Parallel()
	vault := open(t, services{artefacts: &scans{forge: true}})
	if _, err := vault.UploadScan(t.Context(), artefact, bytes.NewReader(content(10)), 10); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("%v; want Corrupt", err)
	}
}

func TestAnUploadThatIsGivenUp(t *testing.T) {
	t.Parallel()
	server := &scans{ended: make(chan error, 1)}
	vault := open(t, services{artefacts: server})
	ctx, cancel := context.WithCancel(t.Context())
	part := io.MultiReader(bytes.NewReader(content(100_000)), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	if _, err := vault.UploadScan(ctx, artefact, part, 200_000); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want Canceled", err)
	}
	if err := <-server.ended; err == nil {
		t.Error("the server took it for whole")
	}
}

type readerFunc func([]byte) (int, error)

// Read calls the function.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
