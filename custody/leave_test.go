package custody

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// tame is a keeper that destroys nothing, as Vault does under a server's policy.
type tame struct{ vault.Driver }

// Destroy denies.
func (tame) Destroy(context.Context, string) error {
	return fmt.Errorf("%w: by the test", vault.ErrDenied)
}

// Close leaves the driver to its owner.
func (tame) Close() error { return nil }

// powerless gives a server that may not destroy keys.
func (w *world) powerless(cfg *Config) { cfg.Keys = vault.New(tame{w.keys}) }

// pendingErasure checks that an erasure is begun, and that the caller is told when
// to ask again.
func pendingErasure(t *testing.T, err error) {
	t.Helper()
	refusal(t, err, fault.Unavailable, ReasonErasurePending)
	var e *fault.Error
	if errors.As(err, &e) && e.RetryAfter != pendingRetry {
		t.Errorf("to be asked again after %v", e.RetryAfter)
	}
}

// TestErasureIsLeftToTheSweep: who may not destroy keys begins the erasure, and a
// sweep that may goes on at once. Until then nothing is given out; the answer is
// the same as often as it is asked for, and the receipt afterwards.
func TestErasureIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f, req := t.Context(), w.fixture(t.Context(), t), request("erase")
		c := w.server(t, w.powerless)
		for range 3 {
			_, err := erase(ctx, c, f.customer, "asked for it", f.etag, req)
			pendingErasure(t, err)
			_, err = w.server(t).Customer(ctx, f.customer)
			refusal(t, err, fault.Precondition, ReasonBeingErased)
			_, err = w.server(t).Reveal(ctx, f.sim, nil)
			refusal(t, err, fault.Precondition, ReasonBeingErased)
			_, err = readScan(ctx, w.server(t), f.scan)
			refusal(t, err, fault.Precondition, ReasonBeingErased)
		}
		if report, err := w.server(t, w.powerless).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Failures: 1}) {
			t.Errorf("a sweep that may not either: %v, %+v", err, report)
		}
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Resumed: 1}) {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
		w.mustBeWhole(ctx, t)
		for _, again := range []Request{req, request("another")} {
			out, err := erase(ctx, c, f.customer, "asked for it", "", again)
			if err != nil || out.Statement.Destroyed["scan"] != 1 || out.Statement.Policy != PolicyRequest {
				t.Errorf("afterwards: %v, %+v", err, out.Statement)
			}
		}
	})
}

// TestEndedContractIsLeftToTheSweep: a sweep that may not destroy keys marks what
// is due, and the one that may finishes it.
func TestEndedContractIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		if _, err := w.server(t).Terminate(ctx, f.customer, today(w.server(t)), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		if report, err := w.server(t, w.powerless).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Failures: 1, OldestDue: report.OldestDue}) || report.OldestDue == "" {
			t.Errorf("a sweep that may not: %v, %+v", err, report)
		}
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Resumed: 1}) {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestErasureFinishesAfterTheKeyIsGone: what a sweep broke off once the key was
// destroyed, a server may finish.
func TestErasureFinishesAfterTheKeyIsGone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		stuck := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "store.delete" {
				return custodytest.Refuse
			}
			return custodytest.Pass
		}))
		_, err := erase(ctx, stuck, f.customer, "asked for it", "", Request{})
		refusal(t, err, fault.Unavailable, ReasonUnavailable)
		w.clock.advance(2 * defaultLease)
		// Vault, too, says of a key that is not there that it is gone.
		c := w.server(t, func(cfg *Config) { cfg.Keys = vault.New(honest{w.keys}) })
		if _, err := erase(ctx, c, f.customer, "asked for it", "", Request{}); err != nil {
			t.Error(err)
		}
		w.mustBeWhole(ctx, t)
	})
}

// honest denies the destruction of keys that there are.
type honest struct{ vault.Driver }

// Destroy denies, unless there is nothing to destroy.
func (h honest) Destroy(ctx context.Context, key string) error {
	if _, err := h.Info(ctx, key); errors.Is(err, vault.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("%w: by the test", vault.ErrDenied)
}

// Close leaves the driver to its owner.
func (honest) Close() error { return nil }

// TestUnusedKeyIsLeftToTheSweep: an enrolment in vain leaves a key that its server
// can't destroy, and a sweep does.
func TestUnusedKeyIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		made := ""
		c := w.server(t, w.watched(&made))
		_, err := c.Enrol(ctx, f.customer, Enrolment{Values: custodytest.NewSpecimens(2).PlainCustomer()})
		refusal(t, err, fault.Exists, ReasonCustomerExists)
		keys := vault.New(w.keys)
		if _, err := keys.Info(ctx, made); err != nil {
			t.Fatalf("the unused key: %v", err)
		}
		before := w.describe(ctx, t, f.customer)
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Settled: 1}) {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
		if _, err := keys.Info(ctx, made); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("the unused key afterwards: %v", err)
		}
		if after := w.describe(ctx, t, f.customer); after != before {
			t.Errorf("the customer afterwards is %s", after)
		}
		w.mustBeWhole(ctx, t)
	})
}

