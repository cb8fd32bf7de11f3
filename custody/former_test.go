package custody

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// lasting gives the servers' institute the rules of the law.
func lasting(cfg *Config) { cfg.Institutes[0].Retention = retention.Defaults() }

// back enrols a customer again.
func back(seed uint64) Enrolment {
	return Enrolment{Values: custodytest.NewSpecimens(seed).PlainCustomer(), Services: custodytest.Services(), Returning: true}
}

// TestFormerContracts: what is kept of a contract goes by its own end, whatever
// becomes of those after it, and who the customer was then goes with the last of it.
func TestFormerContracts(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	n := string(rune('0' + len(d.compartments())))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	values := custodytest.NewSpecimens(3).PlainCustomer()
	back := func() error { return d.comeBack(custodytest.Services(), values, newRevision()) }
	disclosed := func() {
		t.Helper()
		_, err := d.disclose(newID(), DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, nil)
		must(err)
	}
	refusal(t, back(), fault.Exists, ReasonCustomerExists)
	d.at("2027-03-01")
	disclosed()
	must(d.terminate("2027-07-01", "moved", newRevision()))
	refusal(t, back(), fault.Exists, ReasonCustomerExists)
	d.at("2027-09-15")
	must(back())
	d.having(t, "bike")
	if d.State() != Active || len(d.stored.GetArtefacts()) != 1 || len(d.allArtefacts()) != 5 {
		t.Fatalf("state %v, %d artefacts, %d in all", d.State(), len(d.stored.GetArtefacts()), len(d.allArtefacts()))
	}
	d.at("2028-02-01")
	disclosed()
	must(d.terminate("2028-06-01", "", newRevision()))
	d.at("2028-07-01")
	must(back())
	refusal(t, back(), fault.Exists, ReasonCustomerExists)

	former := func(day string) string {
		var of []Holding
		for _, h := range d.holdings() {
			if string(h.Former) == day {
				of = append(of, h)
			}
		}
		return itemised(of)
	}
	logins := string(rune('0' + len(d.present().compartments())))
	for day, want := range map[string]string{
		"2027-07-01": "secrets  " + n + " 2027-07-01; artefacts sim_card 1 2031-01-01; artefacts bike 1 2031-01-01; artefacts document 1 2031-01-01; " +
			"identity-copies document 1 2027-07-01; disclosures  1 2034-01-01; customer  1 2034-01-01",
		"2028-06-01": "secrets  " + logins + " 2028-06-01; artefacts bike 1 2032-01-01; disclosures  1 2035-01-01; customer  1 2035-01-01",
		"":           "secrets  " + logins + " ; customer  1 ",
	} {
		if got := former(day); got != want {
			t.Errorf("of the contract that ended on %q is held %s\nwant %s", day, got, want)
		}
	}
	if d.next() != "2027-07-01" || d.eraseDay() != "" || d.over() {
		t.Errorf("next %q, all gone %q", d.next(), d.eraseDay())
	}
	for _, step := range []struct{ day, gone, next string }{
		{"2028-07-01", "[identity-copies.document secrets]", "2028-07-01"},
		{"2030-12-31", "[]", "2028-07-01"}, // the key's older versions are still to be ended
		{"2031-01-01", "[artefacts.bike artefacts.document artefacts.sim_card]", "2031-01-01"},
		{"2032-01-01", "[artefacts.bike]", "2032-01-01"},
		{"2033-12-31", "[]", "2032-01-01"},
		{"2034-01-01", "[customer disclosures]", "2034-01-01"},
		{"2035-01-01", "[customer disclosures]", "2035-01-01"},
	} {
		d.at(step.day)
		if gone := d.shed(); fmt.Sprint(gone) != step.gone || string(d.next()) != step.next {
			t.Errorf("on %s went %v, and next is %s", step.day, gone, d.next())
		}
	}
	d.stored.ShedDate = ""
	if got := itemised(d.holdings()); got != "secrets  "+logins+" ; customer  1 " || d.next() != "" || len(d.stored.GetFormerContracts()) > 0 {
		t.Errorf("in the end there is %s", got)
	}
	must(d.terminate("2036-01-01", "", newRevision()))
	end := string(d.eraseDay())
	if d.at(end); end != "2039-01-01" || !d.over() {
		t.Errorf("the last of it goes on %q", end)
	}
}

// TestFormerContractsAreFew: who comes and goes all the time is stopped.
func TestFormerContractsAreFew(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	values := custodytest.NewSpecimens(3).PlainCustomer()
	for i := range mostFormer + 1 {
		if err := d.terminate(string(d.today()), "", newRevision()); err != nil {
			t.Fatal(err)
		}
		err := d.comeBack(nil, values, newRevision())
		if i < mostFormer && err != nil {
			t.Fatal(err)
		}
		if i == mostFormer {
			refusal(t, err, fault.Exhausted, ReasonTooMany)
		}
	}
}

