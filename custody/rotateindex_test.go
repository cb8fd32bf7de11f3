package custody

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// hasty is a rotation of the index for which no server need be waited.
func hasty(log *book) IndexOptions {
	return IndexOptions{Grace: time.Nanosecond, Recorder: log, Principal: "operator"}
}

func (w *world) rotateIndex(ctx context.Context, t testing.TB, c *Custodian, o IndexOptions) IndexReport {
	t.Helper()
	report, err := c.RotateIndex(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// found are the pointers that lead from a document's number, as a look-up finds
// them.
func found(ctx context.Context, t testing.TB, c *Custodian, kind, normalised string) []string {
	t.Helper()
	now, err := c.currentIndex(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, folder := range now.folders(kind, normalised) {
		for info, err := range c.store.List(ctx, folder) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, info.Name)
		}
	}
	return all
}

// identifier is the kind and the value of an identifier of an artefact.
func identifier(t testing.TB, d *Dossier, id string) (kind, normalised string) {
	t.Helper()
	a, err := d.artefact(id)
	if err != nil {
		t.Fatal(err)
	}
	values := open(a.GetRecord())
	for _, s := range field.Artefact.Specs() {
		if s.Lookup != "" && values[s.Path] != "" {
			return s.Lookup, s.Normalise(values)
		}
	}
	t.Fatal("it has no identifier")
	return "", ""
}

// TestRotateIndex writes all pointers anew; everybody is found as before, and
// servers that were there before learn of it.
func TestRotateIndex(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, log := t.Context(), w.server(t, logged(t)), &book{}
		f, second := w.fixture(ctx, t), w.fixture(ctx, t)
		server := w.server(t) // which has read the secrets before
		state, pointers := w.state(ctx, t, f), len(w.names(ctx, t, "index/1/"))
		d, err := server.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		kind, value := identifier(t, d, f.sim.ID)
		before := found(ctx, t, server, kind, value)
		stray := indexVersion{1, w.secret.index.versions[0].key}.pointer(kind, "STRAY", d.place, newID(), newRevision())
		if _, err := c.store.Put(ctx, stray, nil, blobstore.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		report := w.rotateIndex(ctx, t, c, hasty(log))
		if !report.Complete || report.Total != 2 || report.Done != 2 || report.Rewritten != 2 || report.Removed != 1 || report.Failed() != 0 {
			t.Errorf("%+v", report)
		}
		if got := log.actions(); got[indexAction] != 1 || got[dropAction] != 1 || len(log.events) != 2 || log.events[0].Principal != "operator" {
			t.Errorf("recorded %v", got)
		}
		if old, now := w.names(ctx, t, "index/1/"), w.names(ctx, t, "index/2/"); len(old) != 0 || len(now) != pointers {
			t.Errorf("%d pointers under the old version, %d under the new one; there were %d", len(old), len(now), pointers)
		}
		if got := w.state(ctx, t, f); got != state {
			t.Errorf("the customer changed:\n%s\nwas\n%s", got, state)
		}
		w.mustBeWhole(ctx, t)

		// The server learns of it from a dossier, at once.
		if err := server.DeleteArtefact(ctx, second.document, "", Request{}); err != nil {
			t.Fatal(err)
		}
		after := found(ctx, t, server, kind, value)
		if len(before) == 0 || len(after) != len(before) || slices.Equal(before, after) {
			t.Errorf("found %v, before %v", after, before)
		}
		if _, err := server.Register(ctx, f.customer, []Draft{{Field: "a", Kind: "device", Values: custodytest.NewSpecimens(3).Artefact("device")}}, Request{}); err != nil {
			t.Fatal(err)
		}
		if old := w.names(ctx, t, "index/1/"); len(old) != 0 {
			t.Errorf("written under the old version: %v", old)
		}
		w.mustBeWhole(ctx, t)
		if report := w.rotateIndex(ctx, t, c, hasty(log)); !report.Complete || len(w.names(ctx, t, "index/3/")) == 0 {
			t.Errorf("once more: %+v", report)
		}
	})
}

