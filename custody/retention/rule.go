package retention

import "strings"

// Class is a sort of data that lives equally long. The names are stable: they
// stand in configurations and in what a customer is told.
type Class string

// The classes. A customer's artefacts have a kind, such as sim_card, and a kind
// can have a rule of its own: that of the class "artefacts.sim_card".
const (
	// Secrets are PINs, PUKs, card numbers and verification codes, the telephone
	// password and the login of online banking.
	Secrets Class = "secrets"
	// Artefacts is all other data of what was registered, with its scans.
	Artefacts Class = "artefacts"
	// IdentityCopies are documents that were taken only to identify somebody, with
	// their scans.
	IdentityCopies Class = "identity-copies"
	// Disclosures are records of what was told to whom: commercial letters.
	Disclosures Class = "disclosures"
	// Customer is who the customer is. It stays as long as anything else does,
	// however short its own rule.
	Customer Class = "customer"
	// TitledClaims is how long a legal hold lasts that is for a claim with a title.
	TitledClaims Class = "titled-claims"
)

// Split gives the class and, for the rule of one kind of artefact, the kind:
// "artefacts.sim_card" is [Artefacts] and "sim_card". Others have the kind "".
func (c Class) Split() (class Class, kind string) {
	if kind, ok := strings.CutPrefix(string(c), string(Artefacts)+"."); ok {
		return Artefacts, kind
	}
	return c, ""
}

// Anchor is the event from whose day a period counts.
type Anchor string

// The anchors, and which day is that of the event.
const (
	// ContractEnd is the last day of the contract.
	ContractEnd Anchor = "contract-end"
	// Created is the day on which the data was made.
	Created Anchor = "created"
	// PurposeFulfilled is the day on which the data had served its purpose.
	PurposeFulfilled Anchor = "purpose-fulfilled"
)

// Alignment is what a period is rounded up to at its end.
type Alignment string

// The alignments.
const (
	// Exact leaves the end of the period where it is.
	Exact Alignment = "exact"
	// EndOfYear is the end of the calendar year in which the period ends. For whole
	// years it is the same as counting from the end of the event's year, as § 199(1)
	// BGB and § 257(5) HGB do.
	EndOfYear Alignment = "end-of-year"
	// EndOfNextYear is the end of the calendar year after that (§ 95(3) TKG of
	// 2004).
	EndOfNextYear Alignment = "end-of-next-year"
)

// Exemption is the ground of Art. 17(3) GDPR on which data is kept although its
// erasure is asked for earlier.
type Exemption string

// The exemptions. Without one, an erasure that is asked for is carried out.
const (
	// NoExemption yields to a request.
	NoExemption Exemption = ""
	// LegalObligation is a law that demands the data: Art. 17(3)(b) GDPR.
	LegalObligation Exemption = "17(3)(b)"
	// LegalClaims is the establishment, exercise or defence of legal claims:
	// Art. 17(3)(e) GDPR.
	LegalClaims Exemption = "17(3)(e)"
)

// Rule is how long data of one class lives. Only one that [Rules.Check] accepts
// is to be used.
type Rule struct {
	// Class is the data that the rule is for, or "artefacts.KIND".
	Class Class
	// Anchor is the event that the period counts from.
	Anchor Anchor
	// Period is how long the data lives from then on.
	Period Period
	// Alignment is what the end of the period is rounded up to.
	Alignment Alignment
	// Basis is the law or contract behind the rule, for people: 1 to 200
	// characters, none of them a control character.
	Basis string
	// Exemption is why the rule stands against a request for erasure; "" where it
	// does not.
	Exemption Exemption
}

// Due is the first day on which the data must be gone, where event is the day of
// the anchor's event. The event's own day does not count (§ 187(1) BGB), and the
// period's last day is one on which the data may still be there (§ 188(2), (3)
// BGB). So data that is to go at the contract's end is due on the day after its
// last day.
//
// No period, exact, after Created or PurposeFulfilled means at once: the event's
// own day.
//
// None has a due day without an event: "" gives "". A rule whose alignment is
// unknown is not due before 9999-12-31, so that a mistake deletes nothing.
func (r Rule) Due(event Day) Day {
	end := event.Add(r.Period)
	if end == "" {
		return ""
	}
	switch r.Alignment {
	case Exact:
		if r.Period.IsZero() && (r.Anchor == Created || r.Anchor == PurposeFulfilled) {
			return end
		}
		return end.AddDays(1)
	case EndOfYear:
		return end.yearEnd().AddDays(1)
	case EndOfNextYear:
		return end.yearEnd().Add(Period{Years: 1}).AddDays(1)
	}
	return lastDay
}

// yearEnd is the last day of the day's year.
func (d Day) yearEnd() Day { return d[:len("2006")] + "-12-31" }
