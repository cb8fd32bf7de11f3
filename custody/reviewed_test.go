package custody

import (
	"context"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestARepetitionShowsNothingRestricted: who repeats a request that was done before
// the processing was restricted, or before the contract ended, is shown nothing that
// a reader would not be.
func TestARepetitionShowsNothingRestricted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context, *Custodian, *fixture) error{
		"restricted": func(ctx context.Context, c *Custodian, f *fixture) error {
			_, err := c.Restrict(ctx, f.customer, "GROUND_OBJECTION", Request{})
			return err
		},
		"ended": func(ctx context.Context, c *Custodian, f *fixture) error {
			_, err := c.Terminate(ctx, f.customer, today(c), "", Request{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, custodytest.Embedded())
			ctx, c, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
			pdf, s := custodytest.NewSpecimens(5).PDF(100), custodytest.NewSpecimens(6)
			updates, artefact, registers, uploads, cancels := request("u"), request("a"), request("r"), request("s"), request("c")
			calls := map[string]func() error{
				"update": func() error {
					_, err := c.UpdateCustomer(ctx, f.customer, Update{Values: field.Values{"given_name": "Ada"}, Paths: []string{"given_name"}, Request: updates})
					return err
				},
				"update artefact": func() error {
					_, err := c.UpdateArtefact(ctx, f.bike, "bike", Update{Values: field.Values{"label": "x"}, Paths: []string{"label"}, Request: artefact})
					return err
				},
				"register": func() error {
					_, err := c.Register(ctx, f.customer, []Draft{{Field: "a", Kind: "bike", Values: s.Artefact("bike")}}, registers)
					return err
				},
				"upload": func() error { _, err := addPDF(ctx, c, f.document, pdf, uploads); return err },
			}
			for what, call := range calls {
				if err := call(); err != nil {
					t.Fatal(what, err)
				}
			}
			first, err := c.CancelTermination(ctx, f.customer, cancels)
			if err != nil || len(first.Values) == 0 {
				t.Fatal(err)
			}
			if err := end(ctx, c, f); err != nil {
				t.Fatal(err)
			}
			for what, call := range calls {
				if reason := fault.ReasonOf(call()); reason != ReasonRestricted && reason != ReasonContractEnded {
					t.Errorf("%s repeated gives %q", what, reason)
				}
			}
			again, err := c.CancelTermination(ctx, f.customer, cancels)
			if err != nil || len(again.Values) > 0 || len(again.Services) > 0 {
				t.Errorf("a cancellation repeated: %v, %v", err, again.Values)
			}
		})
	}
}

// TestAFullDossierIsGoverned: what governs a dossier has room in one at its limit.
func TestAFullDossierIsGoverned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, f := t.Context(), w.fixture(t.Context(), t)
	full := w.server(t, limited(Limits{DossierBytes: w.opened(ctx, t, f.customer).size}))
	if _, err := full.Register(ctx, f.customer, []Draft{{Field: "a", Kind: "bike", Values: custodytest.NewSpecimens(6).Artefact("bike")}}, Request{}); fault.ReasonOf(err) != ReasonTooLarge {
		t.Fatalf("it is not full: %v", err)
	}
	if _, err := full.Hold(ctx, f.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{}); err != nil {
		t.Errorf("hold: %v", err)
	}
	if _, err := full.Restrict(ctx, f.customer, "GROUND_OBJECTION", Request{}); err != nil {
		t.Errorf("restrict: %v", err)
	}
	if _, err := full.Terminate(ctx, f.customer, today(full), "moved", Request{}); err != nil {
		t.Errorf("terminate: %v", err)
	}
}

