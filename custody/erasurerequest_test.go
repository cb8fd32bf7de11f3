package custody

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// opened is a customer's dossier.
func (w *world) opened(ctx context.Context, t testing.TB, name resource.Customer, as ...needs) *Dossier {
	t.Helper()
	n := needs{doing: keeping}
	if len(as) > 0 {
		n = as[0]
	}
	d, err := w.server(t).viewAt(ctx, name, w.secret.key.place(name), n)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTwoOfficersErase: one asks, another confirms, and the receipt names both.
func TestTwoOfficersErase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
		r, err := c.ExplainRetention(ctx, f.customer, "")
		if err != nil || r.Request == nil || r.Request.By != "officer-ines" || r.Request.Ground != "GROUND_UNLAWFUL" || !r.Request.Lapses.After(w.clock.now()) {
			t.Fatalf("%v, %+v", err, r.Request)
		}
		again, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{})
		if err != nil || !reflect.DeepEqual(again, *r.Request) {
			t.Errorf("asked again: %v, %+v, want %+v", err, again, r.Request)
		}
		out, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul", Reason: "seen the letter", ETag: f.etag}, request("erase"))
		if err != nil {
			t.Fatal(err)
		}
		s := out.Statement
		if s.Policy != PolicyRequest || s.Basis != "Art. 17(1)(d) GDPR" || s.Reason != "asked for it" || s.RequestedBy != "officer-ines" ||
			s.ConfirmedBy != "officer-paul" || s.Confirmation != "seen the letter" || !s.Requested.Equal(r.Request.Requested) {
			t.Errorf("the receipt says %+v", s)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestErasureIsTakenBack: a request that was cancelled, or has lapsed, is none, and
// of a confirmation and a cancellation at once exactly one holds.
func TestErasureIsTakenBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
		confirm := func(c *Custodian) error {
			_, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
			return err
		}
		if err := c.CancelErasure(ctx, f.customer, Request{}); err != nil {
			t.Fatal(err)
		}
		refusal(t, c.CancelErasure(ctx, f.customer, Request{}), fault.Precondition, ReasonErasureNotRequested)
		refusal(t, confirm(c), fault.Precondition, ReasonErasureNotRequested)

		ask := func() {
			t.Helper()
			if _, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{}); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		w.clock.advance(ErasureLapse)
		refusal(t, confirm(c), fault.Precondition, ReasonErasureNotRequested)
		ask() // in the place of the one that lapsed
		w.clock.advance(ErasureLapse)
		if w.sweepAll(ctx, t); len(w.names(ctx, t, erasureRequests(w.institute))) > 0 {
			t.Error("what has lapsed is still there")
		}
		ask()
		object := w.secret.key.place(f.customer).request()
		cancelled := w.server(t, w.before("store.put", object, func() {
			if err := w.server(t).CancelErasure(ctx, f.customer, Request{}); err != nil {
				t.Error(err)
			}
		}))
		if err := confirm(cancelled); fault.ReasonOf(err) != ReasonBeingErased && fault.ReasonOf(err) != ReasonErasureNotRequested {
			t.Errorf("cancelled as it is confirmed: %v", err)
		}
		w.opened(ctx, t, f.customer)
		ask()
		if err := confirm(c); err != nil {
			t.Fatal(err)
		}
		refusal(t, c.CancelErasure(ctx, f.customer, Request{}), fault.NotFound, ReasonCustomerNotFound)
		w.mustBeWhole(ctx, t)
	})
}

