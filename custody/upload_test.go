package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestScansComeBack uploads and reads scans of sizes around all boundaries.
func TestScansComeBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		for i, size := range []int{16, 3071, 3072, 3073, 32 << 10, 64 << 10, 64<<10 + 1, 200_000, 3 << 20} {
			content := custodytest.NewSpecimens(uint64(i)).PDF(size)
			sum := sha256.Sum256(content)
			in := ScanDraft{
				FileName: " Ausweis vorn.pdf ", MediaType: "application/pdf",
				Size: int64(size), SHA256: hex.EncodeToString(sum[:]),
			}
			scan, err := c.AddScan(ctx, f.document, in, iotest.HalfReader(bytes.NewReader(content)), Request{})
			if err != nil {
				t.Fatal(err)
			}
			if scan.FileName != "Ausweis vorn.pdf" || scan.MediaType != in.MediaType || scan.Size != in.Size || scan.SHA256 != in.SHA256 {
				t.Errorf("%d bytes: %+v", size, scan)
			}
			got, err := readScan(ctx, w.server(t), scan.Name)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes: %v, %d came back", size, err, len(got))
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestUploadIsRefused announces and sends what does not fit. Nothing stays.
func TestUploadIsRefused(t *testing.T) {
	t.Parallel()
	pdf := custodytest.NewSpecimens(30).PDF(150_000)
	sum := sha256.Sum256(pdf)
	fits := func() ScanDraft {
		return ScanDraft{
			Field: "header.scan", FileName: "a.pdf", MediaType: "application/pdf",
			Size: int64(len(pdf)), SHA256: hex.EncodeToString(sum[:]),
		}
	}
	lost := errors.New("connection lost")
	cases := map[string]struct {
		change      func(*ScanDraft)
		content     func() io.Reader
		field, rule string
		other       error // instead of a field
	}{
		"unknown type":       {change: func(d *ScanDraft) { d.MediaType = "text/html" }, field: "media_type", rule: "media-type.unknown"},
		"no type":            {change: func(d *ScanDraft) { d.MediaType = "" }, field: "media_type", rule: "media-type.unknown"},
		"another type":       {change: func(d *ScanDraft) { d.MediaType = "image/png" }, field: "media_type", rule: "media-type.content"},
		"no size":            {change: func(d *ScanDraft) { d.Size = 0 }, field: "size_bytes", rule: "size.positive"},
		"negative size":      {change: func(d *ScanDraft) { d.Size = -1 }, field: "size_bytes", rule: "size.positive"},
		"path in name":       {change: func(d *ScanDraft) { d.FileName = "../../etc/passwd" }, field: "file_name", rule: "filename.characters"},
		"hash of odd length": {change: func(d *ScanDraft) { d.SHA256 = "abc" }, field: "sha256", rule: "sha256.form"},
		"short hash":         {change: func(d *ScanDraft) { d.SHA256 = "abcd" }, field: "sha256", rule: "sha256.form"},
		"another hash":       {change: func(d *ScanDraft) { d.SHA256 = strings.Repeat("00", 32) }, field: "sha256", rule: "sha256.differs"},
		"shorter than said":  {change: func(d *ScanDraft) { d.Size++ }, field: "size_bytes", rule: "size.differs"},
		"longer than said":   {change: func(d *ScanDraft) { d.Size-- }, field: "size_bytes", rule: "size.differs"},
		"much longer":        {change: func(d *ScanDraft) { d.Size = 100 }, field: "size_bytes", rule: "size.differs"},
		"nothing comes":      {content: func() io.Reader { return strings.NewReader("") }, field: "size_bytes", rule: "size.differs"},
		"gone before":        {content: func() io.Reader { return iotest.ErrReader(lost) }, other: lost},
		"gone in the middle": {content: func() io.Reader { return io.MultiReader(bytes.NewReader(pdf[:90_000]), iotest.ErrReader(lost)) }, other: lost},
		"gone at the end":    {content: func() io.Reader { return io.MultiReader(bytes.NewReader(pdf), iotest.ErrReader(lost)) }, other: lost},
		"gone, the other way": {content: func() io.Reader {
			return io.MultiReader(bytes.NewReader(pdf[:90_000]), iotest.ErrReader(io.ErrUnexpectedEOF))
		}, other: io.ErrUnexpectedEOF},
	}
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t, limited(Limits{ScanBytes: 1 << 20}))
		f := w.fixture(ctx, t)
		before := w.names(ctx, t, "")
		for name, k := range cases {
			in := fits()
			if k.change != nil {
				k.change(&in)
			}
			content := io.Reader(bytes.NewReader(pdf))
			if k.content != nil {
				content = k.content()
			}
			_, err := c.AddScan(ctx, f.document, in, content, Request{})
			switch {
			case k.other != nil && !errors.Is(err, k.other):
				t.Errorf("%s: %v, want %v", name, err, k.other)
			case k.other == nil:
				breaks(t, err, "header.scan."+k.field, k.rule)
			}
			if after := w.names(ctx, t, ""); strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Fatalf("%s: afterwards there are %q, before there were %q", name, after, before)
			}
		}
		large := fits()
		large.Size = 1<<20 + 1
		_, err := c.AddScan(ctx, f.document, large, iotest.ErrReader(lost), Request{})
		refusal(t, err, fault.Exhausted, ReasonTooLarge)
		unknown := resource.Artefact{Customer: f.customer, ID: "nope"}
		_, err = c.AddScan(ctx, unknown, fits(), iotest.ErrReader(lost), Request{})
		refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
		few := w.server(t, limited(Limits{Scans: 1}))
		_, err = few.AddScan(ctx, f.document, fits(), iotest.ErrReader(lost), Request{})
		refusal(t, err, fault.Exhausted, ReasonTooMany)
		if after := w.names(ctx, t, ""); len(after) != len(before) {
			t.Errorf("afterwards there are %d objects, before there were %d", len(after), len(before))
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestUploadIsRefusedInTheEnd has the artefact removed while its scan comes.
func TestUploadIsRefusedInTheEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		pdf := custodytest.NewSpecimens(31).PDF(50_000)
		slow := &atEnd{Reader: bytes.NewReader(pdf), then: func() error {
			return w.server(t).DeleteArtefact(ctx, f.document, "", Request{})
		}}
		in := ScanDraft{MediaType: "application/pdf", Size: int64(len(pdf))}
		_, err := w.server(t).AddScan(ctx, f.document, in, slow, Request{})
		refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
		w.mustBeWhole(ctx, t) // without a sweep
	})
}

// TestACallerWhoIsGoneAtTheLink ends the context when the dossier with the link
// is being written: it is written, and the scan must not be taken away.
func TestACallerWhoIsGoneAtTheLink(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		f := w.fixture(t.Context(), t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "store.put" && call.Name == w.secret.key.place(f.customer).dossier() {
				defer cancel()
				return custodytest.Lose
			}
			return custodytest.Pass
		}))
		if _, err := addPDF(ctx, c, f.document, custodytest.NewSpecimens(32).PDF(9_000), Request{}); err == nil {
			t.Error("the answer should have been lost")
		}
		w.sweepAll(t.Context(), t)
		w.mustBeWhole(t.Context(), t)
		a, err := w.server(t).Artefact(t.Context(), f.document)
		if err != nil || len(a.Scans) != 2 {
			t.Errorf("%v, %d scans, want 2", err, len(a.Scans))
		}
	})
}