// TestAConfirmationIsForOneStateAndAWhile: what was confirmed and broke off holds for
// the customer as the officer saw it, for a day, and for nobody else to take back.
func TestAConfirmationIsForOneStateAndAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx := t.Context()
	brokenOff := func() *fixture {
		t.Helper()
		f := w.fixture(ctx, t)
		intent := w.secret.key.place(f.customer).intent()
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "store.put" && call.Name == intent {
				return custodytest.Refuse
			}
			return custodytest.Pass
		}))
		if _, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul", ETag: f.etag}, Request{}); fault.KindOf(err) != fault.Unavailable {
			t.Fatal(err)
		}
		return f
	}
	c := w.server(t)
	t.Run("changed since", func(t *testing.T) {
		f := brokenOff()
		if _, err := c.UpdateCustomer(ctx, f.customer, Update{Values: field.Values{"given_name": "Ada"}, Paths: []string{"given_name"}}); err != nil {
			t.Fatal(err)
		}
		_, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-ines"}, Request{})
		refusal(t, err, fault.Precondition, ReasonSecondOfficer)
		w.clock.advance(2 * defaultLease)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed > 0 {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
		w.opened(ctx, t, f.customer)
	})
	t.Run("a stale etag of somebody else", func(t *testing.T) {
		f := brokenOff()
		_, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-ines", ETag: "stale"}, Request{})
		refusal(t, err, fault.Aborted, ReasonStaleETag)
		refusal(t, c.CancelErasure(ctx, f.customer, Request{}), fault.Precondition, ReasonBeingErased)
		w.clock.advance(2 * defaultLease)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed != 1 {
			t.Errorf("the sweep: %v, %+v", err, report)
		}
	})
	t.Run("replayed", func(t *testing.T) {
		f := brokenOff()
		object := w.secret.key.place(f.customer).request()
		copied, _, err := c.store.Get(ctx, object)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(confirmedFor)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed > 0 {
			t.Errorf("hours later: %v, %+v", err, report)
		}
		if err := c.CancelErasure(ctx, f.customer, Request{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.store.Put(ctx, object, copied, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed > 0 {
			t.Errorf("put back: %v, %+v", err, report)
		}
		w.opened(ctx, t, f.customer)
	})
	t.Run("a cancelled request is not revived", func(t *testing.T) {
		f := w.fixture(ctx, t)
		if err := c.CancelErasure(ctx, f.customer, Request{}); err != nil {
			t.Fatal(err)
		}
		req := request("asks")
		if _, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), req); err != nil {
			t.Fatal(err)
		}
		if err := c.CancelErasure(ctx, f.customer, Request{}); err != nil {
			t.Fatal(err)
		}
		_, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), req)
		refusal(t, err, fault.Precondition, ReasonErasureNotRequested)
	})
	t.Run("a disclosure that comes meanwhile stands against it", func(t *testing.T) {
		f := w.fixture(ctx, t)
		lasting := func(cfg *Config) { cfg.Institutes[0].Retention = nil }
		late := w.server(t, lasting, w.before("store.put", w.secret.key.place(f.customer).intent(), func() {
			if _, err := w.server(t, lasting).Disclose(ctx, f.customer, DisclosureDraft{
				Recipient: "Versicherung Köln", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"},
			}, Request{}); err != nil {
				t.Error(err)
			}
		}))
		_, err := late.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
		refusal(t, err, fault.Precondition, ReasonExempt)
		w.opened(ctx, t, f.customer)
	})
}

// TestAChangeOverAnErasure: a change whose customer is erased and enrolled anew before
// it is written makes its pointers again.
func TestAChangeOverAnErasure(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c := w.server(t, w.before("store.put", w.secret.key.place(f.customer).dossier(), func() {
			if _, err := erase(ctx, w.server(t), f.customer, "asked for it", "", Request{}); err != nil {
				t.Error(err)
			}
			if err := w.enrolWhole(ctx, t, w.server(t), f); err != nil {
				t.Error(err)
			}
		}))
		if _, err := c.Register(ctx, f.customer, []Draft{{Field: "a", Kind: "device", Values: custodytest.NewSpecimens(8).Artefact("device")}}, Request{}); err != nil {
			t.Fatal(err)
		}
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
	})
}
