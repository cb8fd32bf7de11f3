package custody

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// unseen is the accesses of a customer whom nobody looked at.
func unseen(context.Context, string, time.Time) (export.Accesses, error) {
	return export.Accesses{Complete: true, Entries: []export.Access{}}, nil
}

// given is an export and what became of it.
func given(ctx context.Context, c *Custodian, name resource.Customer, secrets bool, req Request) (export.Record, []byte, error) {
	var out bytes.Buffer
	_, err := c.Export(ctx, name, ExportDraft{Purpose: purposeAccess, Secrets: secrets, Accesses: unseen, Request: req}, &out)
	if err != nil {
		return export.Record{}, out.Bytes(), err
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		return export.Record{}, nil, err
	}
	f, err := z.Open("customer.json")
	if err != nil {
		return export.Record{}, nil, err
	}
	var r export.Record
	return r, out.Bytes(), json.NewDecoder(f).Decode(&r)
}

// held is a value of an export's data.
func held(d export.Data, path string) any {
	var value any = map[string]any(d)
	for part := range strings.SplitSeq(path, ".") {
		within, _ := value.(map[string]any)
		value = within[part]
	}
	return value
}

// TestExport: the customer is given everything in full, secrets only where they are
// asked for, and that is on record.
func TestExport(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, draft := audit.Begin(t.Context(), audit.Event{})
		c := w.server(t)
		f := w.fixture(ctx, t)
		if _, err := c.Disclose(ctx, f.customer, DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, Request{}); err != nil {
			t.Fatal(err)
		}
		plain, archive, err := given(ctx, c, f.customer, false, Request{})
		if err != nil {
			t.Fatal(err)
		}
		who := custodytest.NewSpecimens(1).PlainCustomer()
		if got := held(plain.Customer.Data, "iban"); got != who["iban"] {
			t.Errorf("the account is %q", got)
		}
		if len(plain.Artefacts) != 3 || len(plain.Recipients) != 2 || plain.Recipients[1].Purpose != purposeAccess || plain.Secrets != export.Withheld {
			t.Errorf("held are %+v", plain)
		}
		if got := draft.Event().Fields; !slices.Equal(got, []string{"document.number", "iban"}) {
			t.Errorf("given out are %q", got)
		}
		secrets := []string{"sim_card.pin", "sim_card.pin2", "sim_card.puk", "sim_card.puk2"}
		sim := plain.Artefacts[0]
		for _, path := range secrets {
			if got := held(sim.Data, path); got != field.Artefact.Spec(path).Show(f.values[path]) || !slices.Contains(sim.Masked, path) {
				t.Errorf("%s is %q, masked %q", path, got, sim.Masked)
			}
			if len(f.values[path]) > 5 && bytes.Contains(archive, []byte(f.values[path])) {
				t.Errorf("%s is in the archive", path)
			}
		}
		full, _, err := given(ctx, c, f.customer, true, Request{})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range secrets {
			if got := held(full.Artefacts[0].Data, path); got != f.values[path] {
				t.Errorf("%s is %q", path, got)
			}
		}
		if got := held(full.Customer.Data, "online_banking_login"); got != who["online_banking_login"] || full.Secrets != export.Included {
			t.Errorf("the login is %q", got)
		}
		if got := draft.Event().Fields; !slices.Equal(got, append([]string{"document.number", "iban", "online_banking_login"}, secrets...)) {
			t.Errorf("given out with secrets are %q", got)
		}
		last := full.Recipients[len(full.Recipients)-1]
		if !slices.Contains(last.Classes, "secrets") || slices.Contains(plain.Recipients[1].Classes, "secrets") {
			t.Errorf("recorded are %+v", full.Recipients)
		}
	})
}

// TestExportOnce: a request that is repeated is recorded once.
func TestExportOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f, req := w.fixture(ctx, t), request("export")
		for range 2 {
			if r, _, err := given(ctx, c, f.customer, false, req); err != nil || len(r.Recipients) != 1 {
				t.Fatalf("%d recipients, %v", len(r.Recipients), err)
			}
		}
		req.Content = []byte("other")
		if _, sent, err := given(ctx, c, f.customer, false, req); fault.ReasonOf(err) != ReasonRequestIDReused || len(sent) > 0 {
			t.Errorf("other content: %v after %d bytes", err, len(sent))
		}
	})
}

