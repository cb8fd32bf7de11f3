package custody

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestErase erases a customer and puts back all that was stored, as somebody
// with a backup of the store would.
func TestErase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		backup := map[string][]byte{}
		for _, name := range append(d.satellites(), d.place.dossier()) {
			backup[name] = w.object(t, name)
		}
		out, err := erase(ctx, c, f.customer, " asked for it ", f.etag, Request{})
		if err != nil {
			t.Fatal(err)
		}
		w.mustBeWhole(ctx, t)
		if left := w.names(ctx, t, w.institute+"/"); len(left) != 1 {
			t.Errorf("left over besides the receipt: %q", left)
		}
		if left := w.names(ctx, t, "index/"); len(left) != 0 {
			t.Errorf("pointers left over: %q", left)
		}
		w.isEvidence(t, out, d)

		store := blobstore.New(w.blobs)
		for name, content := range backup {
			if _, err := store.Put(ctx, name, content, blobstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []*Custodian{c, w.server(t)} {
			_, err = c.Customer(ctx, f.customer)
			refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
			_, err = c.Reveal(ctx, f.sim, nil)
			refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
			_, err = readScan(ctx, c, f.scan)
			refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
			_, err = c.Register(ctx, f.customer, []Draft{{Kind: "bike", Values: custodytest.NewSpecimens(1).Artefact("bike")}}, Request{})
			refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
		}
		if _, err := c.keys.Unwrap(ctx, d.key.Name, vault.Dossier, d.key.Wrapped); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("the key: %v", err)
		}
		again, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
		if err != nil || string(again.Envelope) != string(out.Envelope) {
			t.Errorf("erased again: %v, %s", err, again.Name)
		}
		read, err := c.Receipt(ctx, out.Name)
		if err != nil || string(read.Envelope) != string(out.Envelope) {
			t.Errorf("read: %v", err)
		}
	})
}

// isEvidence checks a fixture's receipt without a server.
func (w *world) isEvidence(t *testing.T, out Receipt, d *Dossier) {
	t.Helper()
	keys, err := receipt.ParseKeys(w.object(t, publicKeysObject))
	if err != nil {
		t.Fatal(err)
	}
	s, err := receipt.Verify(out.Envelope, keys)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"dossier": 1, "artefact.sim_card": 1, "artefact.bike": 1, "artefact.document": 1, "scan": 1, "pointer": 4}
	if !maps.Equal(s.Destroyed, want) {
		t.Errorf("destroyed %v, want %v", s.Destroyed, want)
	}
	if s.KeyName != d.key.Name || s.KeyVersion != 1 || s.Policy != PolicyRequest || s.Reason != "asked for it" || s.Receipt != out.Name.String() {
		t.Errorf("statement %+v", s)
	}
	if s.KeyDestroyed.Before(s.Requested) || s.Completed.Before(s.KeyDestroyed) || s.Requested.Location() != time.UTC {
		t.Errorf("times %v, %v, %v", s.Requested, s.KeyDestroyed, s.Completed)
	}
	for _, text := range append(strings.Fields(shown(open(d.stored.GetCustomer()))), d.stored.GetCustomerId()) {
		if _, value, _ := strings.Cut(text, "="); len(value) > 3 && strings.Contains(asJSON(t, s), value) {
			t.Errorf("the receipt says whose it is")
		}
	}
}

