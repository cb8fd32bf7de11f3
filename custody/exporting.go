package custody

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// ExportDraft says what an export is to hold.
type ExportDraft struct {
	// Purpose is that of the disclosure, by its name in the API: "PURPOSE_ACCESS" or
	// "PURPOSE_PORTABILITY".
	Purpose string
	// Secrets has secrets given out in clear, of a contract that runs. Those that are
	// kept as hashes never are.
	Secrets bool
	// Accesses gives who looked at the data, by the customer's id in the audit log.
	// since is when those begin that may be told; zero where they all may.
	Accesses func(ctx context.Context, subject string, since time.Time) (export.Accesses, error)
	Request  Request
}

// Export writes an archive of all that is held of a customer to w, for the customer
// (Art. 15 and 20 GDPR), and gives how many scans are in it. What is masked
// elsewhere stands in full, but for secrets. The disclosure is recorded, and
// everything at hand except the scans, before the first byte is written; after an
// error what was written is no archive. It holds no scan in memory.
//
// A request that is repeated gives an archive as of now, and is recorded once.
func (c *Custodian) Export(ctx context.Context, name resource.Customer, in ExportDraft, w io.Writer) (scans int, err error) {
	d, err := c.view(ctx, name)
	if err != nil {
		return 0, err
	}
	accesses, err := in.Accesses(ctx, d.stored.GetSubjectId(), d.seenSince(ctx))
	if err != nil {
		return 0, err
	}
	if d, err = c.view(ctx, name); err != nil { // the log may have taken its time
		return 0, err
	}
	if in.Secrets {
		if err := d.stands(writing); err != nil {
			return 0, err // as for a reveal: not even for what restricted data is read for
		}
	}
	e := exporting{c: c, ctx: ctx, d: d, secrets: in.Secrets, given: map[string]bool{}}
	record, err := e.record(in)
	if err != nil {
		return 0, err
	}
	id := newID()
	after, _, err := c.change(ctx, name, in.Request, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		if err := d.allows(ctx, reading); err != nil {
			return nil, err
		}
		if d.enrolment() != e.d.enrolment() {
			return nil, contention() // what was read became a former contract meanwhile
		}
		d.exported(id, in.Purpose, in.Secrets, restrictedFor(ctx) != "")
		return nil, nil
	})
	if err != nil {
		return 0, err
	}
	record.Accesses, record.Recipients = accesses, after.recipients(ctx)
	audit.Of(ctx).Revealed(slices.Sorted(maps.Keys(e.given)))
	err = export.Write(w, record, d.institute.Location)
	if errors.Is(err, export.ErrDiffers) {
		err = fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored scan is not what the dossier says of it")
	}
	return e.scans, err
}

// exporting gathers what an export holds.
type exporting struct {
	c       *Custodian
	ctx     context.Context
	d       *Dossier
	secrets bool

	given map[string]bool // the paths of values that others see masked
	scans int
}

func (e *exporting) record(in ExportDraft) (export.Record, error) {
	d, all := e.d, e.d.retention()
	out := export.Record{
		Created: d.now, Purpose: strings.ToLower(strings.TrimPrefix(in.Purpose, "PURPOSE_")), Secrets: export.Withheld,
		Institute: d.name.Institute.ID, EraseDate: string(all.Erase),
		Purposes: export.Purposes(d.seenServices(e.ctx)), Sources: export.Sources(),
		Artefacts: []export.Artefact{}, Categories: []string{}, Retention: []export.Holding{}, Restrictions: []export.Restriction{}, Holds: []export.Hold{},
	}
	if e.secrets {
		out.Secrets = export.Included
	}
	var err error
	if out.Customer, err = e.customer(d.present(), d.contract()); err != nil {
		return out, err
	}
	if out.Artefacts, err = e.artefacts(d.present()); err != nil {
		return out, err
	}
	if out.FormerContracts, err = e.formerContracts(); err != nil {
		return out, err
	}
	for _, h := range all.Holdings {
		out.Categories = append(out.Categories, className(h))
		out.Retention = append(out.Retention, export.Holding{
			Class: string(h.Class), Kind: h.Kind, Count: h.Count, DueDate: string(h.Due), FormerContract: string(h.Former), Anchor: string(h.Rule.Anchor),
			Period: h.Rule.Period.String(), Alignment: string(h.Rule.Alignment), Basis: h.Rule.Basis,
		})
	}
	slices.Sort(out.Categories)
	out.Categories = slices.Compact(out.Categories)
	since := d.seenSince(e.ctx)
	for _, r := range all.Restrictions {
		if !r.Lifted.IsZero() && r.Created.Before(since) {
			continue // of former contracts alone
		}
		out.Restrictions = append(out.Restrictions, export.Restriction{Ground: r.Ground, Created: r.Created, Told: r.Told, Lifted: r.Lifted})
	}
	for _, h := range all.Holds {
		if h.over(d.today()) && h.Created.Before(since) {
			continue
		}
		out.Holds = append(out.Holds, export.Hold{Kind: h.Kind, Created: h.Created, UntilDate: string(h.Until), Released: h.Released})
	}
	return out, nil
}

