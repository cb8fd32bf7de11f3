package custody

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// lawful is a dossier under the rules of the law, with a SIM card, a bike and two
// documents, of which one was taken only to identify.
func lawful(t testing.TB) *Dossier {
	t.Helper()
	d := pure(t, noon)
	d.institute.Retention = retention.Defaults()
	for _, kind := range []string{"sim_card", "bike", "document"} {
		d.having(t, kind)
	}
	copied := d.having(t, "document")
	copied.Record.Values = append(copied.Record.Values, &storagev1.Value{Path: pathIdentificationOnly, Value: "true"})
	return d
}

func (d *Dossier) at(day string) {
	begins, err := time.ParseInLocation(time.DateOnly, day, d.institute.Location)
	if err != nil {
		panic(err)
	}
	d.now = begins
}

// itemised shows holdings as "class kind count due".
func itemised(holdings []Holding) string {
	var out []string
	for _, h := range holdings {
		out = append(out, strings.Join([]string{string(h.Class), h.Kind, string(rune('0' + h.Count)), string(h.Due)}, " "))
	}
	return strings.Join(out, "; ")
}

func TestHoldings(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	n := string(rune('0' + len(d.compartments())))
	if got, want := itemised(d.holdings()), "secrets  "+n+" ; artefacts sim_card 1 ; artefacts bike 1 ; artefacts document 1 ; identity-copies document 1 ; customer  1 "; got != want {
		t.Errorf("while the contract runs: %s\nwant %s", got, want)
	}
	if d.next() != "" || d.eraseDay() != "" {
		t.Errorf("next %q, all gone %q, although no end is fixed", d.next(), d.eraseDay())
	}
	if err := d.terminate("2027-07-01", "", "r"); err != nil {
		t.Fatal(err)
	}
	want := "secrets  " + n + " 2027-07-01; artefacts sim_card 1 2031-01-01; artefacts bike 1 2031-01-01; artefacts document 1 2031-01-01; identity-copies document 1 2027-07-01; customer  1 2031-01-01"
	if got := itemised(d.holdings()); got != want {
		t.Errorf("once it ends: %s\nwant %s", got, want)
	}
	if d.next() != "2027-07-01" || d.eraseDay() != "2031-01-01" {
		t.Errorf("next %q, all gone %q", d.next(), d.eraseDay())
	}
	// Who the customer is stays as long as anything else, and no longer.
	d.institute.Retention = retention.Defaults().With(
		retention.Rule{Class: "artefacts.bike", Anchor: retention.ContractEnd, Period: retention.Period{Years: 10}, Alignment: retention.Exact, Basis: "frame"},
	)
	if d.eraseDay() != "2037-07-01" {
		t.Errorf("with bikes for ten years all is gone on %q", d.eraseDay())
	}
}

// TestIdentityCopies: what was taken only to identify goes when that is done, also
// while the contract runs.
func TestIdentityCopies(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	copied := d.stored.GetArtefacts()[3]
	copied.Record.Values = append(copied.Record.Values, &storagev1.Value{Path: pathPurposeFulfilled, Value: "2026-11-20"})
	if d.next() != "2026-11-20" {
		t.Fatalf("next %q", d.next())
	}
	gone, removed := d.shed(), d.removed
	if !slices.Equal(gone, []string{"identity-copies.document"}) || len(d.stored.GetArtefacts()) != 3 || len(removed) != 1 {
		t.Errorf("gone %v, removed %v, left %d", gone, removed, len(d.stored.GetArtefacts()))
	}
	if d.next() != "2026-11-21" || d.stored.GetShedDate() != "2026-11-21" {
		t.Errorf("older versions of the key are to be ended, and next is %q", d.next())
	}
}

func TestShed(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	if err := d.terminate("2027-07-01", "", "r"); err != nil {
		t.Fatal(err)
	}
	d.at("2027-06-30")
	if gone := d.shed(); gone != nil || len(d.compartments()) == 0 {
		t.Fatalf("a day early %v went", gone)
	}
	before := open(d.stored.GetArtefacts()[0].GetRecord())
	d.at("2027-07-01")
	if gone := d.shed(); !slices.Equal(gone, []string{"identity-copies.document", "secrets"}) {
		t.Errorf("gone %v", gone)
	}
	after := open(d.stored.GetArtefacts()[0].GetRecord())
	for path := range before {
		_, kept := after[path]
		if secret := path == "sim_card.pin" || path == "sim_card.pin2" || path == "sim_card.puk" || path == "sim_card.puk2"; secret == kept {
			t.Errorf("%s: kept %v", path, kept)
		}
	}
	if len(d.compartments()) != 0 || len(d.stored.GetArtefacts()) != 3 {
		t.Errorf("%d secrets and %d artefacts are left", len(d.compartments()), len(d.stored.GetArtefacts()))
	}
	d.stored.ShedDate = ""
	if d.next() != "2031-01-01" || d.over() {
		t.Errorf("next %q", d.next())
	}
	d.at("2030-12-31")
	if d.over() || d.shed() != nil {
		t.Error("a day early all is over")
	}
	d.at("2031-01-01")
	if !d.over() || d.shed() != nil {
		t.Error("all is due, and is shed in place of being erased, or stays")
	}
}

