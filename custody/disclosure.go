package custody

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Who got something of a customer's data is kept with it: the customer may ask
// (Art. 15(1)(c) GDPR), and who got what was wrong is told when it is put right
// (Art. 19). A change opens a notice for each recipient of what it changes; the
// notice is owed until an officer records that the recipient was told. Of a
// recipient there is one owed notice at most, which grows with further changes.

// Disclosure is something of the customer's data that was passed on, or a notice.
type Disclosure struct {
	ID        string
	Created   time.Time // when it was passed on, or the notice fell due
	Recipient string    // empty for the customer
	Purpose   string    // by its name in the API: "PURPOSE_CLAIM"
	Artefacts []resource.Artefact
	Classes   []string  // such as "customer" or "artefacts.sim_card"
	Told      time.Time // of a notice: when the recipient was told; zero while that is owed
}

// Owed says whether it is a notice that its recipient has not had.
func (d Disclosure) Owed() bool { return d.Purpose == purposeNotice && d.Told.IsZero() }

// owedTo is the notice that the recipient has not had; nil where there is none.
func (t term) owedTo(recipient string) *storagev1.Disclosure {
	for _, s := range *t.disclosures {
		said := Disclosure{Purpose: s.GetPurpose(), Told: instant(s.GetToldTime())}
		if s.GetRecipient() == recipient && said.Owed() {
			return s
		}
	}
	return nil
}

// DisclosureDraft is what an officer records by hand.
type DisclosureDraft struct {
	Recipient string
	Purpose   string   // by its name in the API
	Artefacts []string // by their names
	Classes   []string
	At        time.Time // when it was passed on; now where zero
}

// Purposes that have rules of their own, by their names in the API.
const (
	purposeAccess      = "PURPOSE_ACCESS"
	purposePortability = "PURPOSE_PORTABILITY"
	purposeNotice      = "PURPOSE_RECTIFICATION_NOTICE"
)

// How many disclosures a dossier has at most: those that are recorded by hand, and
// the customer's own exports, of which the oldest gives way, since nothing may
// stand against a right. The audit log has every export.
const (
	mostDisclosures = 1000
	mostExports     = 100
)

func (d *Dossier) asDisclosure(s *storagev1.Disclosure) Disclosure {
	out := Disclosure{
		ID: s.GetId(), Created: s.GetCreateTime().AsTime(), Recipient: s.GetRecipient(), Purpose: s.GetPurpose(),
		Classes: s.GetClasses(), Told: instant(s.GetToldTime()),
	}
	for _, id := range s.GetArtefacts() {
		out.Artefacts = append(out.Artefacts, resource.Artefact{Customer: d.name, ID: id})
	}
	return out
}

// disclosures are those of some contracts, in their order.
func disclosures(of []term) []*storagev1.Disclosure {
	var all []*storagev1.Disclosure
	for _, t := range of {
		all = append(all, *t.disclosures...)
	}
	return all
}

