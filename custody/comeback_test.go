package custody

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestComingBackAmidErasure lets a customer be enrolled anew, with all that a
// customer can have, before each call of an erasure, which then goes on or has
// broken off there. What is new must stay, whatever the erasure and the sweep do
// after; and a second erasure must then destroy it with a receipt of its own.
func TestComingBackAmidErasure(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	erase := acts()[len(acts())-1]
	_, _, calls := root.apart().plainly(t, erase)
	for n := 1; n <= calls; n++ {
		for _, broken := range []bool{false, true} {
			t.Run(fmt.Sprintf("before call %d, broken off %v", n, broken), func(t *testing.T) {
				t.Parallel()
				root.apart().comeBack(t, n, broken)
			})
		}
	}
}

func (w *world) comeBack(t *testing.T, n int, broken bool) {
	ctx := t.Context()
	f, other := w.fixture(ctx, t), w.server(t)
	var back error
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Number == n {
			back = w.enrolWhole(ctx, t, other, f)
		}
		if broken && call.Number >= n {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	first, err := erase(ctx, c, f.customer, "asked for it", "", request("erase"))
	if broken != (err != nil) {
		t.Fatalf("erase: %v", err)
	}
	switch reason := fault.ReasonOf(back); {
	case back == nil:
	case reason == ReasonBeingErased, reason == ReasonCustomerExists:
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
		return // it was too early
	default:
		t.Fatalf("coming back: %v", back)
	}
	want := w.state(ctx, t, f)
	w.sweepAll(ctx, t)
	w.mustBeWhole(ctx, t)
	if got := w.state(ctx, t, f); got != want {
		t.Fatalf("the sweep made of %s\nthis: %s", want, got)
	}
	second, err := erase(ctx, w.server(t), f.customer, "asked for it again", "", Request{})
	if err != nil {
		t.Fatal(err)
	}
	if second.Name == first.Name || second.Statement.KeyName == first.Statement.KeyName {
		t.Errorf("both erasures have the receipt %s", first.Name)
	}
	if got := w.describe(ctx, t, f.customer); got != gone {
		t.Errorf("after the second erasure: %s", got)
	}
	w.mustBeWhole(ctx, t)
}

// TestErasingWhatCameBackFirst erases a customer who came back while the intent
// of the first erasure was still there, broken off just before its removal.
func TestErasingWhatCameBackFirst(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "store.delete" && call.Name == w.secret.key.place(f.customer).intent() {
				return custodytest.Refuse
			}
			return custodytest.Pass
		}))
		if _, err := erase(ctx, c, f.customer, "asked for it", "", Request{}); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("erase: %v", err)
		}
		if err := w.enrolWhole(ctx, t, w.server(t), f); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(2 * defaultLease)
		out, err := erase(ctx, w.server(t), f.customer, "asked for it again", "", Request{})
		if err != nil {
			t.Fatal(err)
		}
		if out.Statement.Reason != "asked for it again" || w.describe(ctx, t, f.customer) != gone {
			t.Errorf("the receipt is of the first erasure, or the customer is still there: %+v", out.Statement)
		}
		w.mustBeWhole(ctx, t)
		if receipts := w.names(ctx, t, w.secret.key.place(f.customer).receipts()); len(receipts) != 2 {
			t.Errorf("%d receipts, want 2", len(receipts))
		}
	})
}

// TestErasingAgainSparesWhoCameBack repeats the request for an erasure that broke
// off and whose customer has come back since, and lets a sweep finish the first
// erasure before each call of the repetition. The request was meant for the
// enrolment before and has had its effect.
func TestErasingAgainSparesWhoCameBack(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	for n, calls := 1, 1; n <= calls; n++ {
		ctx, w, req := t.Context(), root.apart(), request("erase")
		f := w.fixture(ctx, t)
		p := w.secret.key.place(f.customer)
		breaks := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "store.put" && strings.HasPrefix(call.Name, p.receipts()) {
				return custodytest.Refuse // its dossier is gone by then
			}
			return custodytest.Pass
		}))
		if _, err := erase(ctx, breaks, f.customer, "asked for it", "", req); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("erase: %v", err)
		}
		if err := w.enrolWhole(ctx, t, w.server(t), f); err != nil {
			t.Fatal(err)
		}
		want := w.state(ctx, t, f)
		w.clock.advance(2 * defaultLease)
		calls = 0
		again := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if calls = call.Number; call.Number == n {
				w.sweepAll(ctx, t)
			}
			return custodytest.Pass
		}))
		out, err := erase(ctx, again, f.customer, "asked for it", "", req)
		if err != nil && fault.ReasonOf(err) != ReasonBeingErased {
			t.Errorf("sweep before call %d: %v", n, err)
		}
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
		if got := w.state(ctx, t, f); got != want {
			t.Errorf("sweep before call %d, receipt %v: who came back is now: %s", n, out.Name, got)
		}
	}
}

