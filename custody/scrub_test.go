package custody

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// mustScrub scrubs to the end.
func (w *world) mustScrub(ctx context.Context, t testing.TB, c *Custodian, o ScrubOptions) ScrubReport {
	t.Helper()
	o.Institute = w.institute
	r, err := c.Scrub(ctx, o)
	if err != nil || r.Failed() > 0 {
		t.Fatalf("scrub: %v, %+v", err, r)
	}
	if jobs := w.names(ctx, t, "system/jobs/"); len(jobs) > 0 {
		t.Errorf("jobs are left: %q", jobs)
	}
	return r
}

// TestScrubOfAnIntactStore finds nothing and changes nothing.
func TestScrubOfAnIntactStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t, logged(t))
		for range 3 {
			w.fixture(ctx, t)
		}
		if _, err := erase(ctx, c, w.fixture(ctx, t).customer, "asked for it", "", Request{}); err != nil {
			t.Fatal(err)
		}
		before := w.bytes(ctx, t)
		for _, without := range []bool{false, true} {
			var last, of int
			r := w.mustScrub(ctx, t, c, ScrubOptions{NoScans: without, Rate: 1000, Progress: func(done, total int) { last, of = done, total }})
			if r.Total != 3 || r.Done != 3 || r.Scans != 3 || (r.Bytes == 120_000) == without || r.Wrong()+r.Remarked+r.Skipped != 0 || last != 3 || of != 3 {
				t.Errorf("without scans %v: %+v, progress %d of %d", without, r, last, of)
			}
		}
		if w.bytes(ctx, t) != before {
			t.Error("a scrub changed something")
		}
		if _, err := c.Scrub(ctx, ScrubOptions{Institute: "none"}); fault.ReasonOf(err) != ReasonInstituteNotFound {
			t.Errorf("got %v", err)
		}
	})
}

// TestScrubFindsDamage: each kind of damage is found, where it is.
func TestScrubFindsDamage(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, store := t.Context(), blobstore.New(w.blobs)
		var f *fixture
		var p place
		own := w // with an institute of its own for each damage
		flip := func(at func([]byte) int) func(*testing.T, string) {
			return func(t *testing.T, object string) {
				content := w.object(t, object)
				content[at(content)] ^= 1
				if _, err := store.Put(ctx, object, content, blobstore.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		remove := func(t *testing.T, object string) {
			if err := store.Delete(ctx, object); err != nil {
				t.Fatal(err)
			}
		}
		dossier := func() string { return p.dossier() }
		scan := func() string { return p.scan(f.scan.ID) }
		ofPrefix := func(prefix string) func() string {
			return func() string {
				for _, name := range w.names(ctx, t, prefix) {
					if p.satellite(name) {
						return name
					}
				}
				return ""
			}
		}
		for name, damage := range map[string]struct {
			to             func() string
			how            func(*testing.T, string)
			what           string
			withoutReading bool // also found where no scan is read
		}{
			"a byte of the dossier":  {dossier, flip(func(b []byte) int { return len(b) - 1 }), ProblemDossier, true},
			"its header":             {dossier, flip(func([]byte) int { return 0 }), ProblemDossier, true},
			"the name of its key":    {dossier, flip(func(b []byte) int { return keyNameEnd(b) - 1 }), ProblemKey, true},
			"a scan that is gone":    {scan, remove, ProblemNoScan, true},
			"a byte of a scan":       {scan, flip(func(b []byte) int { return len(b) / 2 }), ProblemScan, false},
			"a scan's header":        {scan, flip(func([]byte) int { return 0 }), ProblemScan, true},
			"a pointer that is gone": {ofPrefix("index/"), remove, ProblemNoPointer, true},
			"the mark that is gone":  {func() string { return ofPrefix(dueDays(own.institute))() }, remove, ProblemNoMark, true},
			"a scan that was cut": {scan, func(t *testing.T, object string) {
				content := w.object(t, object)
				if _, err := store.Put(ctx, object, content[:len(content)-100], blobstore.Condition{}); err != nil {
					t.Fatal(err)
				}
			}, ProblemScan, true},
			"a key that is destroyed": {dossier, func(t *testing.T, object string) {
				d, err := own.server(t).view(ctx, f.customer)
				if err != nil {
					t.Fatal(err)
				}
				if err := vault.New(w.keys).Destroy(ctx, d.key.Name); err != nil {
					t.Fatal(err)
				}
			}, ProblemKey, true},
			"another scan": {scan, func(t *testing.T, object string) {
				_, _, err := own.server(t).change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
					a, err := d.artefact(f.document.ID)
					if err == nil {
						a.GetScans()[0].Sha256[0] ^= 1
					}
					return nil, err
				})
				if err != nil {
					t.Fatal(err)
				}
			}, ProblemDiffers, false},
			"a secret under another key": {dossier, func(t *testing.T, object string) {
				_, _, err := own.server(t).change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
					sealed := d.compartments()[0].GetSealed()
					sealed[keyNameEnd(sealed)-1] ^= 1
					return nil, nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}, ProblemCompartment, true},
		} {
			own = w.apart()
			f = own.fixture(ctx, t)
			own.fixture(ctx, t)
			p = own.secret.key.place(f.customer)
			damage.how(t, damage.to())
			c := own.server(t)
			for _, without := range []bool{true, false} {
				r := own.mustScrub(ctx, t, c, ScrubOptions{NoScans: without})
				if without && !damage.withoutReading {
					if r.Wrong() > 0 {
						t.Errorf("%s: found without reading it: %+v", name, r)
					}
					continue
				}
				if damage.what == ProblemNoMark && !without {
					// It was marked anew.
					if r.Wrong()+r.Remarked > 0 {
						t.Errorf("%s: %+v", name, r)
					}
					own.mustBeWhole(ctx, t)
					continue
				}
				want := []ScrubProblem{{own.institute, p.pseudonym, damage.what}}
				if !slices.Equal(r.Found, want) || !maps.Equal(r.Problems, map[string]int{damage.what: 1}) || r.Done != 2 {
					t.Errorf("%s: %+v, want %v", name, r, want)
				}
				if (r.Remarked == 1) != (damage.what == ProblemNoMark) {
					t.Errorf("%s: %d were marked anew", name, r.Remarked)
				}
			}
		}
	})
}

