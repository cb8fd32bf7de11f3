package retention

import (
	"maps"
	"strings"
	"testing"
)

var kinds = []string{"sim_card", "bike"}

func TestDefaults(t *testing.T) {
	t.Parallel()
	d := Defaults()
	if err := d.Check(nil); err != nil {
		t.Error(err)
	}
	for class, want := range map[Class]string{
		Secrets:        "contract-end P0D exact Art. 17(1)(a) GDPR: the purpose is gone ",
		Artefacts:      "contract-end P3Y end-of-year §§ 195, 199 BGB: limitation of claims ",
		IdentityCopies: "purpose-fulfilled P0D exact § 20 PAuswG ",
		Disclosures:    "created P6Y end-of-year § 257 HGB, § 147 AO: commercial letters 17(3)(b)",
		Customer:       "contract-end P3Y end-of-year §§ 195, 199 BGB: limitation of claims ",
		TitledClaims:   "created P30Y exact § 197 BGB 17(3)(e)",
	} {
		r := d[class]
		got := strings.Join([]string{string(r.Anchor), r.Period.String(), string(r.Alignment), r.Basis, string(r.Exemption)}, " ")
		if r.Class != class || got != want {
			t.Errorf("%s: got %s: %s", class, r.Class, got)
		}
	}
	if len(d) != len(classes()) {
		t.Errorf("%d rules", len(d))
	}
	delete(d, Secrets)
	if len(Defaults()) != len(classes()) {
		t.Error("what one caller does to the defaults, another sees")
	}
}

func TestOfAndWith(t *testing.T) {
	t.Parallel()
	sim := Rule{Class: "artefacts.sim_card", Anchor: ContractEnd, Alignment: EndOfNextYear, Basis: "§ 95(3) TKG"}
	before := Defaults()
	r := before.With(Rule{Class: Secrets, Basis: "first"}, sim, Rule{Class: Secrets, Basis: "second"})
	if !maps.Equal(before, Defaults()) {
		t.Error("With changed what it was called on")
	}
	for _, test := range []struct {
		class Class
		kind  string
		want  Rule
	}{
		{Artefacts, "sim_card", sim},
		{"artefacts.sim_card", "", sim},
		{Artefacts, "bike", before[Artefacts]},
		{Artefacts, "", before[Artefacts]},
		{Customer, "sim_card", before[Customer]},
		{Secrets, "sim_card", Rule{Class: Secrets, Basis: "second"}},
		{"elsewhere", "", Rule{}},
	} {
		if got := r.Of(test.class, test.kind); got != test.want {
			t.Errorf("%s of %s: got %+v", test.class, test.kind, got)
		}
	}
	if got := Rules(nil).With(sim); len(got) != 1 || got.Of(Artefacts, "sim_card") != sim {
		t.Errorf("got %v", got)
	}
}

