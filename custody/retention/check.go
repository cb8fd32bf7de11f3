package retention

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBasis is the length of a basis in characters.
const maxBasis = 200

// Problem is what is wrong with one field of one rule.
type Problem struct {
	// Class is the class that the rule stands under, known or not.
	Class Class
	// Field is the field in lower case: "anchor".
	Field string
	// Rule is what must hold, as a clause that goes on after the field. It never
	// repeats a value.
	Rule string

	// unknown is whether the class is none.
	unknown bool
}

// Error names the class, the field and what is allowed. A class that is not known
// is not repeated: it may be anything.
func (p Problem) Error() string {
	class := p.Class
	if p.unknown {
		class = "(unknown)"
	}
	return fmt.Sprintf("retention rule %s: %s %s", class, p.Field, p.Rule)
}

// Check is nil where the rules can be used with artefacts of these kinds, and
// otherwise all [Rules.Problems], joined.
func (r Rules) Check(kinds []string) error {
	var all []error
	for _, p := range r.Problems(kinds) {
		all = append(all, p)
	}
	return errors.Join(all...)
}

// Problems are all that is wrong, in the order of the classes' names. Every class
// needs a rule, and of those for a single kind of artefact only the kinds given
// here are known.
func (r Rules) Problems(kinds []string) []Problem {
	var found []Problem
	for _, class := range slices.Sorted(maps.Keys(r.With(missing(r)...))) {
		add := func(ok bool, field, rule string) {
			if !ok {
				found = append(found, Problem{Class: class, Field: field, Rule: rule})
			}
		}
		rule, there := r[class]
		general, kind := class.Split()
		switch {
		case !there:
			add(false, "class", "must have a rule")
		case !slices.Contains(classes(), general), general != class && !slices.Contains(kinds, kind):
			known := slices.Concat(classes(), ofKinds(kinds))
			found = append(found, Problem{Class: class, Field: "class", Rule: "must be " + list(known), unknown: true})
		default:
			add(rule.Class == class, "class", "must be the one that the rule stands under")
			rule.check(anchors(general), add)
		}
	}
	return found
}

// check looks at each field by itself: a rule that is put together from two that
// pass, field by field, passes too.
func (r Rule) check(allowed []Anchor, add func(ok bool, field, rule string)) {
	add(slices.Contains(allowed, r.Anchor), "anchor", "must be "+list(allowed))
	if err := r.Period.check(); err != nil {
		add(false, "period", err.Error())
	}
	alignments := []Alignment{Exact, EndOfYear, EndOfNextYear}
	add(slices.Contains(alignments, r.Alignment), "alignment", "must be "+list(alignments))
	add(isBasis(r.Basis), "basis", fmt.Sprintf("must have 1 to %d characters, none of them a control character", maxBasis))
	grounds := []Exemption{LegalObligation, LegalClaims}
	add(r.Exemption == NoExemption || slices.Contains(grounds, r.Exemption), "exemption", "must be "+list(grounds)+", or empty for none")
}

func isBasis(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxBasis &&
		!strings.ContainsFunc(s, unicode.IsControl)
}

// classes are those that need a rule.
func classes() []Class {
	return []Class{Secrets, Artefacts, IdentityCopies, Disclosures, Customer, TitledClaims}
}

// anchors are the events that data of a class knows. What belongs to a contract
// lives as long as the contract does, so that nothing is deleted under it.
func anchors(class Class) []Anchor {
	switch class {
	case IdentityCopies:
		return []Anchor{PurposeFulfilled, Created}
	case Disclosures:
		return []Anchor{Created, ContractEnd}
	case TitledClaims:
		return []Anchor{Created}
	default:
		return []Anchor{ContractEnd}
	}
}

// missing are empty rules for the classes that have none.
func missing(r Rules) []Rule {
	var none []Rule
	for _, class := range classes() {
		if _, there := r[class]; !there {
			none = append(none, Rule{Class: class})
		}
	}
	return none
}

func ofKinds(kinds []string) []Class {
	var all []Class
	for _, kind := range kinds {
		all = append(all, Artefacts+"."+Class(kind))
	}
	return all
}

// list is "a", "a or b", "a, b or c".
func list[T ~string](names []T) string {
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return b.String()
}
