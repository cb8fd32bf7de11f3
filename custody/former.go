package custody

import (
	"context"
	"slices"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// A customer may come back while a rule still keeps something of a contract that has
// ended. The new contract begins in the same dossier, under the same key, and what is
// kept of the former one is set aside in it: nothing changes it any more, only
// privacy officers get to see it, in an export for a purpose of Art. 18(2) GDPR, and
// each class of it goes on the day on which it would have gone anyway.

// term is one contract with what is kept of it: the present one, or a former one.
type term struct {
	former      bool // another contract came after it
	customer    *storagev1.Record
	services    []string
	termination *storagev1.Termination
	artefacts   *[]*storagev1.Artefact
	disclosures *[]*storagev1.Disclosure
}

// terms are the customer's contracts in their order, the present one last.
func (d *Dossier) terms() []term {
	var all []term
	for _, f := range d.stored.GetFormerContracts() {
		all = append(all, term{true, f.GetCustomer(), f.GetServices(), f.GetTermination(), &f.Artefacts, &f.Disclosures})
	}
	return append(all, d.present())
}

// present is the contract that no other one came after.
func (d *Dossier) present() term {
	s := d.stored
	return term{false, s.GetCustomer(), s.GetServices(), s.GetTermination(), &s.Artefacts, &s.Disclosures}
}

// seen are the contracts that may be looked at: the present one, and for a purpose of
// Art. 18(2) GDPR, which then is on record, the former ones too.
func (d *Dossier) seen(ctx context.Context) []term {
	purpose := restrictedFor(ctx)
	if purpose == "" || len(d.stored.GetFormerContracts()) == 0 {
		return []term{d.present()}
	}
	audit.Of(ctx).Purpose(purpose)
	return d.terms()
}

// seenSince is when the first contract began that may be looked at; zero where that is
// from the beginning.
func (d *Dossier) seenSince(ctx context.Context) time.Time {
	if first := d.seen(ctx)[0]; !first.former && len(d.stored.GetFormerContracts()) > 0 {
		return first.began()
	}
	return time.Time{}
}

// began is when the customer was enrolled under the contract.
func (t term) began() time.Time { return t.customer.GetCreateTime().AsTime() }

// last is its last day; empty while its end is not fixed.
func (t term) last() retention.Day {
	if t.termination == nil {
		return ""
	}
	return retention.Day(t.termination.GetEffectiveDate()).AddDays(-1)
}

// allArtefacts are what is kept of the present contract and of former ones.
func (d *Dossier) allArtefacts() []*storagev1.Artefact {
	var all []*storagev1.Artefact
	for _, t := range d.terms() {
		all = append(all, *t.artefacts...)
	}
	return all
}

// since is when the first of the contracts began of which something is kept.
func (d *Dossier) since() time.Time { return d.terms()[0].began() }

// comeBack enrols a customer anew whose former contract has ended, and of whom
// something is still kept.
func (c *Custodian) comeBack(ctx context.Context, name resource.Customer, in Enrolment, values field.Values) (Customer, error) {
	revision := newRevision()
	n := needs{doing: keeping, secret: secrets(field.Customer, values)}
	d, _, err := c.change(ctx, name, in.Request, n, func(d *Dossier) ([]string, error) {
		return nil, d.comeBack(in.Services, values, revision)
	})
	if fault.KindOf(err) == fault.NotFound {
		return Customer{}, beingErased() // by a sweep, a moment ago: then the customer is a new one
	}
	if err != nil {
		return Customer{}, err
	}
	return d.answer(), nil
}

func (d *Dossier) comeBack(services []string, values field.Values, revision string) error {
	if d.State() != Ended {
		return customerExists()
	}
	if err := d.unrestricted(); err != nil {
		return err
	}
	if len(d.stored.GetFormerContracts()) >= mostFormer {
		return fault.New(fault.Exhausted, ReasonTooMany, "at most %d former contracts of a customer are kept", mostFormer)
	}
	ended := d.stored.GetTermination()
	if ended.GetMark() != "" {
		d.removed = append(d.removed, d.place.due(ended.GetEffectiveDate(), ended.GetMark()))
		ended.Mark = ""
	}
	d.stored.FormerContracts = append(d.stored.GetFormerContracts(), &storagev1.FormerContract{
		Customer: d.stored.GetCustomer(), Services: d.stored.GetServices(), Termination: ended,
		Artefacts: d.stored.GetArtefacts(), Disclosures: d.stored.GetDisclosures(),
	})
	d.stored.Customer, d.stored.Services = &storagev1.Record{}, slices.Clone(services)
	d.stored.Termination, d.stored.Artefacts, d.stored.Disclosures = nil, nil, nil
	d.stamp(d.stored.GetCustomer(), revision)
	return d.write(field.Customer, d.stored.GetCustomer(), customerResource, values, set(field.Customer, values))
}

// mostFormer is how many former contracts a dossier keeps at most: who comes and goes
// more often within the years that a rule keeps something is no customer.
const mostFormer = 20
