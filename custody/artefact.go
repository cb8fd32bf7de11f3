package custody

import (
	"context"
	"slices"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Artefact is something that a customer registered, as readers see it: masked,
// unless it was revealed.
type Artefact struct {
	Name    resource.Artefact
	Kind    string // the member of the API's oneof: "sim_card"
	Values  field.Values
	Scans   []Scan
	Created time.Time
	Updated time.Time
	ETag    string
}

// Draft is something to be registered.
type Draft struct {
	// Field is where it stands in the request: "artefact".
	Field  string
	Kind   string
	Values field.Values
}

// Page is a part of a list.
type Page struct {
	// Size is how many to give at most.
	Size int
	// After is the id of the last artefact of the page before; empty at first.
	After string
}

func artefactResource(id string) string { return "artefacts/" + id }

// asRead is a stored artefact for readers.
func (d *Dossier) asRead(a *storagev1.Artefact) Artefact {
	r := a.GetRecord()
	out := Artefact{
		Name: resource.Artefact{Customer: d.name, ID: a.GetId()}, Kind: a.GetKind(),
		Values:  masked(field.Artefact, r),
		Created: r.GetCreateTime().AsTime(), Updated: r.GetUpdateTime().AsTime(), ETag: r.GetRevision(),
	}
	for _, s := range a.GetScans() {
		out.Scans = append(out.Scans, asScan(out.Name, s))
	}
	return out
}

// Register registers artefacts of a customer: all of them or none.
func (c *Custodian) Register(ctx context.Context, name resource.Customer, drafts []Draft, req Request) ([]Artefact, error) {
	var broken []fault.Violation
	need := needs{}
	ids, revisions := make([]string, len(drafts)), make([]string, len(drafts))
	for i, draft := range drafts {
		ids[i], revisions[i] = newID(), newRevision()
		need.secret = need.secret || secrets(field.Artefact, draft.Values)
		broken = append(broken, draft.check(c.institutes[name.Institute.ID].rules(c.now()))...)
	}
	if len(broken) > 0 {
		return nil, fault.Fields(broken...)
	}
	d, ids, err := c.change(ctx, name, req, need, func(d *Dossier) ([]string, error) {
		for i, draft := range drafts {
			if err := d.register(ids[i], revisions[i], draft); err != nil {
				return nil, err
			}
		}
		return ids, nil
	})
	if err != nil {
		return nil, err
	}
	registered := make([]Artefact, 0, len(ids))
	for _, id := range ids {
		a, err := d.artefact(id)
		if err != nil {
			return nil, err
		}
		registered = append(registered, d.asRead(a))
	}
	if len(ids) == 1 {
		audit.Of(ctx).Artefact(ids[0])
	}
	return registered, nil
}

func (in Draft) check(rules field.Rules) []fault.Violation {
	if field.Artefact.ServiceOf(in.Kind) == "" {
		return []fault.Violation{{Field: in.Field + ".kind", Rule: "required", Description: "must be one of the kinds of artefact"}}
	}
	return field.Artefact.Check(in.Kind, in.Values, nil, rules, in.Field+".")
}

func (d *Dossier) register(id, revision string, in Draft) error {
	if !slices.Contains(d.stored.GetServices(), field.Artefact.ServiceOf(in.Kind)) {
		return fault.New(fault.Precondition, ReasonServiceNotBooked, "%s: the customer has not booked the service for it", in.Field)
	}
	if len(d.stored.GetArtefacts()) >= d.limits.Artefacts {
		return fault.New(fault.Exhausted, ReasonTooMany, "a customer has at most %d artefacts", d.limits.Artefacts)
	}
	a := &storagev1.Artefact{Id: id, Kind: in.Kind, Record: &storagev1.Record{}, Pointers: revision, IndexVersion: d.index.writing}
	d.stamp(a.Record, revision)
	if err := d.write(field.Artefact, a.Record, artefactResource(id), in.Values, set(field.Artefact, in.Values)); err != nil {
		return err
	}
	d.stored.Artefacts = append(d.stored.Artefacts, a)
	d.made = append(d.made, d.pointersOf(a)...)
	return nil
}

// Artefact reads an artefact.
func (c *Custodian) Artefact(ctx context.Context, name resource.Artefact) (Artefact, error) {
	d, err := c.view(ctx, name.Customer)
	if err != nil {
		return Artefact{}, err
	}
	a, err := d.artefact(name.ID)
	if err != nil {
		return Artefact{}, err
	}
	audit.Of(ctx).Artefact(a.GetId())
	return d.asRead(a), nil
}

// Artefacts lists a customer's artefacts in the order of their registration. It
// says whether there are more.
func (c *Custodian) Artefacts(ctx context.Context, name resource.Customer, page Page) (list []Artefact, more bool, err error) {
	d, err := c.view(ctx, name)
	if err != nil {
		return nil, false, err
	}
	stored := d.stored.GetArtefacts()
	if page.After != "" {
		at := slices.IndexFunc(stored, func(a *storagev1.Artefact) bool { return a.GetId() == page.After })
		if at < 0 {
			return nil, false, fault.Field("page_token", "page-token.stale", "leads nowhere any more; begin again without it")
		}
		stored = stored[at+1:]
	}
	more = len(stored) > page.Size
	for _, a := range stored[:min(page.Size, len(stored))] {
		list = append(list, d.asRead(a))
	}
	return list, more, nil
}

// UpdateArtefact changes fields of an artefact. kind is what the caller takes it
// for, or empty.
func (c *Custodian) UpdateArtefact(ctx context.Context, name resource.Artefact, kind string, in Update) (Artefact, error) {
	revision := newRevision()
	need := needs{secret: secrets(field.Artefact, in.Values)}
	d, _, err := c.change(ctx, name.Customer, in.Request, need, func(d *Dossier) ([]string, error) {
		return nil, d.updateArtefact(name.ID, kind, in, revision)
	})
	if err != nil {
		return Artefact{}, err
	}
	a, err := d.artefact(name.ID)
	if err != nil {
		return Artefact{}, err
	}
	audit.Of(ctx).Artefact(a.GetId())
	return d.asRead(a), nil
}

func (d *Dossier) updateArtefact(id, kind string, in Update, revision string) error {
	a, err := d.artefact(id)
	if err != nil {
		return err
	}
	if err := fresh(in.ETag, a.GetRecord()); err != nil {
		return err
	}
	if kind != "" && kind != a.GetKind() {
		return fault.Field("artefact.kind", "kind.fixed", "an artefact keeps its kind; register another one")
	}
	paths, err := field.Artefact.Expand("update_mask", a.GetKind(), in.Paths)
	if err != nil {
		return err
	}
	old := open(a.GetRecord())
	merged := merge(old, in.Values, paths)
	if v := field.Artefact.Check(a.GetKind(), merged, paths, d.institute.rules(d.now), "artefact."); len(v) > 0 {
		return fault.Fields(v...)
	}
	before, found := d.pointersOf(a), identified(a)
	d.stamp(a.GetRecord(), revision)
	d.rectify(revision, corrected(field.Artefact, a, old, merged, paths))
	if err := d.write(field.Artefact, a.GetRecord(), artefactResource(id), in.Values, paths); err != nil {
		return err
	}
	_, known := d.index.key(a.GetIndexVersion())
	if !slices.Equal(before, d.pointersOf(a)) || !known && (found || identified(a)) {
		a.Pointers, a.IndexVersion = revision, d.index.writing
		d.made = append(d.made, d.pointersOf(a)...)
		d.removed = append(d.removed, before...)
	}
	return nil
}

// DeleteArtefact removes an artefact with its secrets and scans.
func (c *Custodian) DeleteArtefact(ctx context.Context, name resource.Artefact, etag string, req Request) error {
	_, _, err := c.change(ctx, name.Customer, req, needs{doing: removing}, func(d *Dossier) ([]string, error) {
		return nil, d.deleteArtefact(name.ID, etag)
	})
	if err == nil {
		audit.Of(ctx).Artefact(name.ID)
	}
	return err
}

func (d *Dossier) deleteArtefact(id, etag string) error {
	a, err := d.artefact(id)
	if err != nil {
		return err
	}
	if err := fresh(etag, a.GetRecord()); err != nil {
		return err
	}
	d.removed = append(d.removed, d.satellitesOf(a)...)
	d.stored.Artefacts = slices.DeleteFunc(d.stored.GetArtefacts(), func(o *storagev1.Artefact) bool { return o == a })
	return nil
}
