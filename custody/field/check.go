package field

import (
	"cmp"
	"sort"
	"strings"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
)

// Rules are what an institute allows beyond the formats.
type Rules struct {
	// CardVerificationCode allows values that only a card's issuer may keep
	// (PCI DSS v4, 3.3.3).
	CardVerificationCode bool
	// Today is the day in the institute's time zone, YYYY-MM-DD; empty for no
	// limit.
	Today string
}

// Check gives every rule that the values break: formats and checksums, fields
// that must not be empty, and values that the institute may not keep. Only the
// paths in changed are checked against their format; nil means all. kind is the
// kind of artefact, "" for a customer. The violations name fields as
// prefix+path.
func (t *Table) Check(kind string, values Values, changed []string, rules Rules, prefix string) []fault.Violation {
	var found []fault.Violation
	add := func(path, rule, description string) {
		found = append(found, fault.Violation{Field: prefix + path, Rule: rule, Description: description})
	}
	for _, s := range t.specs {
		if !t.belongs(s, kind) {
			continue
		}
		text := values[s.Path]
		switch {
		case text == "" && s.Required:
			add(s.Path, "required", "must not be empty")
		case text == "" || s.Format == "" || !concerns(s, changed):
		case s.IssuerOnly && !rules.CardVerificationCode:
			add(s.Path, "issuer-only", "may be kept only by an institute that issued the card and says why (PCI DSS 3.3.3)")
		default:
			if p := s.check(text, values); p != nil {
				add(s.Path, p.Rule, p.Description)
			} else if s.NotFuture && rules.Today != "" && s.Format.Normalise(text) > rules.Today {
				add(s.Path, "date.future", "must not lie in the future")
			}
		}
	}
	return found
}

// check applies the format, and for two of them what lies beside the value.
func (s *Spec) check(text string, values Values) *format.Problem {
	if p := s.Format.Check(text); p != nil {
		return p
	}
	switch s.Format {
	case format.PostalCode:
		return format.CheckPostalCode(s.beside("country", germany, values), text)
	case format.DocumentNumber:
		kind, issuer := s.document(values)
		return format.CheckDocumentNumber(kind, issuer, text)
	}
	return nil
}

// germany is the country where none is given.
const germany = "DE"

// beside is the value of the field with that name in the same message.
func (s *Spec) beside(name, otherwise string, values Values) string {
	return cmp.Or(values[s.Path[:strings.LastIndexByte(s.Path, '.')+1]+name], otherwise)
}

// document is what sort of document the field is the number of.
func (s *Spec) document(values Values) (kind format.DocumentKind, issuer string) {
	return cmp.Or(documents[s.beside("type", "", values)], format.OtherDocument),
		format.Country.Normalise(s.beside("issuer_country", germany, values))
}

var documents = map[string]format.DocumentKind{
	"TYPE_IDENTITY_CARD":    format.IdentityCard,
	"TYPE_PASSPORT":         format.Passport,
	"TYPE_DRIVING_LICENCE":  format.DrivingLicence,
	"TYPE_INSURANCE_POLICY": format.InsurancePolicy,
}

// belongs says whether an artefact of the kind can have the field.
func (t *Table) belongs(s *Spec, kind string) bool {
	first, _, _ := strings.Cut(s.Path, ".")
	return first == kind || t.ServiceOf(first) == ""
}

// concerns says whether a change of the paths can make the field wrong: its own
// change, or one beside it.
func concerns(s *Spec, changed []string) bool {
	if changed == nil {
		return true
	}
	parent := s.Path[:strings.LastIndexByte(s.Path, '.')+1]
	crossed := s.Format == format.PostalCode || s.Format == format.DocumentNumber
	for _, path := range changed {
		if path == s.Path || crossed && strings.HasPrefix(path, parent) {
			return true
		}
	}
	return false
}

// Expand gives the fields that a field mask names, for a kind of artefact: a
// path of a message names all fields in it. It refuses paths that there are
// not; field is the mask's own name for the error.
func (t *Table) Expand(field, kind string, paths []string) ([]string, error) {
	seen := map[string]bool{}
	for _, path := range paths {
		matched := false
		for _, s := range t.specs {
			if t.belongs(s, kind) && (s.Path == path || strings.HasPrefix(s.Path, path+".")) {
				seen[s.Path] = true
				matched = true
			}
		}
		if !matched {
			return nil, fault.Field(field, "field-mask.path", "names a field that does not exist here or can't be chosen")
		}
	}
	out := make([]string, 0, len(seen))
	for path := range seen {
		out = append(out, path)
	}
	sort.Strings(out)
	return out, nil
}

// Normalise is the form of the field's value that look-ups compare.
func (s *Spec) Normalise(values Values) string {
	text := values[s.Path]
	if s.Format == format.DocumentNumber {
		kind, issuer := s.document(values)
		return format.NormaliseDocumentNumber(kind, issuer, text)
	}
	return s.Format.Normalise(text)
}
