package custody

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// returned has a customer leave today and come back.
func returned(ctx context.Context, t testing.TB, c *Custodian, name resource.Customer) {
	t.Helper()
	if _, err := c.Terminate(ctx, name, today(c), "moved", Request{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enrol(ctx, name, back(4)); err != nil {
		t.Fatal(err)
	}
}

// TestWhatWasBeforeIsNotTold: who was given data, who looked at it, and what held it
// under a former contract is told for a purpose alone; otherwise a portal would have
// to enrol a customer only to be told what an ended contract keeps to itself.
func TestWhatWasBeforeIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c, f := t.Context(), w.server(t, lasting), w.fixture(t.Context(), t)
	if _, err := c.Disclose(ctx, f.customer, DisclosureDraft{Recipient: "Court", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, Request{}); err != nil {
		t.Fatal(err)
	}
	held, err := c.Hold(ctx, f.customer, HoldDraft{Kind: "KIND_OFFICIAL_ORDER", Reason: "seized"}, Request{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Release(ctx, f.customer, held.Holds[0].ID, Request{}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	returned(ctx, t, c, f.customer)
	for _, purpose := range []string{"", "LEGAL_CLAIM"} {
		ctx, want := ForRestricted(ctx, purpose), 0
		if purpose != "" {
			want = 1
		}
		list, _, err := c.Disclosures(ctx, f.customer, Page{Size: 9})
		list = slices.DeleteFunc(list, func(d Disclosure) bool { return d.Recipient == "" }) // the exports below
		if err != nil || len(list) != want {
			t.Errorf("for %q: %v, %d disclosures", purpose, err, len(list))
		}
		subject, since, err := c.SubjectRead(ctx, f.customer)
		if err != nil || subject == "" || since.IsZero() != (want == 1) {
			t.Errorf("for %q: %v, accesses since %v", purpose, err, since)
		}
		r, archive, err := given(ctx, c, f.customer, false, Request{})
		if err != nil || len(r.Holds) != want || bytes.Contains(unpacked(t, archive), []byte("Court")) != (want == 1) {
			t.Errorf("for %q an export gives %v, %d holds", purpose, err, len(r.Holds))
		}
	}
}

// TestExportAcrossAReturn: what is read under a contract that becomes a former one
// meanwhile is not given out as if it were of the present one.
func TestExportAcrossAReturn(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	refused, iban := 0, custodytest.NewSpecimens(1).PlainCustomer()["iban"]
	for n := 1; ; n++ {
		w, came := root.apart(), false
		ctx, other := t.Context(), w.server(t, lasting)
		f := w.fixture(ctx, t)
		c := w.server(t, lasting, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Number == n {
				came = true
				returned(ctx, t, other, f.customer)
			}
			return custodytest.Pass
		}))
		_, archive, err := given(ctx, c, f.customer, false, Request{})
		if !came {
			break
		}
		if err != nil {
			refused++
			continue
		}
		before := w.opened(ctx, t, f.customer).terms()[0]
		if bytes.Contains(unpacked(t, archive), []byte(iban)) && len(*before.disclosures) != 1 {
			t.Errorf("returned before call %d: the archive has what was before, and no record says so", n)
		}
	}
	if refused == 0 {
		t.Error("none was refused: it was not tried where it matters")
	}
}

// TestShedByAClockThatIsBehind: what a sweep sheds opens no more out of a backup, also
// where the customer came back a moment ago by the clock of a server that is ahead.
func TestShedByAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, f := t.Context(), w.fixture(t.Context(), t)
	ahead := w.server(t, func(cfg *Config) { cfg.Now = func() time.Time { return w.clock.now().Add(time.Minute) } })
	c := w.server(t)
	returned(ctx, t, ahead, f.customer)
	p := c.secret.place(f.customer)
	backup, _, err := c.store.Get(ctx, p.dossier())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if report, err := c.Sweep(ctx, SweepOptions{Grace: -1}); err != nil || report.Failures > 0 {
			t.Fatalf("sweep: %v, %+v", err, report)
		}
	}
	if info := w.versions(ctx, t, c, f.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 2}) {
		t.Errorf("%+v", info)
	}
	if _, err := c.store.Put(ctx, p.dossier(), backup, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.server(t).view(ctx, f.customer); err == nil {
		t.Error("what was shed opens")
	}
}

// TestDisclosuresByContract: what was passed on belongs to the contract whose data it
// was, whenever it is recorded, and so do the notices that are owed for it.
func TestDisclosuresByContract(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	must := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	claim := DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}
	bike := d.stored.GetArtefacts()[1].GetId()
	must(d.disclose(newID(), claim, nil))
	d.rectify(newRevision(), rectified{other: true}) // owed under the contract that becomes a former one
	d.at("2027-02-01")
	if err := d.terminate("2027-02-01", "", newRevision()); err != nil {
		t.Fatal(err)
	}
	if err := d.comeBack(custodytest.Services(), custodytest.NewSpecimens(3).PlainCustomer(), newRevision()); err != nil {
		t.Fatal(err)
	}
	d.at("2027-03-01")
	police := DisclosureDraft{Recipient: "Police", Purpose: "PURPOSE_CLAIM", Classes: []string{"artefacts"}}
	must(d.disclose(newID(), police, []string{bike})) // of the former contract, told late
	late := claim
	late.Recipient, late.At = "Court", d.now.AddDate(0, -2, 0)
	must(d.disclose(newID(), late, nil))
	must(d.disclose(newID(), claim, nil))
	now := d.having(t, "bike").GetId()
	_, err := d.disclose(newID(), police, []string{now, bike})
	breaks(t, err, "artefacts[1]", "artefact.contract")
	recipients := func(t term) (all []string) {
		for _, s := range *t.disclosures {
			all = append(all, s.GetRecipient())
		}
		return all
	}
	if got := recipients(d.terms()[0]); !slices.Equal(got, []string{"Insurer", "Insurer", "Police", "Court"}) {
		t.Errorf("of the former contract are %v", got)
	}
	if got := recipients(d.present()); !slices.Equal(got, []string{"Insurer"}) {
		t.Errorf("of the present contract are %v", got)
	}
	d.rectify(newRevision(), rectified{other: true})
	if d.present().owedTo("Insurer") == nil || d.terms()[0].owedTo("Insurer") == nil || d.present().owedTo("Court") != nil {
		t.Error("a notice is owed under one contract for what was passed on under another")
	}
	must(d.disclose(newID(), DisclosureDraft{Recipient: "Insurer", Purpose: purposeNotice}, nil))
	if d.present().owedTo("Insurer") != nil || d.terms()[0].owedTo("Insurer") != nil {
		t.Error("who was told is still owed something")
	}
}