// TestRestrictedCustomersDoNotComeBack: a restriction is lifted before anything new is
// kept of the customer; a hold is no reason not to.
func TestRestrictedCustomersDoNotComeBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		for _, stops := range []bool{true, false} {
			f := w.fixture(ctx, t)
			var err error
			if stops {
				_, err = c.Restrict(ctx, f.customer, "GROUND_OBJECTION", Request{})
			} else {
				_, err = c.Hold(ctx, f.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{})
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{}); err != nil {
				t.Fatal(err)
			}
			_, err = c.Enrol(ctx, f.customer, back(4))
			if stops {
				refusal(t, err, fault.Precondition, ReasonRestricted)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if report := w.sweepAll(ctx, t); report.Shed > 0 || report.Erased > 0 {
				t.Errorf("what is held went: %+v", report)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestComingBack: a customer comes back while a rule keeps something of the former
// contract. Nobody but privacy officers get to see it, in an export; it is whole, and
// goes on its day, out of older copies of the store too.
func TestComingBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		c := w.server(t, lasting)
		ctx, draft := audit.Begin(t.Context(), audit.Event{})
		f := w.fixture(ctx, t)
		if _, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		unsaid := back(4)
		unsaid.Returning = false
		_, err := c.Enrol(ctx, f.customer, unsaid)
		refusal(t, err, fault.Exists, ReasonFormerContract)
		req := request("enrol")
		in := back(4)
		in.Request = req
		who, err := c.Enrol(ctx, f.customer, in)
		if err != nil || who.Contract.State != Active || who.ETag == "" || who.ETag == f.etag {
			t.Fatalf("%v, %+v", err, who)
		}
		if again, err := c.Enrol(ctx, f.customer, in); err != nil || again.ETag != who.ETag {
			t.Errorf("enrolled again by the same request: %v, %+v", err, again)
		}
		_, err = c.Enrol(ctx, f.customer, back(5))
		refusal(t, err, fault.Exists, ReasonCustomerExists)

		// What was registered is not there, for officers either but in an export.
		officer := ForRestricted(ctx, "LEGAL_CLAIM")
		for _, ctx := range []context.Context{ctx, officer} {
			if list, _, err := c.Artefacts(ctx, f.customer, Page{Size: 9}); err != nil || len(list) > 0 {
				t.Errorf("listed are %v, %v", list, err)
			}
			_, err = c.Reveal(ctx, f.sim, nil)
			refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
			_, err = readScan(ctx, c, f.scan)
			refusal(t, err, fault.NotFound, ReasonArtefactNotFound)
		}
		refusal(t, c.DeleteArtefact(ctx, f.bike, "", Request{}), fault.NotFound, ReasonArtefactNotFound)

		old := custodytest.NewSpecimens(1).PlainCustomer()
		plain, archive, err := given(ctx, c, f.customer, true, Request{})
		if err != nil || len(plain.FormerContracts) != 1 || !plain.FormerContracts[0].Withheld || plain.FormerContracts[0].Customer != nil {
			t.Fatalf("a portal is given %v, %+v", err, plain.FormerContracts)
		}
		for _, text := range []string{old["iban"], old["family_name"], f.sim.ID, f.scan.ID} {
			if bytes.Contains(unpacked(t, archive), []byte(text)) {
				t.Errorf("a portal is given what is restricted: %d bytes of it", len(text))
			}
		}
		if last := plain.Recipients[len(plain.Recipients)-1]; slices.Contains(last.Classes, "artefacts.bike") {
			t.Errorf("on record is %v", last.Classes)
		}
		if draft.Event().Purpose != "" {
			t.Error("a purpose is on record without one")
		}
		full, archive, err := given(officer, c, f.customer, true, Request{})
		if err != nil || len(full.FormerContracts) != 1 || full.FormerContracts[0].Withheld {
			t.Fatalf("an officer is given %v, %+v", err, full.FormerContracts)
		}
		if draft.Event().Purpose != "LEGAL_CLAIM" {
			t.Errorf("the purpose on record is %q", draft.Event().Purpose)
		}
		then := full.FormerContracts[0]
		if got := held(then.Customer.Data, "iban"); got != old["iban"] || len(then.Artefacts) != 3 || then.EffectiveDate != today(c) {
			t.Errorf("an officer is given %+v", then)
		}
		if text := unpacked(t, archive); !bytes.Contains(text, []byte("scans/"+f.document.ID+"/01-first.pdf%PDF")) || bytes.Contains(text, []byte(f.values["sim_card.puk"])) {
			t.Error("the scan is not in the officer's export, or a secret of a former contract is")
		}

		// Secrets go at once, and the rest on its day.
		p := w.secret.key.place(f.customer)
		backup, _, err := c.store.Get(ctx, p.dossier())
		if err != nil {
			t.Fatal(err)
		}
		log := &book{}
		sweep := func() {
			t.Helper()
			for range 2 {
				if report, err := c.Sweep(ctx, SweepOptions{Grace: -1, Recorder: log}); err != nil || report.Failures > 0 {
					t.Fatalf("sweep: %v, %+v", err, report)
				}
			}
		}
		sweep()
		d, err := c.view(ctx, f.customer)
		if err != nil || len(d.terms()[0].compartments()) > 0 || len(d.present().compartments()) == 0 || len(d.allArtefacts()) != 3 {
			t.Fatalf("after a sweep: %v, %d artefacts", err, len(d.allArtefacts()))
		}
		if _, err := c.Rotate(ctx, RotateOptions{Customer: f.customer, Recorder: log}); err != nil {
			t.Error(err)
		}
		if report, err := c.Scrub(ctx, ScrubOptions{}); err != nil || report.Wrong() > 0 || report.Scans != 1 {
			t.Errorf("scrubbed: %v, %+v", err, report)
		}
		w.mustBeWhole(ctx, t)
		w.clock.advance(5 * 366 * 24 * time.Hour)
		sweep()
		if d, err = c.view(ctx, f.customer); err != nil || len(d.stored.GetFormerContracts()) > 0 || d.stored.GetShedDate() != "" {
			t.Fatalf("after years: %v, %d former contracts", err, len(d.stored.GetFormerContracts()))
		}
		if names := w.names(ctx, t, ""); slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, f.scan.ID) }) {
			t.Error("the scan is left")
		}
		if _, err := c.store.Put(ctx, p.dossier(), backup, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server(t, lasting).view(ctx, f.customer); err == nil {
			t.Error("the older dossier opens")
		}
	})
}