// TestScrubGoesOn: a scrub that is stopped goes on where it was, and remembers what
// it had found.
func TestScrubGoesOn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		const n = 12
		for range n {
			w.fixture(ctx, t)
		}
		first := w.names(ctx, t, w.institute+rotationDossiers)[0]
		if _, err := c.store.Put(ctx, first, []byte("spoilt"), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		stopped := func(o ScrubOptions) ScrubReport {
			t.Helper()
			stopping, stop := context.WithCancel(ctx)
			o.Institute, o.Rate = w.institute, 50
			o.Progress = func(done, _ int) {
				if done == n/2 {
					stop()
				}
			}
			r, err := c.Scrub(stopping, o)
			if err == nil || r.Done == 0 || r.Done == n || !r.Resumed.IsZero() || r.Problems[ProblemDossier] != 1 {
				t.Fatalf("stopped: %v, %+v", err, r)
			}
			return r
		}
		part := stopped(ScrubOptions{})
		var opened atomic.Int64
		counting := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "vault.unwrap" && call.Context == vault.Dossier {
				opened.Add(1)
			}
			return custodytest.Pass
		}))
		r := w.mustScrub(ctx, t, counting, ScrubOptions{})
		if r.Done != n || r.Total != n || r.Resumed.IsZero() || r.Wrong() != 1 || len(r.Found) != 1 || r.Scans != n-1 {
			t.Errorf("gone on with: %+v", r)
		}
		if opened.Load() > int64(n-part.Done) {
			t.Errorf("%d dossiers were opened, %d had been before", opened.Load(), part.Done)
		}

		stopped(ScrubOptions{})
		if r := w.mustScrub(ctx, t, c, ScrubOptions{Restart: true}); r.Done != n || !r.Resumed.IsZero() {
			t.Errorf("begun anew: %+v", r)
		}
		stopped(ScrubOptions{})
		if r := w.mustScrub(ctx, t, c, ScrubOptions{NoScans: true}); r.Done != n || !r.Resumed.IsZero() {
			t.Errorf("of another kind: %+v", r)
		}
		stopped(ScrubOptions{})
		w.clock.advance(jobLife + time.Minute)
		if r := w.mustScrub(ctx, t, c, ScrubOptions{}); r.Done != n || !r.Resumed.IsZero() {
			t.Errorf("a week later: %+v", r)
		}
		// Who can write the store can't have a scrub pass over anything.
		if _, err := c.store.Put(ctx, "system/jobs/scrub."+w.institute, []byte(`{"job":{"last":"z"}}`), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if r := w.mustScrub(ctx, t, c, ScrubOptions{}); r.Done != n {
			t.Errorf("after a forged job: %+v", r)
		}
	})
}

