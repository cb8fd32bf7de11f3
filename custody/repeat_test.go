package custody

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestARepeatedRequestIsDoneOnce repeats each sort of change, on another server
// and after another change; and sends another request under the same id.
func TestARepeatedRequestIsDoneOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		for _, a := range acts() {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				ctx, w := t.Context(), w.apart()
				f, req := w.fixtureFor(ctx, t, a), request(a.name)
				if err := a.do(ctx, w.server(t), f, req); err != nil {
					t.Fatal(err)
				}
				want := w.state(ctx, t, f)
				for range 2 {
					if err := a.do(ctx, w.server(t), f, req); err != nil {
						t.Errorf("repeated: %v", err)
					}
				}
				if got := w.state(ctx, t, f); got != want {
					t.Errorf("after it was repeated: %s\nwant %s", got, want)
				}
				w.mustBeWhole(ctx, t)
				switch a.name {
				case "erase", "rotate":
					return // an id stands for nothing there: nothing is left, or nobody's request did it
				}
				err := a.do(ctx, w.server(t), f, Request{ID: req.ID, Content: []byte("another")})
				refusal(t, err, fault.Invalid, ReasonRequestIDReused)
				if got := w.state(ctx, t, f); got != want {
					t.Errorf("a refused request made of it %s", got)
				}
			})
		}
	})
}

// TestARepeatedRequestGetsTheSameResult repeats what makes something new.
func TestARepeatedRequestGetsTheSameResult(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f, s := w.fixture(ctx, t), custodytest.NewSpecimens(20)
		drafts := []Draft{
			{Field: "a", Kind: "device", Values: s.Artefact("device")},
			{Field: "b", Kind: "payment_card", Values: s.Artefact("payment_card")},
		}
		req := request("register")
		first, err := c.Register(ctx, f.customer, drafts, req)
		if err != nil {
			t.Fatal(err)
		}
		scanReq, pdf := request("scan"), s.PDF(5_000)
		scan, err := addPDF(ctx, c, f.document, pdf, scanReq)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateArtefact(ctx, first[0].Name, "", Update{Values: field.Values{"label": "new"}, Paths: []string{"label"}}); err != nil {
			t.Fatal(err)
		}
		again, err := w.server(t).Register(ctx, f.customer, drafts, req)
		if err != nil || len(again) != 2 || again[0].Name != first[0].Name || again[1].Name != first[1].Name {
			t.Errorf("registered again: %v, %+v", err, again)
		}
		if len(again) == 2 && again[0].Values["label"] != "new" {
			t.Error("the answer is not as it is now")
		}
		rescan, err := addPDF(ctx, w.server(t), f.document, pdf, scanReq)
		if err != nil || rescan != scan {
			t.Errorf("uploaded again: %v, %+v, want %+v", err, rescan, scan)
		}
		if err := c.DeleteArtefact(ctx, first[0].Name, "", Request{}); err != nil {
			t.Fatal(err)
		}
		_, err = c.Register(ctx, f.customer, drafts, req)
		refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
		if _, more, err := c.Artefacts(ctx, f.customer, Page{Size: 4}); err != nil || more {
			t.Errorf("%v, more %v: it was registered a second time", err, more)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestARepeatedRequestIsAnsweredFromTheStore repeats requests on the server that
// did them and still has in its cache what they made, after another server has
// changed or removed that.
func TestARepeatedRequestIsAnsweredFromTheStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, other := t.Context(), w.server(t), w.server(t)
		f, s := w.fixture(ctx, t), custodytest.NewSpecimens(22)
		drafts := []Draft{{Field: "artefact", Kind: "document", Values: s.Artefact("document")}}
		req := request("register")
		made, err := c.Register(ctx, f.customer, drafts, req)
		if err != nil {
			t.Fatal(err)
		}
		rename := func(c *Custodian, to string, req Request) (Artefact, error) {
			return c.UpdateArtefact(ctx, made[0].Name, "", Update{Values: field.Values{"label": to}, Paths: []string{"label"}, Request: req})
		}
		renamed := request("rename")
		if _, err := rename(c, "mine", renamed); err != nil {
			t.Fatal(err)
		}
		if _, err := rename(other, "theirs", Request{}); err != nil {
			t.Fatal(err)
		}
		if got, err := rename(c, "mine", renamed); err != nil || got.Values["label"] != "theirs" {
			t.Errorf("renamed again: %v, and the label is that of before another changed it", err)
		}
		pdf, upload := s.PDF(5_000), request("scan")
		scan, err := addPDF(ctx, c, made[0].Name, pdf, upload)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.DeleteScan(ctx, scan.Name, Request{}); err != nil {
			t.Fatal(err)
		}
		_, err = addPDF(ctx, c, made[0].Name, pdf, upload)
		refusal(t, err, fault.NotFound, ReasonScanNotFound)
		again, err := c.Register(ctx, f.customer, drafts, req)
		if err != nil || len(again) != 1 || len(again[0].Scans) != 0 {
			t.Errorf("registered again: %v, %+v", err, again)
		}
		if err := other.DeleteArtefact(ctx, made[0].Name, "", Request{}); err != nil {
			t.Fatal(err)
		}
		_, err = c.Register(ctx, f.customer, drafts, req)
		refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
		w.mustBeWhole(ctx, t)
	})
}