// unpacked is all that is in an archive.
func unpacked(t testing.TB, archive []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, f.Name...), content...)
	}
	return all
}

// TestErasingWhoCameBack: a request for erasure is about one enrolment. Both contracts
// go when the one that it is about is the present one.
func TestErasingWhoCameBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t, lasting)
		f := w.fixture(ctx, t) // whose erasure somebody asked for
		if _, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Minute)
		if _, err := c.Enrol(ctx, f.customer, back(4)); err != nil {
			t.Fatal(err)
		}
		if r, err := c.ExplainRetention(ctx, f.customer, ""); err != nil || r.Request != nil {
			t.Errorf("a request waits for who came back: %v", err)
		}
		_, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
		refusal(t, err, fault.Precondition, ReasonErasureNotRequested)
		if report, err := c.Sweep(ctx, SweepOptions{Grace: -1}); err != nil || report.Erased+report.Resumed > 0 {
			t.Errorf("who came back was erased: %v, %+v", err, report)
		}
		_, err = c.RequestErasure(ctx, f.customer, askedFor("knows "+custodytest.NewSpecimens(1).PlainCustomer()["family_name"], ""), Request{})
		breaks(t, err, "reason", "reason.personal")
		if _, err := c.RequestErasure(ctx, f.customer, askedFor("asked again", ""), Request{}); err != nil {
			t.Fatal(err)
		}
		out, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
		if err != nil || out.Statement.Destroyed["artefact.bike"] != 1 || out.Statement.Destroyed["scan"] != 1 {
			t.Errorf("%v, destroyed are %v", err, out.Statement.Destroyed)
		}
		w.sweepAll(ctx, t)
		if names := w.names(ctx, t, ""); slices.ContainsFunc(names, func(n string) bool {
			return strings.Contains(n, w.secret.key.place(f.customer).pseudonym) && !strings.Contains(n, "/receipts/")
		}) {
			t.Errorf("something is left: %v", names)
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestComingBackOnce: of many who enrol a customer again at the same time, with sweeps
// between, one does.
func TestComingBackOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, rules := range []func(*Config){lasting, func(*Config) {}} {
			f := w.fixture(ctx, t)
			if _, err := w.server(t).Terminate(ctx, f.customer, today(w.server(t)), "moved", Request{}); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			var done, swept atomic.Int64
			for i := range 4 {
				c := w.server(t, rules)
				group.Go(func() {
					_, err := c.Enrol(ctx, f.customer, back(uint64(i)))
					switch reason := fault.ReasonOf(err); {
					case err == nil:
						done.Add(1)
					case reason != ReasonCustomerExists && reason != ReasonBeingErased && reason != ReasonContention:
						t.Errorf("enrolling: %v", err)
					}
				})
				group.Go(func() {
					report, err := c.Sweep(ctx, SweepOptions{})
					if err != nil {
						t.Errorf("sweep: %v", err)
					}
					swept.Add(int64(report.Erased))
				})
			}
			group.Wait()
			if done.Load() > 1 || done.Load()+swept.Load() == 0 {
				t.Errorf("%d enrolled, %d erased", done.Load(), swept.Load())
			}
			w.sweepAll(ctx, t)
			w.mustBeWhole(ctx, t)
		}
	})
}