// TestWhatStandsAgainstIt: restrictions and holds keep what is due, and let it go.
func TestWhatStandsAgainstIt(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	if err := d.terminate("2027-07-01", "", "r"); err != nil {
		t.Fatal(err)
	}
	if err := d.restrict("GROUND_OBJECTION", "r1"); err != nil {
		t.Fatal(err)
	}
	refusal(t, d.restrict("GROUND_UNLAWFUL", "r1"), fault.Precondition, ReasonRestricted)
	d.at("2031-06-01")
	if d.next() != "" || d.eraseDay() != "" || d.over() || d.shed() != nil {
		t.Error("something goes although the processing is restricted")
	}
	breaks(t, d.lift(noon.Add(-time.Second), "r2"), "customer_told_time", "told.before")
	breaks(t, d.lift(d.now.Add(time.Second), "r2"), "customer_told_time", "told.future")
	if err := d.lift(d.now, "r2"); err != nil || d.customer().ETag != "r2" {
		t.Fatal(err)
	}
	refusal(t, d.lift(d.now, "r3"), fault.Precondition, ReasonNotRestricted)
	if d.next() != "2027-07-01" || !d.over() {
		t.Errorf("lifted, and next is %q", d.next())
	}

	breaks(t, d.hold("h0", "r3", HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26", Until: "2031-06-01"}), "until_date", "until-date.past")
	if err := d.hold("h1", "r3", HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26", Until: "2031-08-01"}); err != nil {
		t.Fatal(err)
	}
	if d.next() != "2031-08-01" || d.eraseDay() != "2031-08-01" || d.over() {
		t.Errorf("held until August, and next is %q", d.next())
	}
	if err := d.hold("h2", "r4", HoldDraft{Kind: HoldTitled, Reason: "4 O 12/26"}); err != nil {
		t.Fatal(err)
	}
	if d.next() != "2061-06-02" {
		t.Errorf("a titled claim holds until %q, want 30 years", d.next())
	}
	if err := d.hold("h3", "r5", HoldDraft{Kind: "KIND_OFFICIAL_ORDER", Reason: "seized"}); err != nil {
		t.Fatal(err)
	}
	if d.next() != "" || d.over() {
		t.Error("a hold without end has one")
	}
	refusal(t, d.release("h4", "r6"), fault.NotFound, ReasonHoldNotFound)
	for _, id := range []string{"h3", "h2"} {
		if err := d.release(id, "r6"); err != nil {
			t.Fatal(err)
		}
		refusal(t, d.release(id, "r7"), fault.Precondition, ReasonHoldReleased)
	}
	d.at("2031-08-01")
	if !d.over() {
		t.Error("the last hold has ended, and nothing goes")
	}
}

// TestWhatPasses is the table in doing.go.
func TestWhatPasses(t *testing.T) {
	t.Parallel()
	states := map[string]struct {
		prepare func(*Dossier) error
		want    [4]string // the reasons for reading, writing, removing, keeping
	}{
		"active":      {func(*Dossier) error { return nil }, [4]string{}},
		"terminating": {func(d *Dossier) error { return d.terminate("2027-01-01", "", "r") }, [4]string{}},
		"ended": {
			func(d *Dossier) error { return d.terminate("2026-11-21", "", "r") },
			[4]string{ReasonContractEnded, ReasonContractEnded, ReasonContractEnded, ""},
		},
		"restricted": {
			func(d *Dossier) error { return d.restrict("GROUND_OBJECTION", "r") },
			[4]string{ReasonRestricted, ReasonRestricted, ReasonRestricted, ""},
		},
		"held": {
			func(d *Dossier) error {
				return d.hold("h", "r", HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"})
			},
			[4]string{"", "", ReasonHeld, ""},
		},
	}
	for name, state := range states {
		d := lawful(t)
		if err := state.prepare(d); err != nil {
			t.Fatal(err)
		}
		for i, want := range state.want {
			if got := fault.ReasonOf(d.allows(t.Context(), doing(i))); got != want {
				t.Errorf("%s: %d gives %q, want %q", name, i, got, want)
			}
			if doing(i) == reading {
				want = "" // for a purpose
			}
			if got := fault.ReasonOf(d.allows(ForRestricted(t.Context(), "CONSENT"), doing(i))); got != want {
				t.Errorf("%s: %d for a purpose gives %q, want %q", name, i, got, want)
			}
		}
		if err := d.allows(ForRestricted(t.Context(), ""), reading); (err != nil) != (state.want[0] != "") {
			t.Errorf("%s: an empty purpose counts: %v", name, err)
		}
	}
}

// TestOldMark: a dossier of before due days had marks of their own gets one with
// the next change.
func TestOldMark(t *testing.T) {
	t.Parallel()
	d := lawful(t)
	if err := d.terminate("2027-07-01", "", "r"); err != nil {
		t.Fatal(err)
	}
	d.stored.Termination.Mark = "old"
	old := d.place.due("2027-07-01", "old")
	if !slices.Equal(d.marks(), []string{old}) {
		t.Errorf("marks %v", d.marks())
	}
	d.remark("new")
	if want := d.place.due("2027-07-01", "new"); !slices.Equal(d.marks(), []string{want}) || !slices.Equal(d.removed, []string{old}) || !slices.Equal(d.made, []string{want}) {
		t.Errorf("marks %v, made %v, removed %v", d.marks(), d.made, d.removed)
	}
}