// TestErasingAgainAfterADamageSparesWhoCameBack is about dossiers that did not
// open at the first request, on a server that leaves the rest to a sweep.
func TestErasingAgainAfterADamageSparesWhoCameBack(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"damaged", "lost"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, custodytest.Embedded())
			ctx, c, f, req := t.Context(), w.server(t, w.powerless), w.fixture(t.Context(), t), request("erase")
			p := w.secret.key.place(f.customer)
			dossier := w.object(t, p.dossier())
			dossier[len(dossier)-1] ^= 1
			var err error
			if how == "damaged" {
				_, err = c.store.Put(ctx, p.dossier(), dossier, blobstore.Condition{})
			} else {
				err = c.store.Delete(ctx, p.dossier())
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = erase(ctx, c, f.customer, "asked for it", "", req)
			refusal(t, err, fault.Unavailable, ReasonErasurePending)
			w.sweepAll(ctx, t)
			if err := w.enrolWhole(ctx, t, w.server(t), f); err != nil {
				t.Fatal(err)
			}
			want := w.state(ctx, t, f)
			if _, err := erase(ctx, w.server(t), f.customer, "asked for it", "", req); err != nil {
				t.Error(err)
			}
			if got := w.state(ctx, t, f); got != want {
				t.Errorf("who came back is now: %s", got)
			}
			if receipts := w.names(ctx, t, p.receipts()); len(receipts) != 1 {
				t.Errorf("%d receipts, want 1", len(receipts))
			}
		})
	}
}

// TestErasingAgainWhatABackupBroughtBack repeats the very request whose erasure a
// restored Vault and store have undone: it must not be told of its old receipt
// while everything is there again.
func TestErasingAgainWhatABackupBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, f, req := t.Context(), w.fixture(t.Context(), t), request("erase")
	p := w.secret.key.place(f.customer)
	backup := w.object(t, p.dossier())
	undone := w.server(t, func(cfg *Config) { cfg.Keys = vault.New(undying{w.keys}) }) // as if Vault were restored after
	first, err := erase(ctx, undone, f.customer, "asked for it", "", req)
	if err != nil {
		t.Fatal(err)
	}
	c := w.server(t)
	if _, err := c.store.Put(ctx, p.dossier(), backup, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Customer(ctx, f.customer); err != nil {
		t.Fatalf("it did not come back: %v", err)
	}
	for range 2 {
		again, err := erase(ctx, c, f.customer, "asked for it", "", req)
		if err != nil || string(again.Envelope) != string(first.Envelope) {
			t.Errorf("erased again: %v, %s", err, again.Name)
		}
		_, err = w.server(t).Customer(ctx, f.customer)
		refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
	}
	w.sweepAll(ctx, t)
	if left := w.names(ctx, t, w.institute+"/"); len(left) != 1 {
		t.Errorf("left over besides the receipt: %q", left)
	}
}

// undying says of each key that it is destroyed, and leaves it.
type undying struct{ vault.Driver }

func (undying) Destroy(context.Context, string) error { return nil }

// enrolWhole enrols the fixture's customer with everything that a customer can
// have beside the dossier.
func (w *world) enrolWhole(ctx context.Context, t testing.TB, c *Custodian, f *fixture) error {
	t.Helper()
	s := custodytest.NewSpecimens(9)
	if _, err := c.Enrol(ctx, f.customer, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
		return err
	}
	list, err := c.Register(ctx, f.customer, []Draft{
		{Field: "a", Kind: "bike", Values: s.Artefact("bike")}, {Field: "b", Kind: "document", Values: s.Artefact("document")},
	}, Request{})
	if err != nil {
		return err
	}
	if _, err := addPDF(ctx, c, list[1].Name, s.PDF(40_000), Request{}); err != nil {
		return err
	}
	_, err = c.Terminate(ctx, f.customer, farDay, "moved abroad", Request{})
	return err
}

// TestComingBackAmidErasureOfALostDossier is the same where the dossier was lost,
// so that nothing but the erasure itself keeps the customer from being enrolled.
func TestComingBackAmidErasureOfALostDossier(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	for n := 1; n <= 40; n++ {
		t.Run(fmt.Sprintf("before call %d", n), func(t *testing.T) {
			t.Parallel()
			ctx, w := t.Context(), root.apart()
			f, other := w.fixture(ctx, t), w.server(t)
			p := w.secret.key.place(f.customer)
			if err := w.server(t).store.Delete(ctx, p.dossier()); err != nil {
				t.Fatal(err)
			}
			came, back, key := false, error(nil), ""
			c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
				if call.Number == n {
					came, back = true, w.enrolWhole(ctx, t, other, f)
					if d, err := other.view(ctx, f.customer); err == nil {
						key = d.key.Name
					}
				}
				return custodytest.Pass
			}))
			out, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
			if !came {
				return
			}
			t.Logf("erased: %v; came back: %v", err, back)
			w.sweepAll(ctx, t)
			// Early on it may be the new enrolment that is erased; then the receipt
			// says so.
			if back == nil && w.describe(ctx, t, f.customer) == gone && out.Statement.KeyName != key {
				t.Error("who came back is gone")
			}
			for _, problem := range w.problems(ctx, t) {
				if back == nil && strings.HasPrefix(problem, "left over") {
					continue // of the first enrolment; nobody can tell whose it is
				}
				t.Error(problem)
			}
		})
	}
}