// watched notes the key that an enrolment makes, of a keeper that destroys
// none.
func (w *world) watched(made *string) func(*Config) {
	return func(cfg *Config) {
		keys, _ := custodytest.Wrap(w.keys, w.blobs, func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "vault.create" {
				*made = call.Name
			}
			return custodytest.Pass
		})
		cfg.Keys = vault.New(tame{keys})
	}
}

// TestForgedNoteDestroysNothing: who can write the store can't have the sweep
// destroy a key, neither by a note of one's own nor by moving a good one.
func TestForgedNoteDestroysNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c, store := w.server(t), blobstore.New(w.blobs)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		note := d.place.unused(d.key.Name)
		elsewhere := w.secret.key.place(w.newCustomer())
		for what, forged := range map[string]struct {
			name    string
			content []byte
			want    SweepReport
		}{
			"made up":                     {note, []byte("x"), SweepReport{Failures: 1}},
			"empty":                       {note, nil, SweepReport{Failures: 1}},
			"of another key":              {note, c.unusedMAC(elsewhere.unused(elsewhere.newKeyName())), SweepReport{Failures: 1}},
			"under no pseudonym":          {unusedKeys(w.institute) + "x", c.unusedMAC(note), SweepReport{Failures: 1}},
			"good, of a key that is used": {note, c.unusedMAC(note), SweepReport{Settled: 1}},
		} {
			if _, err := store.Put(ctx, forged.name, forged.content, blobstore.Condition{}); err != nil {
				t.Fatal(err)
			}
			if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report != forged.want {
				t.Errorf("%s: %v, %+v", what, err, report)
			}
			if _, err := c.Register(ctx, f.customer, []Draft{{Kind: "bike", Values: custodytest.NewSpecimens(1).Artefact("bike")}}, Request{}); err != nil {
				t.Errorf("%s: the customer afterwards: %v", what, err)
			}
			if err := store.Delete(ctx, forged.name); err != nil {
				t.Fatal(err)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestErasureBySweepIsOnRecord: each erasure leaves one event, and without the log
// being ready nothing is erased.
func TestErasureBySweepIsOnRecord(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, begun, due := t.Context(), w.fixture(t.Context(), t), w.fixture(t.Context(), t)
		_, err := erase(ctx, w.server(t, w.powerless), begun.customer, "asked for it", "", Request{})
		pendingErasure(t, err)
		if _, err := w.server(t).Terminate(ctx, due.customer, today(w.server(t)), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		away := &book{away: errors.New("full")}
		report, err := w.server(t).Sweep(ctx, SweepOptions{Recorder: away})
		if fault.ReasonOf(err) != ReasonAudit || report.Resumed+report.Erased > 0 || len(away.events) > 0 {
			t.Errorf("unrecorded: %v, %+v, %d events", err, report, len(away.events))
		}
		if state := w.describe(ctx, t, due.customer); state == gone {
			t.Error("erased off the record")
		}
		log := &book{}
		report, err = w.server(t).Sweep(ctx, SweepOptions{Recorder: log, Principal: "somebody"})
		if err != nil || report != (SweepReport{Resumed: 1, Erased: 1}) {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
		receipts := map[string]bool{}
		for _, e := range log.events {
			receipts[e.Receipt] = true
			if e.Action != "sweep/Erase" || e.Code != "OK" || e.Principal != "somebody" || e.Institute != w.institute || e.ID == "" {
				t.Errorf("event %+v", e)
			}
		}
		for _, f := range []*fixture{begun, due} {
			out, err := erase(ctx, w.server(t), f.customer, "asked for it", "", Request{})
			if err != nil || !receipts[out.Name.ID] {
				t.Errorf("no event of receipt %s, %v", out.Name.ID, err)
			}
		}
		if len(log.events) != 2 {
			t.Errorf("%d events, want 2", len(log.events))
		}
		if report, err := w.server(t).Sweep(ctx, SweepOptions{Recorder: log}); err != nil || len(log.events) != 2 {
			t.Errorf("a sweep that erased nothing: %v, %+v, %d events", err, report, len(log.events))
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestAPendingErasureIsOnRecordWithoutSubject: the log must not say whose events a
// receipt's customer left, also where the erasure is not done yet.
func TestAPendingErasureIsOnRecordWithoutSubject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	f := w.fixture(t.Context(), t)
	for range 2 {
		ctx, draft := audit.Begin(t.Context(), audit.Event{RequestID: "r"})
		_, err := erase(ctx, w.server(t, w.powerless), f.customer, "asked for it", "", request("erase"))
		refusal(t, err, fault.Unavailable, ReasonErasurePending)
		if e := draft.Event(); e.Receipt == "" || e.Subject != "" || e.RequestID != "" {
			t.Errorf("on record without its receipt, or with what leads to other events: %+v", e)
		}
	}
}
