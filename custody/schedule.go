package custody

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// A dossier holds data of several classes, each of which goes by its own rule
// (package retention). Of the days on which something goes, the next one has a
// mark in the store, so that a sweep finds the dossier that day without looking
// at any other. Every change works that day out anew, whatever it was about.

// Holding is data of one class that goes on one day.
type Holding struct {
	Class retention.Class
	Kind  string // of the artefacts that it is of, where it is of some
	Count int
	Due   retention.Day // the first day without it; empty while that is not fixed
	Rule  retention.Rule
	// Former is the first day without the former contract that it is of; empty where
	// it is of the present one.
	Former retention.Day
}

// Retention says what of a customer's data goes when, and what stands against it.
type Retention struct {
	Name         resource.Customer
	Contract     Contract
	Restrictions []Restriction
	Holds        []Hold
	Holdings     []Holding
	Next         retention.Day // the next day on which something goes; empty while none is fixed
	Erase        retention.Day // the day on which nothing is left; empty likewise
	// Recipients are who is to be told of a restriction, of [Custodian.Restrict] alone.
	Recipients []string
	// Request is the request for erasure that waits for another officer, of
	// [Custodian.ExplainRetention] alone.
	Request *ErasureRequest
}

// ExplainRetention says what goes when, by which rule. A day, where given, is
// taken for the first one without contract; nothing is changed.
func (c *Custodian) ExplainRetention(ctx context.Context, name resource.Customer, effective string) (Retention, error) {
	if effective != "" {
		if broken := checkDay("effective_date", effective); len(broken) > 0 {
			return Retention{}, fault.Fields(broken...)
		}
	}
	p, err := c.find(name)
	if err != nil {
		return Retention{}, err
	}
	d, err := c.viewAt(ctx, name, p, needs{doing: keeping})
	if err != nil {
		return Retention{}, err
	}
	if effective != "" {
		if err := d.terminate(effective, d.stored.GetTermination().GetReason(), ""); err != nil {
			return Retention{}, err
		}
	}
	out := d.retention()
	out.Request, err = c.pendingRequest(ctx, d)
	return out, err
}

func (d *Dossier) retention() Retention {
	out := Retention{Name: d.name, Contract: d.contract(), Holdings: d.holdings(), Next: d.next(), Erase: d.eraseDay()}
	for _, r := range d.stored.GetRestrictions() {
		out.Restrictions = append(out.Restrictions, Restriction{
			Ground: r.GetGround(), Created: r.GetCreateTime().AsTime(), Told: instant(r.GetCustomerToldTime()), Lifted: instant(r.GetLiftTime()),
		})
	}
	for _, h := range d.stored.GetHolds() {
		out.Holds = append(out.Holds, asHold(h))
	}
	return out
}

// today is the day in the institute's time zone.
func (d *Dossier) today() retention.Day { return retention.DayOf(d.now, d.institute.Location) }

// holdings are what the dossier holds, by contract, class, kind and day, in the
// order of the contracts and of the classes. Who the customer is comes last, and goes
// last.
func (d *Dossier) holdings() []Holding {
	var all []Holding
	for _, t := range d.terms() {
		all = append(all, d.holdingsOf(t)...)
	}
	return lastGoes(all)
}

// holdingsOf are what is held of one contract. Who the customer was then goes last
// of it.
func (d *Dossier) holdingsOf(t term) []Holding {
	var all []Holding
	add := func(h Holding) {
		for i := range all {
			if all[i].Class == h.Class && all[i].Kind == h.Kind && all[i].Due == h.Due {
				all[i].Count += h.Count
				return
			}
		}
		all = append(all, h)
	}
	if n := len(t.compartments()); n > 0 {
		add(d.holding(t, retention.Secrets, "", n))
	}
	for _, a := range *t.artefacts {
		add(d.holdingOf(t, a))
	}
	for _, s := range *t.disclosures {
		if s.GetRecipient() != "" { // what the customer was given goes with the customer
			add(d.holdingOfDisclosure(t, s))
		}
	}
	return lastGoes(append(all, d.holding(t, retention.Customer, "", 1)))
}

// lastGoes has the last one, who the customer is, stay for as long as the others do.
func lastGoes(all []Holding) []Holding {
	who := &all[len(all)-1]
	for _, h := range all {
		if h.Due == "" || who.Due == "" {
			who.Due = ""
			break
		}
		who.Due = max(who.Due, h.Due)
	}
	return all
}

// holding is data of a class that goes some time after the contract's end.
func (d *Dossier) holding(t term, class retention.Class, kind string, count int) Holding {
	h := Holding{Class: class, Kind: kind, Count: count, Rule: d.institute.Retention.Of(class, kind)}
	if last := t.last(); last != "" {
		h.Due = h.Rule.Due(last)
	}
	if t.former {
		h.Former = retention.Day(t.termination.GetEffectiveDate())
	}
	return h
}

