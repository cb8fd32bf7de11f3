package retention

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDue(t *testing.T) {
	t.Parallel()
	defaults := Defaults()
	exact := func(anchor Anchor, p Period) Rule { return Rule{Anchor: anchor, Period: p, Alignment: Exact} }
	sim := Rule{Class: "artefacts.sim_card", Anchor: ContractEnd, Alignment: EndOfNextYear}
	for name, test := range map[string]struct {
		rule       Rule
		event, due Day
	}{
		// §§ 195, 199(1) BGB: three years from the end of the contract's last year.
		"ends with the year":   {defaults[Artefacts], "2026-12-31", "2030-01-01"},
		"ends in the year":     {defaults[Artefacts], "2026-06-30", "2030-01-01"},
		"ends with New Year":   {defaults[Artefacts], "2027-01-01", "2031-01-01"},
		"ends on a leap day":   {defaults[Artefacts], "2024-02-29", "2028-01-01"},
		"the customer":         {defaults[Customer], "2026-12-31", "2030-01-01"},
		"secrets":              {defaults[Secrets], "2026-06-30", "2026-07-01"},
		"secrets, New Year":    {defaults[Secrets], "2026-12-31", "2027-01-01"},
		"identified":           {defaults[IdentityCopies], "2026-06-30", "2026-06-30"},
		"a letter":             {defaults[Disclosures], "2026-01-01", "2033-01-01"},
		"a letter at year end": {defaults[Disclosures], "2026-12-31", "2033-01-01"},
		"a title":              {defaults[TitledClaims], "2026-06-30", "2056-07-01"},
		// § 95(3) TKG of 2004: the end of the year after that of the contract's end.
		"telecom":              {sim, "2026-06-30", "2028-01-01"},
		"telecom, year end":    {sim, "2026-12-31", "2028-01-01"},
		"telecom, New Year":    {sim, "2027-01-01", "2029-01-01"},
		"leap day, a year":     {exact(ContractEnd, Period{Years: 1}), "2024-02-29", "2025-03-01"},
		"leap day, four years": {exact(ContractEnd, Period{Years: 4}), "2024-02-29", "2028-03-01"},
		"end of a month":       {exact(Created, Period{Months: 1}), "2026-01-31", "2026-03-01"},
		"made, at once":        {exact(Created, Period{}), "2026-06-30", "2026-06-30"},
		"made, a day":          {exact(Created, Period{Days: 1}), "2026-06-30", "2026-07-02"},
		"made, end of year":    {Rule{Anchor: Created, Alignment: EndOfYear}, "2026-06-30", "2027-01-01"},
		"half a year, aligned": {Rule{Anchor: ContractEnd, Period: Period{Months: 6}, Alignment: EndOfYear}, "2026-06-30", "2027-01-01"},
		"half a year, beyond":  {Rule{Anchor: ContractEnd, Period: Period{Months: 6}, Alignment: EndOfYear}, "2026-07-01", "2028-01-01"},
		"beyond the calendar":  {defaults[Artefacts], "9998-01-01", lastDay},
		"its last year":        {Rule{Anchor: ContractEnd, Alignment: EndOfYear}, "9999-01-01", lastDay},
		"none":                 {defaults[Artefacts], "", ""},
		"no day":               {defaults[Artefacts], "soon", ""},
		"none, at once":        {defaults[IdentityCopies], "", ""},
		"no rule":              {Rule{}, "2026-06-30", lastDay},
		"no rule and none":     {Rule{}, "", ""},
	} {
		if got := test.rule.Due(test.event); got != test.due {
			t.Errorf("%s: got %s, want %s", name, got, test.due)
		}
	}
}

func TestDueProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{Anchor: rapid.SampledFrom([]Anchor{ContractEnd, Created, PurposeFulfilled}).Draw(t, "anchor"), Period: drawPeriod(t)}
		if rapid.Bool().Draw(t, "at once") {
			rule.Period = Period{}
		}
		event := drawDay(t)
		aligned := func(a Alignment, event Day) Day {
			rule.Alignment = a
			return rule.Due(event)
		}
		exact, year, next := aligned(Exact, event), aligned(EndOfYear, event), aligned(EndOfNextYear, event)
		if event > exact || exact > year || year > next {
			t.Fatalf("%+v: %s is due %s, %s, %s", rule, event, exact, year, next)
		}
		if rule.Anchor == ContractEnd && exact == event && event != lastDay {
			t.Fatalf("%+v: due on the contract's last day, %s", rule, event)
		}
		for _, due := range []Day{year, next} {
			if due != lastDay && !strings.HasSuffix(string(due), "-01-01") {
				t.Fatalf("%+v: %s is due %s", rule, event, due)
			}
		}
		for _, a := range []Alignment{Exact, EndOfYear, EndOfNextYear} {
			if aligned(a, event) > aligned(a, event.AddDays(1)) {
				t.Fatalf("%+v: due sooner where %s is a day later", rule, event)
			}
		}
		// For whole years, rounding up before counting is the same.
		rule.Period = Period{Years: rule.Period.Years}
		if a, b := aligned(EndOfYear, event), aligned(EndOfYear, event.yearEnd()); a != b {
			t.Fatalf("%+v: %s is due %s, and the end of its year %s", rule, event, a, b)
		}
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for class, want := range map[Class][2]string{
		"artefacts": {"artefacts", ""}, "artefacts.sim_card": {"artefacts", "sim_card"}, "artefacts.": {"artefacts", ""},
		"secrets": {"secrets", ""}, "secrets.pin": {"secrets.pin", ""}, "": {"", ""},
	} {
		if general, kind := class.Split(); string(general) != want[0] || kind != want[1] {
			t.Errorf("%q: got %q, %q", class, general, kind)
		}
	}
}
