package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/retention"
)

// Retention changes how long one class of data lives. What is left empty stays as
// it was without the entry: as the server has it built in, and for an institute's
// own entry as it is for all institutes.
type Retention struct {
	// Class is the data: secrets, artefacts, identity-copies, disclosures, customer
	// or titled-claims; or artefacts.KIND, such as artefacts.sim_card, for one kind
	// of artefact, which has the rule of artefacts else. Needed.
	Class retention.Class `yaml:"class"`
	// Anchor is the event that the period counts from: contract-end, created or
	// purpose-fulfilled. Each class knows one or two of them.
	Anchor retention.Anchor `yaml:"anchor"`
	// Period is how long the data lives from then on, as a duration of ISO 8601 in
	// whole years, months and days (P3Y, P1Y6M) or in weeks (P2W); P0D is no time.
	// At most 100 years.
	Period string `yaml:"period"`
	// Alignment is what the end of the period is rounded up to: exact, end-of-year
	// or end-of-next-year.
	Alignment retention.Alignment `yaml:"alignment"`
	// Basis is the law or contract that says so, at most 200 characters. Customers
	// are told it.
	Basis string `yaml:"basis"`
	// Exemption is the ground of Art. 17(3) GDPR on which the data is kept although
	// the customer asks for its erasure: 17(3)(b) or 17(3)(e). "" takes away the one
	// that there was.
	Exemption *retention.Exemption `yaml:"exemption"`
}

// RetentionFor is how long which data of an institute's customers lives.
func (c *Config) RetentionFor(institute string) retention.Rules {
	rules := changed(retention.Defaults(), c.Retention)
	for _, i := range c.Institutes {
		if i.ID == institute {
			rules = changed(rules, i.Retention)
		}
	}
	return rules
}

// changed are the rules after the changes, in whatever order they are listed: what
// is said of all artefacts counts for those of a kind too.
func changed(rules retention.Rules, changes []Retention) retention.Rules {
	ordered := slices.SortedStableFunc(slices.Values(changes), func(a, b Retention) int {
		_, x := a.Class.Split()
		_, y := b.Class.Split()
		return cmp.Compare(min(len(x), 1), min(len(y), 1))
	})
	for _, r := range ordered {
		rules = rules.With(r.over(rules))
	}
	return rules
}

// over is the rule that an entry makes of the one that was in force. A period that
// can't be read changes nothing; the check refuses it.
func (r Retention) over(rules retention.Rules) retention.Rule {
	rule := rules.Of(r.Class.Split())
	rule.Class = r.Class
	rule.Anchor = cmp.Or(r.Anchor, rule.Anchor)
	if p, err := retention.ParsePeriod(r.Period); err == nil {
		rule.Period = p
	}
	rule.Alignment = cmp.Or(r.Alignment, rule.Alignment)
	rule.Basis = cmp.Or(r.Basis, rule.Basis)
	if r.Exemption != nil {
		rule.Exemption = *r.Exemption
	}
	return rule
}

// says whether the entry gives the field itself.
func (r Retention) says(field string) bool {
	switch field {
	case "class":
		return true
	case "anchor":
		return r.Anchor != ""
	case "alignment":
		return r.Alignment != ""
	case "basis":
		return r.Basis != ""
	case "exemption":
		return r.Exemption != nil
	}
	return false
}

// retention checks how long data lives. What retention says of a rule is said here
// of the entry that the field comes from.
func (r *rules) retention(c *Config) {
	r.changes("retention", c.Retention, retention.Defaults())
	all := changed(retention.Defaults(), c.Retention)
	for i, institute := range c.Institutes {
		r.changes(fmt.Sprintf("institutes[%d].retention", i), institute.Retention, all)
	}
}

func (r *rules) changes(key string, changes []Retention, base retention.Rules) {
	seen := map[retention.Class]bool{}
	for i, change := range changes {
		at := fmt.Sprintf("%s[%d].", key, i)
		if !r.given(at+"class", string(change.Class)) {
			continue
		}
		r.must(!seen[change.Class], at+"class", "must differ from those before")
		seen[change.Class] = true
		if _, err := retention.ParsePeriod(change.Period); change.Period != "" && err != nil {
			r.add(at+"period", err.Error())
		}
		for _, p := range base.With(change.over(base)).Problems(artefactKinds()) {
			if p.Class == change.Class && change.says(p.Field) {
				r.add(at+p.Field, p.Rule)
			}
		}
	}
}

func artefactKinds() []string {
	var names []string
	for _, k := range field.Artefact.Kinds() {
		names = append(names, k.Name)
	}
	return names
}