// holdingOf is an artefact as data of its class. A document that was taken only to
// identify somebody goes when that is done, and at the contract's end at the
// latest: no such purpose outlives it.
func (d *Dossier) holdingOf(t term, a *storagev1.Artefact) Holding {
	if open(a.GetRecord())[pathIdentificationOnly] != "true" {
		return d.holding(t, retention.Artefacts, a.GetKind(), 1)
	}
	h := d.holding(t, retention.IdentityCopies, "", 1)
	h.Kind, h.Due = a.GetKind(), ""
	event := retention.Day(open(a.GetRecord())[pathPurposeFulfilled])
	if h.Rule.Anchor == retention.Created {
		event = retention.DayOf(a.GetRecord().GetCreateTime().AsTime(), d.institute.Location)
	}
	if event != "" {
		h.Due = h.Rule.Due(event)
	}
	if last := t.last(); last != "" {
		if latest := last.AddDays(1); h.Due == "" || latest < h.Due {
			h.Due = latest
		}
	}
	return h
}

// holdingOfDisclosure is the record of a disclosure as data of its class.
func (d *Dossier) holdingOfDisclosure(t term, s *storagev1.Disclosure) Holding {
	h := d.holding(t, retention.Disclosures, "", 1)
	if h.Rule.Anchor == retention.Created {
		h.Due = h.Rule.Due(retention.DayOf(s.GetCreateTime().AsTime(), d.institute.Location))
	}
	return h
}

// Fields of a document that say what it was taken for.
const (
	pathIdentificationOnly = "document.identification_only"
	pathPurposeFulfilled   = "document.purpose_fulfilled_date"
)

// stopped says whether something keeps all of the dossier's data where it is,
// and until when at the latest; the day is empty where that is open.
func (d *Dossier) stopped() (stopped bool, until retention.Day) {
	if d.restriction() != nil {
		return true, ""
	}
	return d.held()
}

// next is the next day on which something of the dossier must go, or is to be
// done after something went; it may lie in the past. It is empty while no such
// day is fixed.
func (d *Dossier) next() retention.Day {
	var next retention.Day
	for _, h := range d.holdings() {
		if h.Due != "" && (next == "" || h.Due < next) {
			next = h.Due
		}
	}
	stopped, until := d.stopped()
	switch {
	case stopped && until == "":
		next = ""
	case stopped && next != "":
		next = max(next, until)
	}
	if shed := retention.Day(d.stored.GetShedDate()); shed != "" && (next == "" || shed < next) {
		next = shed
	}
	return next
}

// eraseDay is the day on which nothing of the dossier is left; empty while that is not
// fixed.
func (d *Dossier) eraseDay() retention.Day {
	all := d.holdings()
	last := all[len(all)-1].Due // who the customer is goes last
	stopped, until := d.stopped()
	switch {
	case stopped && until == "":
		return ""
	case last != "":
		return max(last, until)
	}
	return last
}

// basis is the legal basis of the rule by which the last of the dossier goes.
func (d *Dossier) basis() string {
	all := d.holdings()
	last := all[len(all)-1]
	if last.Rule.Due(d.present().last()) == last.Due {
		return last.Rule.Basis
	}
	for _, h := range all { // who the customer is stayed for something else
		if h.Class != retention.Customer && h.Due == last.Due {
			return h.Rule.Basis
		}
	}
	return last.Rule.Basis
}

// over says whether all of the dossier is due.
func (d *Dossier) over() bool {
	end := d.eraseDay()
	return end != "" && end <= d.today()
}

// remark gives the day that is next its mark. end is the random end of its name.
func (d *Dossier) remark(end string) {
	if t := d.stored.GetTermination(); t.GetMark() != "" {
		d.removed = append(d.removed, d.place.due(t.GetEffectiveDate(), t.GetMark()))
		t.Mark = ""
	}
	day, old := d.next(), d.stored.GetDue()
	if d.marked() {
		return
	}
	if old != nil {
		d.removed = append(d.removed, d.place.mark(old))
	}
	d.stored.Due = nil
	if day != "" {
		d.stored.Due = &storagev1.Due{Date: string(day), Mark: end}
		d.made = append(d.made, d.place.mark(d.stored.Due))
	}
}

// marked says whether the day that is next has its mark.
func (d *Dossier) marked() bool {
	return d.stored.GetDue().GetDate() == string(d.next()) && d.stored.GetTermination().GetMark() == ""
}

// mark names the mark of a day.
func (p place) mark(due *storagev1.Due) string { return p.due(due.GetDate(), due.GetMark()) }

// marks are the marks that the dossier refers to.
func (d *Dossier) marks() []string {
	var names []string
	if due := d.stored.GetDue(); due != nil {
		names = append(names, d.place.mark(due))
	}
	if t := d.stored.GetTermination(); t.GetMark() != "" {
		names = append(names, d.place.due(t.GetEffectiveDate(), t.GetMark()))
	}
	return names
}

// instant is a stored time; zero where there is none.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