// TestRotateIndexWhileServing rotates the index while servers register and
// change, which learn of it as they do in operation, only faster.
func TestRotateIndexWhileServing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		const age, grace = 20 * time.Millisecond, 500 * time.Millisecond
		group, gctx := errgroup.WithContext(ctx)
		rotated := make(chan struct{})
		for n := range 3 {
			c, f := w.server(t), w.fixture(ctx, t)
			c.indexAge = age
			group.Go(func() error {
				for i := 0; ; i++ {
					select {
					case <-rotated:
						return nil
					default:
					}
					s := custodytest.NewSpecimens(uint64(100*n + i))
					made, err := c.Register(gctx, f.customer, []Draft{{Field: "a", Kind: "bike", Values: s.Artefact("bike")}}, Request{})
					if err == nil {
						_, err = c.UpdateArtefact(gctx, f.sim, "sim_card", Update{
							Values: s.Artefact("sim_card"), Paths: []string{"sim_card.iccid"}, Request: request("x"),
						})
					}
					if err == nil && i%2 == 0 {
						err = c.DeleteArtefact(gctx, made[0].Name, "", Request{})
					}
					if err != nil && fault.ReasonOf(err) != ReasonContention && fault.ReasonOf(err) != ReasonTooMany {
						return fmt.Errorf("server %d: %w", n, err)
					}
				}
			})
		}
		group.Go(func() error {
			defer close(rotated)
			c := w.server(t, logged(t))
			c.indexAge = age
			for range 2 {
				report, err := c.RotateIndex(gctx, IndexOptions{Grace: grace, Recorder: &book{}})
				if err != nil || !report.Complete {
					return fmt.Errorf("%+v: %w", report, err)
				}
			}
			return nil
		})
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
		if old := append(w.names(ctx, t, "index/1/"), w.names(ctx, t, "index/2/")...); len(old) != 0 {
			t.Errorf("under old versions: %v", old)
		}
	})
}

// TestIndexRotationGoesOn breaks a rotation off at every call; the next one
// finishes it.
func TestIndexRotationGoesOn(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	ctx := t.Context()
	w := root.apart()
	f := w.fixture(ctx, t)
	state := w.state(ctx, t, f)
	for _, m := range mishaps()[:4] {
		if m.name == "crash before the answer" {
			continue // that is a lost answer and a crash
		}
		for n := 1; ; n++ {
			var calls atomic.Int64
			broken := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
				calls.Add(1)
				switch {
				case call.Number == n:
					return m.then
				case call.Number > n:
					return m.after
				}
				return custodytest.Pass
			}))
			_, failed := broken.RotateIndex(ctx, hasty(&book{}))
			if report := w.rotateIndex(ctx, t, w.server(t), hasty(&book{})); !report.Complete {
				t.Fatalf("%s at call %d (%v): then %+v", m.name, n, failed, report)
			}
			if got := w.state(ctx, t, f); got != state {
				t.Fatalf("%s at call %d: the customer changed:\n%s\nwas\n%s", m.name, n, got, state)
			}
			if calls.Load() < int64(n) {
				break // it went through before
			}
		}
	}
	w.sweepAll(ctx, t)
	w.mustBeWhole(ctx, t)
}