// others are who got something of the customer's data, under whatever contract, and is
// to be told when it is restricted or erased (Art. 19 GDPR); each once, by name.
func (d *Dossier) others() []string {
	var all []string
	for _, s := range disclosures(d.terms()) {
		if s.GetRecipient() != "" {
			all = append(all, s.GetRecipient())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Disclosures lists what was passed on, in the order of recording. It says whether
// there is more.
func (c *Custodian) Disclosures(ctx context.Context, name resource.Customer, page Page) (list []Disclosure, more bool, err error) {
	d, err := c.view(ctx, name)
	if err != nil {
		return nil, false, err
	}
	stored := disclosures(d.seen(ctx))
	if page.After != "" {
		at := slices.IndexFunc(stored, func(s *storagev1.Disclosure) bool { return s.GetId() == page.After })
		if at < 0 {
			return nil, false, fault.Field("page_token", "page-token.stale", "leads nowhere any more; begin again without it")
		}
		stored = stored[at+1:]
	}
	more = len(stored) > page.Size
	for _, s := range stored[:min(page.Size, len(stored))] {
		list = append(list, d.asDisclosure(s))
	}
	return list, more, nil
}

// Disclose records what was passed on. It can be said in every state of the
// contract: what is restricted is passed on too, for a purpose of Art. 18(2) GDPR.
func (c *Custodian) Disclose(ctx context.Context, name resource.Customer, in DisclosureDraft, req Request) (Disclosure, error) {
	in.Recipient = format.Tidy(in.Recipient)
	ids, broken := in.check(name)
	if len(broken) > 0 {
		return Disclosure{}, fault.Fields(broken...)
	}
	id := newID()
	d, made, err := c.change(ctx, name, req, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		id, err := d.disclose(id, in, ids)
		return []string{id}, err
	})
	if err != nil {
		return Disclosure{}, err
	}
	audit.Of(ctx).Subject(d.stored.GetSubjectId())
	for _, s := range disclosures(d.terms()) {
		if s.GetId() == made[0] {
			return d.asDisclosure(s), nil
		}
	}
	return Disclosure{}, fault.New(fault.NotFound, ReasonDisclosureNotFound, "what was recorded has gone by its retention rule")
}

// check gives the ids of the artefacts, and the rules that the draft breaks.
func (in DisclosureDraft) check(name resource.Customer) (ids []string, broken []fault.Violation) {
	add := func(field, rule, description string) {
		broken = append(broken, fault.Violation{Field: field, Rule: rule, Description: description})
	}
	if in.Recipient == "" {
		add("recipient", "required", "must not be empty")
	} else if p := format.Text.Check(in.Recipient); p != nil {
		add("recipient", p.Rule, p.Description)
	}
	if in.Purpose == purposeAccess || in.Purpose == purposePortability {
		add("purpose", "purpose.export", "is recorded by exports alone")
	}
	if in.Purpose != purposeNotice && len(in.Artefacts)+len(in.Classes) == 0 {
		add("classes", "required", "must say what was passed on, unless artefacts does")
	}
	if in.Purpose == purposeNotice && len(in.Artefacts)+len(in.Classes) > 0 {
		add("classes", "notice.whole", "must be empty, as must artefacts: a notice is of all that is owed")
	}
	for i, text := range in.Artefacts {
		field := fmt.Sprintf("artefacts[%d]", i)
		artefact, err := resource.ParseArtefact(field, text)
		switch {
		case err != nil:
			add(field, "name.form", "must be the name of an artefact")
		case artefact.Customer != name:
			add(field, "artefact.parent", "must be the customer's")
		}
		ids = append(ids, artefact.ID)
	}
	for i, class := range in.Classes {
		if !slices.Contains(disclosable(), class) {
			add(fmt.Sprintf("classes[%d]", i), "class.unknown", "must be customer, secrets, artefacts, artefacts.{kind} or identity-copies")
		}
	}
	return ids, broken
}

// disclosable are the classes of data that can be passed on.
func disclosable() []string {
	all := []string{string(retention.Customer), string(retention.Secrets), string(retention.Artefacts), string(retention.IdentityCopies)}
	for _, kind := range kinds() {
		all = append(all, string(retention.Artefacts)+"."+kind)
	}
	return all
}

// disclose records what was passed on, or that what was owed is told, and gives
// the id of what it recorded.
func (d *Dossier) disclose(id string, in DisclosureDraft, artefacts []string) (string, error) {
	at, said := in.At, !in.At.IsZero()
	if !said {
		at = d.now
	}
	switch {
	case at.After(d.now):
		return "", fault.Field("disclose_time", "time.future", "must not be in the future")
	case said && at.Before(d.since()):
		return "", fault.Field("disclose_time", "time.before", "must not be before the customer was enrolled")
	}
	if in.Purpose == purposeNotice {
		return d.told(in.Recipient, at, said)
	}
	t, err := d.termOf(artefacts, at, said)
	if err != nil {
		return "", err
	}
	byHand := 0
	for _, s := range *t.disclosures {
		if s.GetRecipient() != "" {
			byHand++
		}
	}
	if byHand >= mostDisclosures {
		return "", fault.New(fault.Exhausted, ReasonTooMany, "a customer has at most %d disclosures", mostDisclosures)
	}
	*t.disclosures = append(*t.disclosures, &storagev1.Disclosure{
		Id: id, CreateTime: timestamppb.New(at.UTC()), Recipient: in.Recipient, Purpose: in.Purpose, Artefacts: artefacts, Classes: in.Classes,
	})
	return id, nil
}

// termOf is the contract whose data was passed on: that of the artefacts, and where
// none are named the one of that time.
func (d *Dossier) termOf(artefacts []string, at time.Time, said bool) (term, error) {
	terms := d.terms()
	of := len(terms) - 1
	if said && len(artefacts) == 0 {
		for of > 0 && at.Before(terms[of].began()) {
			of--
		}
	}
	for i, id := range artefacts {
		field := fmt.Sprintf("artefacts[%d]", i)
		in := slices.IndexFunc(terms, func(t term) bool {
			return slices.ContainsFunc(*t.artefacts, func(a *storagev1.Artefact) bool { return a.GetId() == id })
		})
		switch {
		case in < 0:
			return term{}, fault.Field(field, "artefact.unknown", "must be registered; name the class of what is gone")
		case i > 0 && in != of:
			return term{}, fault.Field(field, "artefact.contract", "must be of the same contract as the others; record those of another one apart")
		}
		of = in
	}
	return terms[of], nil
}

// told notes that a recipient was told all that is owed, under whatever contract, and
// gives the id of the first notice.
func (d *Dossier) told(recipient string, at time.Time, said bool) (string, error) {
	var owed []*storagev1.Disclosure
	for _, t := range d.terms() {
		if notice := t.owedTo(recipient); notice != nil {
			owed = append(owed, notice)
		}
	}
	if len(owed) == 0 {
		return "", fault.New(fault.Precondition, ReasonNothingOwed, "nothing is owed to this recipient; ListDisclosures says to whom it is")
	}
	for _, notice := range owed {
		if said && at.Before(notice.GetCreateTime().AsTime()) {
			return "", fault.Field("disclose_time", "time.before", "must not be before the rectification")
		}
	}
	for _, notice := range owed {
		notice.ToldTime = timestamppb.New(at.UTC())
	}
	return owed[0].GetId(), nil
}

// exported records that the customer was given what is held: secrets of the present
// contract and what is kept of former ones only where that was so.
func (d *Dossier) exported(id, purpose string, secretsToo, formerToo bool) {
	var own []*storagev1.Disclosure
	for _, s := range d.stored.GetDisclosures() {
		if s.GetRecipient() == "" {
			own = append(own, s)
		}
	}
	if len(own) >= mostExports {
		oldest := own[0]
		d.stored.Disclosures = slices.DeleteFunc(d.stored.GetDisclosures(), func(s *storagev1.Disclosure) bool { return s == oldest })
	}
	var classes []string
	for _, h := range d.holdings() {
		given := h.Former == "" || formerToo && h.Class != retention.Secrets
		if given && h.Class != retention.Disclosures && (h.Class != retention.Secrets || secretsToo) {
			classes = append(classes, className(h))
		}
	}
	slices.Sort(classes)
	d.stored.Disclosures = append(d.stored.GetDisclosures(), &storagev1.Disclosure{
		Id: id, CreateTime: timestamppb.New(d.now.UTC()), Purpose: purpose, Classes: slices.Compact(classes),
	})
	d.owed = true
}
