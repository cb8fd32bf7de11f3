// Package retention says how long which class of data may live: the law and the
// contracts as rules, and the days that follow from them.
//
// A [Rule] has a [Class] of data, an [Anchor] from whose day a [Period] counts, an
// [Alignment], its legal basis, and the [Exemption] with which it stands against a
// request for erasure (Art. 17(3) GDPR). [Rule.Due] is the first day on which the
// data must be gone. [Defaults] are the rules without a word from the operator;
// [Rules.With] changes some, [Rules.Check] says whether they can be used.
//
// The law counts in days of the calendar, not in hours: a [Day] has no zone, and
// is an instant only together with one. Periods are counted by §§ 187 and 188 BGB.
// An end on a Sunday or a holiday stays there: § 193 BGB is not applied.
//
// The package has no clock, no state and no I/O.
package retention

import "maps"

// Rules are the rules of an institute by class. They are not changed once made;
// [Rules.With] gives others.
type Rules map[Class]Rule

// Defaults are the rules of German law for a bank's customers. They name no kind
// of artefact.
func Defaults() Rules {
	const claims = "§§ 195, 199 BGB: limitation of claims"
	return Rules{}.With(
		Rule{
			Class: Secrets, Anchor: ContractEnd, Alignment: Exact,
			Basis: "Art. 17(1)(a) GDPR: the purpose is gone",
		},
		Rule{Class: Artefacts, Anchor: ContractEnd, Period: Period{Years: 3}, Alignment: EndOfYear, Basis: claims},
		Rule{Class: IdentityCopies, Anchor: PurposeFulfilled, Alignment: Exact, Basis: "§ 20 PAuswG"},
		Rule{
			Class: Disclosures, Anchor: Created, Period: Period{Years: 6}, Alignment: EndOfYear,
			Basis: "§ 257 HGB, § 147 AO: commercial letters", Exemption: LegalObligation,
		},
		Rule{Class: Customer, Anchor: ContractEnd, Period: Period{Years: 3}, Alignment: EndOfYear, Basis: claims},
		Rule{
			Class: TitledClaims, Anchor: Created, Period: Period{Years: 30}, Alignment: Exact,
			Basis: "§ 197 BGB", Exemption: LegalClaims,
		},
	)
}

// Of is the rule for data of the class. For [Artefacts] of a kind it is that of
// the kind if there is one. kind may be "". Where nothing is said of the class it
// is the zero Rule, which never makes anything due.
func (r Rules) Of(class Class, kind string) Rule {
	if class == Artefacts && kind != "" {
		if rule, ok := r[Artefacts+"."+Class(kind)]; ok {
			return rule
		}
	}
	return r[class]
}

// With is a copy in which each of the changes stands in the place of its class's
// rule; of two for one class, the later one.
func (r Rules) With(changes ...Rule) Rules {
	changed := maps.Clone(r)
	if changed == nil {
		changed = Rules{}
	}
	for _, rule := range changes {
		changed[rule.Class] = rule
	}
	return changed
}