// TestIndexStaysWhileItIsNeeded: what can't be written anew keeps the old version.
func TestIndexStaysWhileItIsNeeded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f, erasing := w.fixture(ctx, t), w.fixture(ctx, t)
		p := c.secret.place(f.customer)
		dossier, _, err := c.store.Get(ctx, p.dossier())
		if err != nil {
			t.Fatal(err)
		}
		foreign := indexVersion{1, w.secret.index.versions[0].key}.pointer("iccid", "1", place{"elsewhere", p.pseudonym}, newID(), newRevision())
		for _, change := range []error{
			put(ctx, c, p.dossier(), []byte("garbage")),
			put(ctx, c, foreign, nil),
		} {
			if change != nil {
				t.Fatal(change)
			}
		}
		_, _, err = c.change(ctx, erasing.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
			d.stored.Erasing = true
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		stays := func(want map[string]int) {
			t.Helper()
			report := w.rotateIndex(ctx, t, c, hasty(&book{}))
			if report.Complete || fmt.Sprint(report.Failures) != fmt.Sprint(want) {
				t.Errorf("%+v, want %v", report, want)
			}
			s, err := LoadIndexSecret(ctx, c.keys, c.store)
			if err != nil || len(s.index.versions) != 2 || s.index.writing != 2 {
				t.Errorf("%d versions, written under %d: %v", len(s.index.versions), s.index.writing, err)
			}
		}
		stays(map[string]int{ReasonCorrupt: 1, ReasonErasurePending: 1})
		if err := put(ctx, c, p.dossier(), dossier); err != nil {
			t.Fatal(err)
		}
		stays(map[string]int{ReasonErasurePending: 1})
		if _, err := erase(ctx, c, erasing.customer, "asked for it", "", Request{}); err != nil {
			t.Fatal(err)
		}
		stays(map[string]int{ReasonInstituteNotFound: 1})
		if err := c.store.Delete(ctx, foreign); err != nil {
			t.Fatal(err)
		}
		if report := w.rotateIndex(ctx, t, c, hasty(&book{})); !report.Complete || report.Done != 1 {
			t.Errorf("%+v", report)
		}
		w.mustBeWhole(ctx, t)
	})
}

func put(ctx context.Context, c *Custodian, name string, data []byte) error {
	_, err := c.store.Put(ctx, name, data, blobstore.Condition{})
	return err
}

// TestIndexSteps: a version is looked up under before anybody writes under it.
func TestIndexSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	var writes atomic.Int64
	step, stop := context.WithCancel(ctx)
	early := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Op == "store.put" && call.Name == indexSecretObject {
			writes.Add(1)
		}
		if writes.Load() == 2 {
			stop() // before it turns
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	if _, err := early.RotateIndex(step, hasty(&book{})); err == nil {
		t.Fatal("it went through")
	}
	w.clock.advance(defaultIndexAge)
	now, err := c.currentIndex(ctx)
	if err != nil || now.writing != 1 || now.newest() != 2 || len(now.folders("iccid", "1")) != 2 {
		t.Errorf("%d versions, written under %d: %v", len(now.versions), now.writing, err)
	}
	f := w.fixture(ctx, t)
	if len(w.names(ctx, t, "index/2/")) != 0 {
		t.Error("written under a version that others do not know yet")
	}
	if report := w.rotateIndex(ctx, t, c, hasty(&book{})); !report.Complete || report.Rewritten != 1 {
		t.Errorf("%+v", report)
	}
	// A server that was stopped for hours may still write what nobody knows any
	// more. The customer stays usable, and is found again after a change.
	w.clock.advance(defaultIndexAge)
	d, _, err := c.change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
		for _, a := range d.stored.GetArtefacts() {
			a.IndexVersion = 1
		}
		return nil, nil
	})
	if err != nil || len(d.pointersOf(d.stored.GetArtefacts()[0])) != 0 {
		t.Fatal(err)
	}
	_, err = c.UpdateArtefact(ctx, f.sim, "", Update{Values: field.Values{"label": "x"}, Paths: []string{"label"}})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = c.view(ctx, f.customer); err != nil || d.stored.GetArtefacts()[0].GetIndexVersion() != 2 {
		t.Errorf("not under the newest version after a change: %v", err)
	}
	w.rotateIndex(ctx, t, c, hasty(&book{}))
	w.mustBeWhole(ctx, t)
}

// TestIndexUnavailable: where the secrets can't be looked at, calls fail for the
// time being.
func TestIndexUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, away := t.Context(), false
	f := w.fixture(ctx, t)
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if away && call.Name == indexSecretObject {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	away = true
	if _, err := c.Customer(ctx, f.customer); err != nil {
		t.Errorf("within the minute: %v", err)
	}
	w.clock.advance(defaultIndexAge)
	_, err := c.Customer(ctx, f.customer)
	refusal(t, err, fault.Unavailable, ReasonUnavailable)
	away = false
	if _, err := c.Customer(ctx, f.customer); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if _, err := c.RotateIndex(ctx, IndexOptions{}); err == nil {
		t.Error("rotated without a log")
	}
}