// TestEraseIsRefused asks for what can't be.
func TestEraseIsRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		before := w.state(ctx, t, f)
		family := open(w.opened(ctx, t, f.customer).stored.GetCustomer())["family_name"]
		asks := func(reason, etag string) error {
			_, err := c.RequestErasure(ctx, f.customer, askedFor(reason, etag), Request{})
			return err
		}
		breaks(t, asks("", ""), "reason", "required")
		breaks(t, asks("mail erika@example.org", ""), "reason", "reason.personal")
		breaks(t, asks(family+" asked for it", ""), "reason", "reason.personal")
		refusal(t, asks("asked for it", "stale"), fault.Aborted, ReasonStaleETag)
		refusal(t, asks("asked for it in another way", ""), fault.Precondition, ReasonErasureRequested)
		confirms := func(by, reason, etag string) error {
			_, err := c.Erase(ctx, f.customer, Confirmation{By: by, Reason: reason, ETag: etag}, Request{})
			return err
		}
		breaks(t, confirms("officer-paul", "mail erika@example.org", ""), "reason", "reason.personal")
		breaks(t, confirms("officer-paul", family+" wants it", ""), "reason", "reason.personal")
		refusal(t, confirms("officer-paul", "", "stale"), fault.Aborted, ReasonStaleETag)
		refusal(t, confirms("officer-ines", "", ""), fault.Precondition, ReasonSecondOfficer)
		refusal(t, confirms("", "", ""), fault.Precondition, ReasonSecondOfficer)
		_, err := c.RequestErasure(ctx, f.other, askedFor("asked for it", ""), Request{})
		refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
		_, err = erase(ctx, c, f.other, "asked for it", "", Request{})
		refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
		elsewhere := resource.Customer{Institute: resource.Institute{ID: "elsewhere"}, ID: f.customer.ID}
		_, err = erase(ctx, c, elsewhere, "asked for it", "", Request{})
		refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
		_, err = c.Receipt(ctx, resource.Receipt{Institute: f.customer.Institute, ID: "nope"})
		refusal(t, err, fault.NotFound, ReasonReceiptNotFound)
		_, err = c.Receipt(ctx, resource.Receipt{Institute: elsewhere.Institute, ID: "nope"})
		refusal(t, err, fault.NotFound, ReasonReceiptNotFound)
		if after := w.state(ctx, t, f); after != before {
			t.Errorf("afterwards it is %s", after)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestEraseSparesWhomTheCallerHasNotSeen changes the customer after the etag was
// checked and before the dossier is marked.
func TestEraseSparesWhomTheCallerHasNotSeen(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c := w.server(t, w.before("store.put", w.secret.key.place(f.customer).intent(), func() {
			update := Update{Values: field.Values{"given_name": "Ada"}, Paths: []string{"given_name"}}
			if _, err := w.server(t).UpdateCustomer(ctx, f.customer, update); err != nil {
				t.Error(err)
			}
		}))
		_, err := erase(ctx, c, f.customer, "asked for it", f.etag, Request{})
		refusal(t, err, fault.Aborted, ReasonStaleETag)
		if got := w.describe(ctx, t, f.customer); !strings.Contains(got, "given_name: Ada") {
			t.Errorf("afterwards it is %s", got)
		}
		w.mustBeWhole(ctx, t)
		if _, err := erase(ctx, w.server(t), f.customer, "asked for it", "", Request{}); err != nil {
			t.Error(err)
		}
	})
}

// before gives a server that does something before its first call of that sort.
func (w *world) before(op, name string, do func()) func(*Config) {
	var once sync.Once
	return w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Op == op && call.Name == name {
			once.Do(do)
		}
		return custodytest.Pass
	})
}

// TestRepeatedErasureSparesWhoCameBack repeats the request of the first erasure
// after the customer was enrolled anew.
func TestRepeatedErasureSparesWhoCameBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f, req := t.Context(), w.fixture(t.Context(), t), request("erase")
		first, err := erase(ctx, w.server(t), f.customer, "asked for it", "", req)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.enrolWhole(ctx, t, w.server(t), f); err != nil {
			t.Fatal(err)
		}
		want := w.state(ctx, t, f)
		again, err := erase(ctx, w.server(t), f.customer, "asked for it", "", req)
		if err != nil || again.Name != first.Name {
			t.Errorf("%v, %s, want %s", err, again.Name, first.Name)
		}
		if got := w.state(ctx, t, f); got != want {
			t.Errorf("the repetition made of it %s", got)
		}
		second, err := erase(ctx, w.server(t), f.customer, "asked for it", "", request("erase"))
		if err != nil || second.Name == first.Name || w.describe(ctx, t, f.customer) != gone {
			t.Errorf("another request: %v, %s", err, second.Name)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestErasureUnderWay lets one server be slow and another one ask too.
func TestErasureUnderWay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		p := w.secret.key.place(f.customer)
		slow := w.server(t, w.before("store.delete", p.dossier(), func() {
			_, err := erase(ctx, w.server(t), f.customer, "asked for it", "", Request{})
			refusal(t, err, fault.Aborted, ReasonBeingErased)
			var e *fault.Error
			if !errors.As(err, &e) || e.RetryAfter <= 0 {
				t.Error("it does not say when to try again")
			}
			_, err = w.server(t).Customer(ctx, f.customer)
			refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
			_, err = w.server(t).Enrol(ctx, f.customer, Enrolment{Values: custodytest.NewSpecimens(1).PlainCustomer()})
			refusal(t, err, fault.Precondition, ReasonBeingErased)
			if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
				t.Errorf("a sweep got between: %v, %+v", err, report)
			}
		}))
		if _, err := erase(ctx, slow, f.customer, "asked for it", "", Request{}); err != nil {
			t.Error(err)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestErasureIsTakenOver lets the first server stop after it has marked the
// dossier. Until its claim ends others are told to wait; then one goes on.
func TestErasureIsTakenOver(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		stuck := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "vault.destroy" {
				return custodytest.Refuse
			}
			return custodytest.Pass
		}))
		_, err := erase(ctx, stuck, f.customer, "asked for it", "", Request{})
		refusal(t, err, fault.Unavailable, ReasonUnavailable)
		c := w.server(t)
		_, err = c.Customer(ctx, f.customer)
		refusal(t, err, fault.Precondition, ReasonBeingErased)
		_, err = c.Terminate(ctx, f.customer, fartherDay, "", Request{})
		refusal(t, err, fault.Precondition, ReasonBeingErased)
		_, err = erase(ctx, c, f.customer, "asked for it", "", Request{})
		refusal(t, err, fault.Aborted, ReasonBeingErased)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed != 0 {
			t.Errorf("swept too early: %v, %+v", err, report)
		}
		w.clock.advance(defaultLease + time.Second)
		if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Resumed: 1}) {
			t.Errorf("swept: %v, %+v", err, report)
		}
		w.mustBeWhole(ctx, t)
		out, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
		if err != nil || out.Statement.Destroyed["pointer"] != 4 || out.Statement.Destroyed["scan"] != 1 {
			t.Errorf("%v, %+v", err, out.Statement)
		}
	})
}