// TestExportRefused: before the first byte it is clear whether there is an archive,
// and who is refused leaves no record.
func TestExportRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	f := w.fixture(ctx, t)
	refused := func(what string, ctx context.Context, secrets bool, reason string) {
		t.Helper()
		if _, sent, err := given(ctx, c, f.customer, secrets, Request{}); fault.ReasonOf(err) != reason || len(sent) > 0 {
			t.Errorf("%s: %v after %d bytes", what, err, len(sent))
		}
	}
	away := errors.New("the log is away")
	_, err := c.Export(ctx, f.customer, ExportDraft{Purpose: purposeAccess, Accesses: func(context.Context, string, time.Time) (export.Accesses, error) {
		return export.Accesses{}, away
	}}, io.Discard)
	if !errors.Is(err, away) {
		t.Errorf("without a log: %v", err)
	}
	if _, err := c.Restrict(ctx, f.customer, "GROUND_OBJECTION", Request{}); err != nil {
		t.Fatal(err)
	}
	refused("restricted", ctx, false, ReasonRestricted)
	claim := ForRestricted(ctx, "LEGAL_CLAIM")
	refused("restricted, with secrets", claim, true, ReasonRestricted)
	if r, _, err := given(claim, c, f.customer, false, Request{}); err != nil || len(r.Recipients) != 1 || len(r.Restrictions) != 1 {
		t.Errorf("restricted, for a claim: %+v, %v", r.Recipients, err)
	}
	f.customer.ID = "nobody"
	refused("nobody", ctx, false, ReasonCustomerNotFound)
}

// TestExportBroken: a scan that is gone or changed ends the export with an error,
// and what was written does not open.
func TestExportBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	f := w.fixture(ctx, t)
	p, err := c.find(f.customer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.store.Delete(ctx, p.scan(f.scan.ID)); err != nil {
		t.Fatal(err)
	}
	_, sent, err := given(ctx, c, f.customer, false, Request{})
	if fault.KindOf(err) != fault.Corrupt {
		t.Errorf("without a scan: %v", err)
	}
	if _, err := zip.NewReader(bytes.NewReader(sent), int64(len(sent))); err == nil {
		t.Error("it opens")
	}
	again, err := c.view(ctx, f.customer)
	if err != nil {
		t.Fatal(err)
	}
	scan := w.putScan(ctx, t, c, again, custodytest.NewSpecimens(9).PDF(40_000))
	_, _, err = c.change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
		scan.Sha256[0]++
		a, err := d.artefact(f.document.ID)
		if err == nil {
			a.Scans[0] = scan
		}
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := given(ctx, c, f.customer, false, Request{}); fault.ReasonOf(err) != ReasonCorrupt {
		t.Errorf("with another scan: %v", err)
	}
}

// heap measures what lives while an export is written.
type heap struct{ written, measured, most uint64 }

// Write measures every 16 MiB.
func (h *heap) Write(p []byte) (int, error) {
	if h.written += uint64(len(p)); h.written-h.measured >= 16<<20 {
		h.measured = h.written
		h.most = max(h.most, live())
	}
	return len(p), nil
}

func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// TestExportHoldsNoScan exports 20 scans of 20 MiB and looks at the heap meanwhile.
// It runs alone: others would count too.
func TestExportHoldsNoScan(t *testing.T) {
	const scans, size = 20, 20 << 20
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	f := w.fixture(ctx, t)
	content := custodytest.NewSpecimens(1).PDF(size)
	d, err := c.view(ctx, f.customer)
	if err != nil {
		t.Fatal(err)
	}
	for range scans - 1 {
		scan := w.putScan(ctx, t, c, d, content)
		if _, _, err := c.change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
			return nil, d.linkScan(f.document.ID, newRevision(), scan)
		}); err != nil {
			t.Fatal(err)
		}
	}
	content = nil
	before := live()
	h := &heap{}
	n, err := c.Export(ctx, f.customer, ExportDraft{Purpose: purposePortability, Accesses: unseen}, h)
	if err != nil || n != scans || h.written < (scans-1)*size {
		t.Fatalf("%d scans, %d bytes, %v", n, h.written, err)
	}
	t.Logf("heap in use: %d KiB before, %d KiB at most, for %d MiB", before>>10, h.most>>10, h.written>>20)
	if h.most > before+8<<20 {
		t.Errorf("the heap grew by %d KiB", (h.most-before)>>10)
	}
}