// TestTheSameUploadTwiceAtOnce lets a second copy of an upload overtake the
// first, as an impatient client does.
func TestTheSameUploadTwiceAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		pdf, req := custodytest.NewSpecimens(21).PDF(100_000), request("upload")
		var second Scan
		slow := &atEnd{Reader: bytes.NewReader(pdf), then: func() error {
			var err error
			second, err = addPDF(ctx, w.server(t), f.document, pdf, req)
			return err
		}}
		in := ScanDraft{FileName: "scan.pdf", MediaType: "application/pdf", Size: int64(len(pdf))}
		first, err := w.server(t).AddScan(ctx, f.document, in, slow, req)
		if err != nil || first != second {
			t.Errorf("%v: %+v and %+v", err, first, second)
		}
		w.mustBeWhole(ctx, t)
		if a, err := w.server(t).Artefact(ctx, f.document); err != nil || !slices.Contains(a.Scans, first) || len(a.Scans) != 2 {
			t.Errorf("%v: scans %+v", err, a.Scans)
		}
	})
}

// atEnd does something before a reader ends.
type atEnd struct {
	io.Reader
	then func() error
	done bool
}

func (r *atEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF && !r.done {
		r.done = true
		if failed := r.then(); failed != nil {
			return 0, failed
		}
	}
	return n, err
}

// TestACallerWhoIsGone ends the context of each sort of change at each of its
// calls. What was begun is left as after a crash.
func TestACallerWhoIsGone(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	for _, a := range acts() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			before, after, calls := root.apart().plainly(t, a)
			for n := 1; n <= calls; n++ {
				w := root.apart()
				ctx, cancel := context.WithCancel(t.Context())
				f := w.fixtureFor(t.Context(), t, a)
				c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
					if call.Number == n {
						cancel()
						return custodytest.Lose // and it happens nonetheless
					}
					return custodytest.Pass
				}))
				w.warm(t, c, f.customer)
				err := a.do(ctx, c, f, request(a.name))
				cancel()
				w.sweepAll(t.Context(), t)
				w.mustBeWhole(t.Context(), t)
				if got := w.state(t.Context(), t, f); got != after && (err == nil || got != before) {
					t.Errorf("gone at call %d, answer %v: %s", n, err, got)
				}
			}
		})
	}
}

// TestBatchIsAllOrNothing registers several of which one is refused.
func TestBatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		s, before := custodytest.NewSpecimens(22), w.state(t.Context(), t, f)
		draft := func(i int, kind string) Draft {
			return Draft{Field: fmt.Sprintf("artefacts[%d]", i), Kind: kind, Values: s.Artefact(kind)}
		}
		wrong := draft(1, "device")
		wrong.Values["device.imei"] = "490154203237519"
		c := w.server(t, limited(Limits{Artefacts: 5}))

		_, err := c.Register(ctx, f.customer, []Draft{draft(0, "bike"), wrong, {Field: "artefacts[2]"}}, Request{})
		breaks(t, err, "artefacts[1].device.imei", "imei.luhn")
		breaks(t, err, "artefacts[2].kind", "required")
		_, err = c.Register(ctx, f.customer, []Draft{draft(0, "bike"), draft(1, "bike"), draft(2, "bike")}, Request{})
		refusal(t, err, fault.Exhausted, ReasonTooMany)
		if got := w.state(ctx, t, f); got != before {
			t.Errorf("refused, and then: %s", got)
		}
		w.mustBeWhole(ctx, t)
		list, err := c.Register(ctx, f.customer, []Draft{draft(0, "bike"), draft(1, "sim_card")}, Request{})
		if err != nil || len(list) != 2 || list[0].Kind != "bike" || list[1].Kind != "sim_card" {
			t.Errorf("%v, %+v", err, list)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestPages goes through a list in pages of each size.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	f, s := w.fixture(ctx, t), custodytest.NewSpecimens(23)
	for range 4 {
		if _, err := c.Register(ctx, f.customer, []Draft{{Kind: "bike", Values: s.Artefact("bike")}}, Request{}); err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := c.Artefacts(ctx, f.customer, Page{Size: 100})
	if err != nil || len(all) != 7 {
		t.Fatal(err, len(all))
	}
	for size := 1; size <= 8; size++ {
		var names []resource.Artefact
		page := Page{Size: size}
		for {
			list, more, err := c.Artefacts(ctx, f.customer, page)
			if err != nil || len(list) > size {
				t.Fatal(err, len(list))
			}
			for _, a := range list {
				names = append(names, a.Name)
			}
			if !more {
				break
			}
			page.After = list[len(list)-1].Name.ID
		}
		if len(names) != len(all) {
			t.Fatalf("pages of %d: %d artefacts, want %d", size, len(names), len(all))
		}
		for i, a := range all {
			if names[i] != a.Name {
				t.Errorf("pages of %d: number %d is %s, want %s", size, i, names[i], a.Name)
			}
		}
	}
	_, _, err = c.Artefacts(ctx, f.customer, Page{Size: 5, After: "removed-meanwhile"})
	breaks(t, err, "page_token", "page-token.stale")
}