// change is the default rule of the class with a change.
func change(class Class, how func(*Rule)) Rules {
	general, kind := class.Split()
	rule := Defaults().Of(general, kind)
	rule.Class = class
	how(&rule)
	return Defaults().With(rule)
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Rules{
		"a kind":         change("artefacts.sim_card", func(r *Rule) { r.Period, r.Alignment = Period{}, EndOfNextYear }),
		"exempt":         change(Artefacts, func(r *Rule) { r.Exemption = LegalClaims }),
		"copies created": change(IdentityCopies, func(r *Rule) { r.Anchor, r.Period = Created, Period{Days: 14} }),
		"letters' end":   change(Disclosures, func(r *Rule) { r.Anchor = ContractEnd }),
		"short customer": change(Customer, func(r *Rule) { r.Period = Period{} }),
		"longest":        change(TitledClaims, func(r *Rule) { r.Period = Period{Years: 100} }),
		"long basis":     change(Secrets, func(r *Rule) { r.Basis = strings.Repeat("§", 200) }),
	} {
		if err := r.Check(kinds); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	const leaked = "hunter2"
	without := Defaults()
	delete(without, Customer)
	basis := "must have 1 to 200 characters, none of them a control character"
	for name, test := range map[string]struct {
		rules Rules
		want  string
	}{
		"secrets' anchor":    {change(Secrets, func(r *Rule) { r.Anchor = Created }), "secrets: anchor must be contract-end"},
		"artefacts' anchor":  {change(Artefacts, func(r *Rule) { r.Anchor = PurposeFulfilled }), "artefacts: anchor must be contract-end"},
		"a kind's anchor":    {change("artefacts.bike", func(r *Rule) { r.Anchor = Created }), "artefacts.bike: anchor must be contract-end"},
		"customer's anchor":  {change(Customer, func(r *Rule) { r.Anchor = Created }), "customer: anchor must be contract-end"},
		"copies' anchor":     {change(IdentityCopies, func(r *Rule) { r.Anchor = ContractEnd }), "identity-copies: anchor must be purpose-fulfilled or created"},
		"letters' anchor":    {change(Disclosures, func(r *Rule) { r.Anchor = PurposeFulfilled }), "disclosures: anchor must be created or contract-end"},
		"claims' anchor":     {change(TitledClaims, func(r *Rule) { r.Anchor = ContractEnd }), "titled-claims: anchor must be created"},
		"unknown anchor":     {change(Secrets, func(r *Rule) { r.Anchor = leaked }), "secrets: anchor must be contract-end"},
		"no anchor":          {change(Secrets, func(r *Rule) { r.Anchor = "" }), "secrets: anchor must be contract-end"},
		"negative":           {change(Artefacts, func(r *Rule) { r.Period.Years = -3 }), "artefacts: period " + errPeriod.Error()},
		"too long":           {change(Artefacts, func(r *Rule) { r.Period.Years = 101 }), "artefacts: period " + errPeriod.Error()},
		"unknown alignment":  {change(Artefacts, func(r *Rule) { r.Alignment = leaked }), "artefacts: alignment must be exact, end-of-year or end-of-next-year"},
		"no alignment":       {change(Artefacts, func(r *Rule) { r.Alignment = "" }), "artefacts: alignment must be exact, end-of-year or end-of-next-year"},
		"no basis":           {change(Artefacts, func(r *Rule) { r.Basis = " " }), "artefacts: basis " + basis},
		"long basis":         {change(Artefacts, func(r *Rule) { r.Basis = strings.Repeat("x", 201) }), "artefacts: basis " + basis},
		"basis of two lines": {change(Artefacts, func(r *Rule) { r.Basis = leaked + "\nx" }), "artefacts: basis " + basis},
		"basis, not UTF-8":   {change(Artefacts, func(r *Rule) { r.Basis = "x\xff" }), "artefacts: basis " + basis},
		"unknown exemption":  {change(Artefacts, func(r *Rule) { r.Exemption = leaked }), "artefacts: exemption must be 17(3)(b) or 17(3)(e), or empty for none"},
		"missing":            {without, "customer: class must have a rule"},
		"another's place":    {Defaults().With(change("artefacts.bike", func(*Rule) {})["artefacts.bike"]).moved("artefacts.bike", "artefacts.sim_card"), "artefacts.sim_card: class must be the one that the rule stands under"},
		"unknown class": {change(leaked, func(*Rule) {}),
			"(unknown): class must be secrets, artefacts, identity-copies, disclosures, customer, titled-claims, artefacts.sim_card or artefacts.bike"},
		"unknown kind": {change("artefacts."+leaked, func(*Rule) {}), "(unknown): class must be secrets, artefacts, identity-copies, disclosures, customer, " +
			"titled-claims, artefacts.sim_card or artefacts.bike"},
		"no kind": {change("artefacts.", func(*Rule) {}), "(unknown): class must be secrets, artefacts, identity-copies, disclosures, customer, " +
			"titled-claims, artefacts.sim_card or artefacts.bike"},
		"all at once": {change(Artefacts, func(r *Rule) { *r = Rule{Class: Artefacts} }).With(Rule{Class: TitledClaims, Anchor: Created, Alignment: Exact, Basis: "\t"}),
			"artefacts: anchor must be contract-end\n" +
				"artefacts: alignment must be exact, end-of-year or end-of-next-year\n" +
				"artefacts: basis " + basis + "\n" +
				"titled-claims: basis " + basis},
	} {
		err := test.rules.Check(kinds)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), "retention rule ", ""); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, test.want)
		}
		if strings.Contains(err.Error(), leaked) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

// moved is a copy with the rule of one class under another.
func (r Rules) moved(from, to Class) Rules {
	c := maps.Clone(r)
	c[to] = c[from]
	delete(c, from)
	return c
}
