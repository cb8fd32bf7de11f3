package custody

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// passed records a disclosure, and fails the test where that is refused.
func (d *Dossier) passed(t testing.TB, recipient string, artefacts []string, classes ...string) string {
	t.Helper()
	id, err := d.disclose(newID(), DisclosureDraft{Recipient: recipient, Purpose: "PURPOSE_CLAIM", Classes: classes}, artefacts)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// owedOnes shows the notices that are owed as "recipient: classes artefacts".
func (d *Dossier) owedOnes() string {
	var all []string
	for _, s := range d.stored.GetDisclosures() {
		if d.asDisclosure(s).Owed() {
			all = append(all, fmt.Sprintf("%s: %s %d", s.GetRecipient(), strings.Join(s.GetClasses(), "+"), len(s.GetArtefacts())))
		}
	}
	return strings.Join(all, "; ")
}

func TestDisclosureDrafts(t *testing.T) {
	t.Parallel()
	name := resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: "4711"}
	for what, test := range map[string]struct {
		in   DisclosureDraft
		want string // rules
	}{
		"classes":            {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer", "artefacts.bike"}}, ""},
		"artefacts":          {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Artefacts: []string{name.String() + "/artefacts/a"}}, ""},
		"a notice":           {DisclosureDraft{Recipient: "Insurer", Purpose: purposeNotice}, ""},
		"nothing":            {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM"}, "required"},
		"nobody":             {DisclosureDraft{Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, "required"},
		"controls":           {DisclosureDraft{Recipient: "In\x00surer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}, "control"},
		"an export":          {DisclosureDraft{Recipient: "Insurer", Purpose: purposeAccess, Classes: []string{"customer"}}, "purpose.export"},
		"a part of a notice": {DisclosureDraft{Recipient: "Insurer", Purpose: purposeNotice, Classes: []string{"customer"}}, "notice.whole"},
		"unknown class":      {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"artefacts.boat"}}, "class.unknown"},
		"no name":            {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Artefacts: []string{"a"}}, "name.form"},
		"somebody else's":    {DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Artefacts: []string{"institutes/musterbank/customers/4712/artefacts/a"}}, "artefact.parent"},
	} {
		_, broken := test.in.check(name)
		var rules []string
		for _, v := range broken {
			rules = append(rules, v.Rule)
		}
		if got := strings.Join(rules, " "); got != test.want {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}

func TestDisclose(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	enrolled := d.stored.GetCustomer().GetCreateTime().AsTime()
	draft := DisclosureDraft{Recipient: "Insurer", Purpose: "PURPOSE_CLAIM", Classes: []string{"customer"}}
	at := func(when time.Time) DisclosureDraft { in := draft; in.At = when; return in }
	for _, test := range []struct {
		in   DisclosureDraft
		ids  []string
		rule string
	}{
		{at(d.now.Add(time.Second)), nil, "time.future"},
		{at(enrolled.Add(-time.Second)), nil, "time.before"},
		{draft, []string{"unknown"}, "artefact.unknown"},
	} {
		_, err := d.disclose(newID(), test.in, test.ids)
		if v := violations(err); len(v) != 1 || v[0].Rule != test.rule {
			t.Errorf("%v; want %s", err, test.rule)
		}
	}
	_, err := d.disclose(newID(), DisclosureDraft{Recipient: "Insurer", Purpose: purposeNotice}, nil)
	refusal(t, err, fault.Precondition, ReasonNothingOwed)

	for range mostDisclosures {
		d.passed(t, "Insurer", nil, "customer")
	}
	_, err = d.disclose(newID(), draft, nil)
	refusal(t, err, fault.Exhausted, ReasonTooMany)
	for range mostExports + 3 { // nothing stands against a right
		d.exported(newID(), purposeAccess, false, false)
	}
	if n := len(d.stored.GetDisclosures()); n != mostDisclosures+mostExports {
		t.Errorf("%d are kept", n)
	}
}

func violations(err error) []fault.Violation {
	known, _ := err.(*fault.Error)
	if known == nil {
		return nil
	}
	return known.Violations
}

// TestRectifications: who got what was wrong is to be told, once, and nobody else.
func TestRectifications(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	sim, bike := d.stored.GetArtefacts()[0], d.stored.GetArtefacts()[1]
	d.exported(newID(), purposeAccess, true, false)
	d.passed(t, "Police", []string{bike.GetId()}, "customer")
	d.passed(t, "Insurer", nil, "artefacts.bike")
	d.passed(t, "Insurer", nil, "customer", "artefacts.bike")
	d.passed(t, "Operator", []string{sim.GetId()})
	d.passed(t, "Court", nil, "artefacts", "secrets")

	update := func(what string, err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := d.owedOnes(); got != want {
			t.Errorf("%s: owed is\n%s, want\n%s", what, got, want)
		}
	}
	customer := func(path, value string) error {
		values := field.Values{path: value}
		return d.updateCustomer(values, values, []string{path}, "", newRevision())
	}
	artefact := func(a *storagev1.Artefact, path, value string) error {
		return d.updateArtefact(a.GetId(), "", Update{Values: field.Values{path: value}, Paths: []string{path}}, newRevision())
	}
	update("the same value again", customer("family_name", open(d.stored.GetCustomer())["family_name"]), "")
	update("a name", customer("family_name", "Musterfrau"), "Police: customer 0; Insurer: customer 0")
	update("another", customer("given_name", "Else"), "Police: customer 0; Insurer: customer 0")
	update("a secret", artefact(sim, "sim_card.puk", "12345678"),
		"Police: customer 0; Insurer: customer 0; Operator: artefacts.sim_card 1; Court: artefacts.sim_card 1")
	update("a bike's colour", artefact(bike, "bike.colour", "mauve"),
		"Police: customer+artefacts.bike 1; Insurer: customer+artefacts.bike 1; Operator: artefacts.sim_card 1; Court: artefacts.sim_card+artefacts.bike 2")

	d.now = d.now.Add(time.Hour)
	notice := DisclosureDraft{Recipient: "Insurer", Purpose: purposeNotice}
	early := notice
	early.At = d.now.Add(-2 * time.Hour)
	if v := violations(second(d.disclose("", early, nil))); len(v) != 1 || v[0].Rule != "time.before" {
		t.Errorf("told before the rectification: %v", v)
	}
	id, err := d.disclose("unused", notice, nil)
	update("told", err, "Police: customer+artefacts.bike 1; Operator: artefacts.sim_card 1; Court: artefacts.sim_card+artefacts.bike 2")
	if id == "unused" || d.present().owedTo("Insurer") != nil {
		t.Errorf("the notice is %q", id)
	}
	_, err = d.disclose(newID(), notice, nil)
	refusal(t, err, fault.Precondition, ReasonNothingOwed)
	update("once more", customer("given_name", "Emma"),
		"Police: customer+artefacts.bike 1; Operator: artefacts.sim_card 1; Court: artefacts.sim_card+artefacts.bike 2; Insurer: customer 0")
}

func second[T any](_ T, err error) error { return err }

// TestDisclosuresGo by their rule, also while the contract runs, and keep who the
// customer is as long as they stay.
func TestDisclosuresGo(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	d.passed(t, "Insurer", nil, "customer")
	d.at("2028-01-10")
	d.passed(t, "Police", nil, "customer")
	d.passed(t, "Insurer", nil, "customer")
	if got := itemised(d.holdings()); !strings.Contains(got, "disclosures  1 2033-01-01; disclosures  2 2035-01-01; customer  1 ") {
		t.Errorf("held are %s", got)
	}
	if d.next() != "2033-01-01" {
		t.Errorf("next %q", d.next())
	}
	d.at("2033-01-01")
	if gone := d.shed(); !slices.Equal(gone, []string{string(retention.Disclosures)}) || len(d.stored.GetDisclosures()) != 2 {
		t.Errorf("gone %v, left %d", gone, len(d.stored.GetDisclosures()))
	}
	if err := d.terminate("2033-07-01", "", "r"); err != nil {
		t.Fatal(err)
	}
	d.passed(t, "Court", nil, "customer")
	if d.eraseDay() != "2040-01-01" {
		t.Errorf("all is gone on %q", d.eraseDay())
	}
	d.institute.Retention = d.institute.Retention.With(retention.Rule{
		Class: retention.Disclosures, Anchor: retention.ContractEnd, Period: retention.Period{Years: 1}, Alignment: retention.Exact, Basis: "b",
	})
	if got := itemised(d.holdings()); !strings.Contains(got, "disclosures  3 2034-07-01") {
		t.Errorf("by the contract's end: %s", got)
	}
}