// TestErasuresAtOnce erases the same customers through several servers at once,
// by request and by sweeps. Each gets one receipt.
func TestErasuresAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var all []*fixture
		for range 4 {
			f := w.fixture(ctx, t)
			if _, err := w.server(t).Terminate(ctx, f.customer, today(w.server(t)), "moved", Request{}); err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		var group sync.WaitGroup
		for range 3 {
			c := w.server(t)
			group.Go(func() {
				if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Failures > 0 {
					t.Errorf("sweep: %v, %+v", err, report)
				}
			})
			group.Go(func() {
				for _, f := range all {
					_, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
					if err != nil && fault.ReasonOf(err) != ReasonBeingErased {
						t.Errorf("erase: %v", err)
					}
				}
			})
		}
		group.Wait()
		w.mustBeWhole(ctx, t)
		for _, f := range all {
			if got := w.names(ctx, t, w.secret.key.place(f.customer).receipts()); len(got) != 1 {
				t.Errorf("receipts %q, want one", got)
			}
		}
	})
}

// TestFullDossierCanBeErased erases dossiers at their greatest size, and over it
// since the limit was lowered.
func TestFullDossierCanBeErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, f := t.Context(), w.fixture(t.Context(), t)
	d, err := w.server(t).view(ctx, f.customer)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{d.size, d.size / 2} {
		c := w.server(t, limited(Limits{DossierBytes: limit}))
		_, err := c.Register(ctx, f.customer, []Draft{{Kind: "bike", Values: custodytest.NewSpecimens(1).Artefact("bike")}}, Request{})
		refusal(t, err, fault.Exhausted, ReasonTooLarge)
		w.mustBeWhole(ctx, t)
	}
	c := w.server(t, limited(Limits{DossierBytes: d.size / 2}))
	if err := c.DeleteArtefact(ctx, f.bike, "", Request{}); err != nil {
		t.Errorf("it can't even be made smaller: %v", err)
	}
	if _, err := erase(ctx, c, f.customer, "asked for it", "", Request{}); err != nil {
		t.Error(err)
	}
	_, err = c.Enrol(ctx, f.other, Enrolment{Values: field.Values{
		"family_name": strings.Repeat("x", 200), "date_of_birth": "1984-05-17", "address.postal_code": "10115",
		"iban": custodytest.NewSpecimens(1).Value("iban"), "address.street": strings.Repeat("y", 1000),
		"address.supplement": strings.Repeat("z", 1000),
	}})
	refusal(t, err, fault.Exhausted, ReasonTooLarge)
	w.mustBeWhole(ctx, t)
	if _, err := c.Customer(ctx, f.other); err == nil {
		t.Error("enrolled all the same")
	}
	t.Log(fmt.Sprint(d.size))
}