// customer is who the customer is, or was, in a contract.
func (e *exporting) customer(t term, c Contract) (export.Customer, error) {
	states := map[State]string{Active: "active", Terminating: "terminating", Ended: "ended"}
	data, masked, err := e.values(t, field.Customer, customerResource, t.customer)
	return export.Customer{
		Name: e.d.name.String(), Services: append([]string{}, t.services...), Data: data, Masked: masked,
		Created: t.customer.GetCreateTime().AsTime(), Updated: t.customer.GetUpdateTime().AsTime(),
		Contract: export.Contract{State: states[c.State], EffectiveDate: c.EffectiveDate, Reason: c.Reason},
	}, err
}

// formerContracts are what is kept of former contracts. It is restricted, whatever
// the present one's state, so who reads it has a purpose, and has it on record.
func (e *exporting) formerContracts() (all []export.FormerContract, err error) {
	withheld := len(e.d.seen(e.ctx)) == 1
	for _, t := range e.d.terms() {
		if !t.former {
			continue
		}
		out := export.FormerContract{EffectiveDate: t.termination.GetEffectiveDate(), Withheld: withheld, Artefacts: []export.Artefact{}}
		if !out.Withheld {
			who, err := e.customer(t, Contract{State: Ended, EffectiveDate: out.EffectiveDate, Reason: t.termination.GetReason()})
			if err != nil {
				return nil, err
			}
			out.Customer = &who
			if out.Artefacts, err = e.artefacts(t); err != nil {
				return nil, err
			}
		}
		all = append(all, out)
	}
	return all, nil
}

func (e *exporting) artefacts(t term) ([]export.Artefact, error) {
	all := []export.Artefact{}
	for _, a := range *t.artefacts {
		one, err := e.artefact(t, a)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (e *exporting) artefact(t term, a *storagev1.Artefact) (export.Artefact, error) {
	read := e.d.asRead(a)
	data, masked, err := e.values(t, field.Artefact, artefactResource(a.GetId()), a.GetRecord())
	out := export.Artefact{
		ID: a.GetId(), Kind: a.GetKind(), Service: field.Artefact.ServiceOf(a.GetKind()), Created: read.Created, Updated: read.Updated,
		Data: data, Masked: masked, Scans: []export.Scan{},
	}
	for _, s := range read.Scans {
		e.scans++
		out.Scans = append(out.Scans, export.Scan{
			ID: s.Name.ID, FileName: s.FileName, MediaType: s.MediaType, Size: s.Size, SHA256: s.SHA256, Created: s.Created,
			Open: func() (io.ReadCloser, error) { return e.c.openContent(e.ctx, e.d, s.Name) },
		})
	}
	return out, err
}

// values are what the customer is given of a record, and the paths of what stays
// masked: secrets of a former contract do in any case.
func (e *exporting) values(under term, t *field.Table, of string, r *storagev1.Record) (export.Data, []string, error) {
	values, masked := open(r), []string{}
	secret := field.Values{}
	if e.secrets && !under.former {
		var err error
		if secret, err = e.c.reveal(e.ctx, e.d, of, r, revealable(t, set(t, values), e.d.institute.rules(e.d.now))); err != nil {
			return nil, nil, err
		}
	}
	for _, path := range set(t, values) {
		s := t.Spec(path)
		switch {
		case !s.Masked():
		case !s.Secret:
			e.given[path] = true
		case secret[path] != "":
			values[path], e.given[path] = secret[path], true
		default:
			masked = append(masked, path)
		}
	}
	return export.Nest(t, values), masked, nil
}

// recipients are who got what.
func (d *Dossier) recipients(ctx context.Context) []export.Recipient {
	out := []export.Recipient{}
	for _, s := range disclosures(d.seen(ctx)) {
		one := d.asDisclosure(s)
		out = append(out, export.Recipient{
			ID: one.ID, Time: one.Created, Recipient: one.Recipient, Purpose: one.Purpose,
			Artefacts: append([]string{}, s.GetArtefacts()...), Classes: append([]string{}, s.GetClasses()...), Told: one.Told,
		})
	}
	return out
}

// seenServices are those that are booked, and that were where former contracts are
// seen, each once.
func (d *Dossier) seenServices(ctx context.Context) []string {
	var all []string
	for _, t := range d.seen(ctx) {
		for _, service := range t.services {
			if !slices.Contains(all, service) {
				all = append(all, service)
			}
		}
	}
	return all
}