// TestWhatStandsAgainstAnErasure: holds, restrictions and rules with an exemption,
// when it is asked for and when it is confirmed.
func TestWhatStandsAgainstAnErasure(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
		exempt := func(cfg *Config) {
			cfg.Institutes[0].Retention = cfg.Institutes[0].Retention.With(retention.Rule{
				Class: "artefacts.bike", Anchor: retention.ContractEnd, Alignment: retention.Exact, Basis: "claims", Exemption: retention.LegalClaims,
			})
		}
		try := func(reason string, c *Custodian) {
			t.Helper()
			_, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{})
			refusal(t, err, fault.Precondition, reason)
			_, err = c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
			refusal(t, err, fault.Precondition, reason)
		}
		try(ReasonExempt, w.server(t, exempt))
		for _, recipient := range []string{"Police", "Insurer", "Police"} {
			if _, err := c.Disclose(ctx, f.customer, DisclosureDraft{Recipient: recipient, Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, Request{}); err != nil {
				t.Fatal(err)
			}
		}
		told := []string{"Insurer", "Police"} // of a restriction and of an erasure
		restricts := request("restrict")
		for range 2 { // the answer of the first may have got lost
			if r, err := c.Restrict(ctx, f.customer, "GROUND_UNLAWFUL", restricts); err != nil || !slices.Equal(r.Recipients, told) {
				t.Fatalf("%v, to be told are %v", err, r.Recipients)
			}
		}
		try(ReasonRestricted, c)
		if _, err := c.Lift(ctx, f.customer, w.clock.now(), Request{}); err != nil {
			t.Fatal(err)
		}
		r, err := c.Hold(ctx, f.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{})
		if err != nil {
			t.Fatal(err)
		}
		try(ReasonHeld, c)
		refusal(t, c.DeleteArtefact(ctx, f.bike, "", Request{}), fault.Precondition, ReasonHeld)
		refusal(t, c.DeleteScan(ctx, f.scan, Request{}), fault.Precondition, ReasonHeld)
		_, err = c.SetServices(ctx, f.customer, nil, w.opened(ctx, t, f.customer).customer().ETag, Request{})
		refusal(t, err, fault.Precondition, ReasonHeld)
		if _, err := c.Release(ctx, f.customer, r.Holds[0].ID, Request{}); err != nil {
			t.Fatal(err)
		}
		// A hold that is placed as the erasure is confirmed comes first.
		late := w.server(t, w.before("store.put", w.secret.key.place(f.customer).intent(), func() {
			if r, err = w.server(t).Hold(ctx, f.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 13/26"}, Request{}); err != nil {
				t.Error(err)
			}
		}))
		_, err = late.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
		refusal(t, err, fault.Precondition, ReasonHeld)
		w.clock.advance(2 * defaultLease)
		if report := w.sweepAll(ctx, t); report.Erased+report.Resumed > 0 {
			t.Errorf("the sweep erases what is held: %+v", report)
		}
		// Once it is released it takes a confirmation anew: the first one was refused.
		if _, err := c.Release(ctx, f.customer, r.Holds[1].ID, Request{}); err != nil {
			t.Fatal(err)
		}
		if report := w.sweepAll(ctx, t); report.Erased+report.Resumed > 0 {
			t.Errorf("the sweep erases whose confirmation was refused: %+v", report)
		}
		if again, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{}); err != nil || !slices.Equal(again.Recipients, told) {
			t.Errorf("%v, to be told are %v", err, again.Recipients)
		}
		if _, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{}); err != nil {
			t.Error(err)
		}
		if w.describe(ctx, t, f.customer) != gone {
			t.Error("the customer is still there")
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestConfirmedAndBrokenOff: what was confirmed and did not begin, the sweep carries
// out; what stands against it by then takes the confirmation back.
func TestConfirmedAndBrokenOff(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f, held := t.Context(), w.fixture(t.Context(), t), w.fixture(t.Context(), t)
		for _, f := range []*fixture{f, held} {
			intent := w.secret.key.place(f.customer).intent()
			c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
				if call.Op == "store.put" && call.Name == intent {
					return custodytest.Refuse
				}
				return custodytest.Pass
			}))
			if _, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{}); fault.KindOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
		}
		c := w.server(t)
		refusal(t, c.CancelErasure(ctx, f.customer, Request{}), fault.Precondition, ReasonBeingErased)
		if _, err := c.Hold(ctx, held.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{}); err != nil {
			t.Fatal(err)
		}
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
			t.Errorf("a sweep takes over within the lease: %v, %+v", err, report)
		}
		if report := w.sweepAll(ctx, t); report.Resumed != 1 || w.describe(ctx, t, f.customer) != gone {
			t.Errorf("the sweep: %+v", report)
		}
		if r, err := c.ExplainRetention(ctx, held.customer, ""); err != nil || r.Request == nil {
			t.Errorf("held: %v, %+v", err, r)
		}
		if err := c.CancelErasure(ctx, held.customer, Request{}); err != nil {
			t.Error(err)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestForgedRequest: who can write the store has nobody erased.
func TestForgedRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c, f, other := t.Context(), w.server(t), w.fixture(t.Context(), t), w.fixture(t.Context(), t)
	p := w.secret.key.place(f.customer)
	genuine, _, err := c.store.Get(ctx, p.request())
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := c.store.Get(ctx, w.secret.key.place(other.customer).request())
	if err != nil {
		t.Fatal(err)
	}
	for what, forged := range map[string]string{
		"another's": string(foreign), "changed": strings.Replace(string(genuine), "officer-ines", "officer-inez", 1), "rubbish": "{}", "empty": "",
	} {
		if _, err := c.store.Put(ctx, p.request(), []byte(forged), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{}); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%s: %v", what, err)
		}
		w.clock.advance(time.Hour)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Failures != 1 {
			t.Errorf("%s: the sweep: %v, %+v", what, err, report)
		}
		if _, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{}); err != nil {
			t.Errorf("%s: asking anew: %v", what, err)
		}
	}
	w.opened(ctx, t, f.customer)
}