// TestScrubMarksByTheRulesOfToday: changed rules reach a dossier that nobody changes,
// and the sweep then keeps to them.
func TestScrubMarksByTheRulesOfToday(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		years := func(n int) func(*Config) {
			return func(cfg *Config) {
				cfg.Institutes[0].Retention = retention.Defaults().With(
					retention.Rule{Class: retention.Artefacts, Anchor: retention.ContractEnd, Period: retention.Period{Years: n}, Alignment: retention.Exact, Basis: "x"},
					retention.Rule{Class: retention.Customer, Anchor: retention.ContractEnd, Period: retention.Period{Years: n}, Alignment: retention.Exact, Basis: "x"},
				)
			}
		}
		long := w.server(t, years(3))
		name := w.ended(ctx, t, long, 1)[0]
		for range 2 {
			if _, err := long.Sweep(ctx, SweepOptions{Grace: -1}); err != nil {
				t.Fatal(err)
			}
		}
		marks := func() []string { return w.names(ctx, t, dueDays(w.institute)) }
		before := marks()
		if r := w.mustScrub(ctx, t, long, ScrubOptions{}); r.Remarked != 0 || r.Done != 1 {
			t.Fatalf("rules that did not change: %+v", r)
		}
		w.clock.advance(400 * 24 * time.Hour)
		short := w.server(t, years(1))
		if got, err := short.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{}) {
			t.Errorf("a sweep found what no mark told it: %+v, %v", got, err)
		}
		if r := w.mustScrub(ctx, t, short, ScrubOptions{}); r.Remarked != 1 || r.Wrong() != 0 {
			t.Errorf("changed rules: %+v", r)
		}
		shorter := marks()
		if after := shorter; len(after) != 1 || after[0] >= before[0] {
			t.Errorf("marks %q, before %q", after, before)
		}
		w.mustBeWhole(ctx, t)
		// By longer rules again, a sweep finds out by itself that nothing is due.
		if got, err := long.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{}) || slices.Equal(marks(), shorter) {
			t.Errorf("longer rules: %+v, %v, marks %q", got, err, marks())
		}
		if r := w.mustScrub(ctx, t, short, ScrubOptions{}); r.Remarked != 1 {
			t.Errorf("and changed again: %+v", r)
		}
		if got, err := short.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{Erased: 1}) {
			t.Errorf("then a sweep did %+v, %v", got, err)
		}
		if got := w.describe(ctx, t, name); got != gone {
			t.Error("the customer is not erased")
		}
	})
}

// TestScrubBesideServers: what is changed while it is looked at is no damage.
func TestScrubBesideServers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s := custodytest.NewSpecimens(91)
			for range 12 {
				scan, err := addPDF(ctx, c, f.document, s.PDF(1000), Request{})
				if err != nil {
					t.Error(err)
					return
				}
				list, err := c.Register(ctx, f.customer, []Draft{{Field: "a", Kind: "bike", Values: s.Artefact("bike")}}, Request{})
				if err == nil {
					err = c.DeleteArtefact(ctx, list[0].Name, "", Request{})
				}
				if err == nil {
					err = c.DeleteScan(ctx, resource.Scan{Artefact: f.document, ID: scan.Name.ID}, Request{})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
		other := w.server(t, logged(t))
		for going := true; going; {
			select {
			case <-done:
				going = false
			default:
			}
			r, err := other.Scrub(ctx, ScrubOptions{Institute: w.institute})
			if err != nil || r.Wrong() > 0 {
				t.Errorf("%v, %+v", err, r)
			}
		}
	})
}

// TestTwoScrubs: the second one gives way.
func TestTwoScrubs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	w.fixture(ctx, t)
	second := false
	_, err := c.Scrub(ctx, ScrubOptions{Progress: func(int, int) {
		if !second {
			second = true
			if r, err := w.server(t).Scrub(ctx, ScrubOptions{}); err != nil || r.Done != 1 {
				t.Errorf("who comes second and is through first: %v, %+v", err, r)
			}
		}
	}})
	if fault.KindOf(err) != fault.Aborted {
		t.Errorf("the other one: %v", err)
	}
}

// TestScrubEndsWhereABackEndStaysAway and does not take that for damage.
func TestScrubEndsWhereABackEndStaysAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx := t.Context()
	for range outage + 3 {
		w.fixture(ctx, t)
	}
	denied := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Op == "vault.unwrap" && call.Context == vault.Scan {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	if r, err := denied.Scrub(ctx, ScrubOptions{}); fault.KindOf(err) != fault.Unavailable || r.Wrong() > 0 {
		t.Errorf("scans can't be opened: %v, %+v", err, r)
	}
	if r, err := denied.Scrub(ctx, ScrubOptions{NoScans: true}); err != nil || r.Done != outage+3 {
		t.Errorf("and need not be: %v, %+v", err, r)
	}
}