// TestBasisOfTheLast: a receipt names the rule by which the last of it went, also where
// that was of a former contract.
func TestBasisOfTheLast(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	d.at("2027-02-01")
	if _, err := d.disclose(newID(), DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, nil); err != nil {
		t.Fatal(err)
	}
	for _, day := range []string{"2027-07-01", "2028-07-01"} {
		if err := d.terminate(day, "", newRevision()); err != nil {
			t.Fatal(err)
		}
		if d.at(day); day == "2027-07-01" {
			if err := d.comeBack(nil, custodytest.NewSpecimens(3).PlainCustomer(), newRevision()); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := d.terms()[0]
	if want := d.holdingOfDisclosure(last, (*last.disclosures)[0]); d.eraseDay() != want.Due || d.basis() != want.Rule.Basis {
		t.Errorf("it goes on %s by %q, want %s by %q", d.eraseDay(), d.basis(), want.Due, want.Rule.Basis)
	}
}

// TestRequestsFromBefore: requests for erasure from before the customer came back are
// void, also those that do not say which enrolment they are about.
func TestRequestsFromBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c, f := t.Context(), w.server(t, lasting), w.fixture(t.Context(), t)
	p := c.secret.place(f.customer)
	r, err := c.readRequest(ctx, p)
	if err != nil || r.Enrolled.IsZero() {
		t.Fatal(err, r.Enrolled)
	}
	r.Enrolled = time.Time{}
	if err := c.writeRequest(ctx, p, r, blobstore.IfMatch(r.etag)); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Second)
	returned(ctx, t, c, f.customer)
	_, err = c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
	refusal(t, err, fault.Precondition, ReasonErasureNotRequested)
}

// TestFormerNamesAreNotTried: who ends a contract does not learn, word for word, who
// the customer was under a former one.
func TestFormerNamesAreNotTried(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	reason := "for " + open(d.stored.GetCustomer())["family_name"]
	if err := d.terminate(string(d.today()), "", newRevision()); err != nil {
		t.Fatal(err)
	}
	if err := d.comeBack(nil, field.Values{"family_name": "Other"}, newRevision()); err != nil {
		t.Fatal(err)
	}
	if err := d.terminate(string(d.today()), reason, newRevision()); err != nil {
		t.Errorf("core banking hears of a former name: %v", err)
	}
	breaks(t, d.namesNobody(reason), "reason", "reason.personal")
}

// TestReturningAmidASweep: who comes back while a sweep erases what was left hears that,
// and may try again, at whatever moment.
func TestReturningAmidASweep(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	erased := 0
	for n := 1; ; n++ {
		w, came := root.apart(), false
		ctx, other, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
		if _, err := other.Terminate(ctx, f.customer, today(other), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Number == n {
				came = true
				report, err := other.Sweep(ctx, SweepOptions{})
				if err != nil {
					t.Error(err)
				}
				erased += report.Erased
			}
			return custodytest.Pass
		}))
		if _, err := c.Enrol(ctx, f.customer, back(4)); err != nil && fault.ReasonOf(err) != ReasonBeingErased {
			t.Errorf("swept before call %d: %v", n, err)
		}
		if !came {
			break
		}
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
	}
	if erased < 3 {
		t.Errorf("a sweep came between %d times", erased)
	}
}

// TestNewerForm: a program leaves a dossier alone whose form it does not know.
func TestNewerForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c, f := t.Context(), w.server(t), w.fixture(t.Context(), t)
	d := w.opened(ctx, t, f.customer)
	if d.stored.GetForm() != dossierForm {
		t.Errorf("the form is %d", d.stored.GetForm())
	}
	d.stored.Form++
	plain, err := proto.Marshal(d.stored)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal.Seal(d.key, d.place.binding(), plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.Put(ctx, d.place.dossier(), sealed, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Customer(ctx, f.customer)
	refusal(t, err, fault.Unavailable, ReasonUnavailable)
	_, err = c.Terminate(ctx, f.customer, today(c), "moved", Request{})
	refusal(t, err, fault.Unavailable, ReasonUnavailable)
	kept := func() []string { // but for the request, which lapses
		return slices.DeleteFunc(w.names(ctx, t, w.institute+"/"), func(n string) bool { return strings.Contains(n, "/requests/") })
	}
	names := kept()
	w.clock.advance(200 * 365 * 24 * time.Hour)
	if report, err := c.Sweep(ctx, SweepOptions{Grace: -1}); err != nil || report.Failures != 1 || report.Erased+report.Shed > 0 {
		t.Errorf("sweep: %v, %+v", err, report)
	}
	if now := kept(); !slices.Equal(now, names) {
		t.Errorf("a sweep made of %v\nthis: %v", names, now)
	}
}
