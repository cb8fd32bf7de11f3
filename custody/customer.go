package custody

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// Customer is who a customer is, as readers see it: masked.
type Customer struct {
	Name     resource.Customer
	Values   field.Values
	Services []string // their names in the API: "SERVICE_BIKE_PROTECTION"
	Contract Contract
	Created  time.Time
	Updated  time.Time
	ETag     string
}

// Enrolment is what a customer is enrolled with.
type Enrolment struct {
	Values   field.Values
	Services []string
	// Returning enrols also a customer of whom a former contract is kept.
	Returning bool
	Request   Request
}

// Update changes some fields of a resource.
type Update struct {
	// Values are the new ones; Paths says which of them count. A path without a
	// value clears its field.
	Values field.Values
	Paths  []string
	// ETag is the state of the resource that the caller has seen, or empty.
	ETag    string
	Request Request
}

const customerResource = "customer"

// customer is the dossier's customer for readers.
func (d *Dossier) customer() Customer {
	r := d.stored.GetCustomer()
	return Customer{
		Name: d.name, Values: masked(field.Customer, r), Services: d.stored.GetServices(), Contract: d.contract(),
		Created: r.GetCreateTime().AsTime(), Updated: r.GetUpdateTime().AsTime(), ETag: r.GetRevision(),
	}
}

// answer is the customer for who has just changed something: no more than the name
// and where the contract stands, where only privacy officers read the rest.
func (d *Dossier) answer() Customer {
	c := d.customer()
	if d.stands(reading) != nil {
		c.Values, c.Services = nil, nil
	}
	return c
}

// Enrol opens a dossier for a customer who has none, under a key of its own.
func (c *Custodian) Enrol(ctx context.Context, name resource.Customer, in Enrolment) (Customer, error) {
	institute, served := c.institutes[name.Institute.ID]
	if !served {
		return Customer{}, instituteNotFound()
	}
	if err := resource.CheckID("customer_id", name.ID); err != nil {
		return Customer{}, err
	}
	if v := field.Customer.Check("", in.Values, nil, institute.rules(c.now()), "customer."); len(v) > 0 {
		return Customer{}, fault.Fields(v...)
	}
	values, err := c.hashed(ctx, field.Customer, in.Values)
	if err != nil {
		return Customer{}, err
	}
	place := c.secret.place(name)
	keyName := place.newKeyName()
	dk, err := c.keys.Create(ctx, keyName, vault.Dossier)
	if err != nil {
		return Customer{}, backend(err)
	}
	d := &Dossier{
		stored: &storagev1.Dossier{CustomerId: name.ID, SubjectId: newID(), Customer: &storagev1.Record{}, Services: in.Services},
		name:   name, institute: institute, place: place, index: c.index.Load().index, limits: c.limits, now: c.now(),
		key: seal.Key{Name: keyName, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext},
	}
	if err := c.enrol(ctx, d, values, in.Request); err != nil {
		return c.notEnrolled(ctx, d, in, values, err)
	}
	return d.answer(), nil
}

func (c *Custodian) enrol(ctx context.Context, d *Dossier, values field.Values, req Request) error {
	if secrets(field.Customer, values) {
		dk, err := c.keys.DataKey(ctx, d.key.Name, vault.Secret)
		if err != nil {
			return err
		}
		d.secret = seal.Key{Name: d.key.Name, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}
	}
	if err := d.write(field.Customer, d.stored.GetCustomer(), customerResource, values, set(field.Customer, values)); err != nil {
		return err
	}
	d.stamp(d.stored.GetCustomer(), newRevision())
	if req.ID != "" {
		d.remember(req.ID, c.secret.mac("request", req.Content), nil)
	}
	sealed, err := c.seal(d)
	if err != nil {
		return err
	}
	info, err := c.store.Put(ctx, d.place.dossier(), sealed, blobstore.IfAbsent())
	if err != nil {
		return err
	}
	c.cache.put(d.place.dossier(), sealedDossier{data: sealed, etag: info.ETag})
	audit.Of(ctx).Subject(d.stored.GetSubjectId())
	return nil
}

// notEnrolled finds out what it means that an enrolment was not written, and
// destroys its key if that sealed nothing. Who comes back is enrolled in the dossier
// that is there.
func (c *Custodian) notEnrolled(ctx context.Context, d *Dossier, in Enrolment, values field.Values, cause error) (Customer, error) {
	if !errors.Is(cause, blobstore.ErrConflict) {
		if !errors.Is(cause, blobstore.ErrUnavailable) && ctx.Err() == nil {
			c.discardKey(ctx, d) // it never came to the write
		}
		return Customer{}, backend(cause)
	}
	there, err := c.viewAt(ctx, d.name, d.place, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound, err == nil && there.stored.GetErasing():
		c.discardKey(ctx, d)
		return Customer{}, beingErased()
	case err != nil:
		c.discardKey(ctx, d)
		return Customer{}, err
	case there.key.Name == d.key.Name:
		return there.answer(), nil // written after all: only the answer was lost
	}
	c.discardKey(ctx, d)
	if in.Request.ID != "" {
		_, done, err := there.replay(in.Request.ID, c.secret.mac("request", in.Request.Content))
		if done || err != nil {
			return there.answer(), err
		}
	}
	switch {
	case there.State() != Ended:
		return Customer{}, customerExists()
	case !in.Returning:
		return Customer{}, fault.New(fault.Exists, ReasonFormerContract,
			"customer_id: what must be kept of the customer's former contract is still there; who comes back is enrolled with returning set")
	}
	return c.comeBack(ctx, d.name, in, values)
}

func customerExists() error {
	return fault.New(fault.Exists, ReasonCustomerExists, "customer_id: the customer is enrolled already")
}

// discardKey destroys a key that sealed nothing, or leaves it to a sweep that
// may. No other enrolment uses its name. If it fails, an unused key stays in
// Vault and does no harm.
func (c *Custodian) discardKey(ctx context.Context, d *Dossier) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	err := c.keys.Destroy(after, d.key.Name)
	if errors.Is(err, vault.ErrDenied) {
		err = c.leaveKey(after, d.place, d.key.Name)
	}
	c.warn(ctx, "destroying the unused key of an enrolment that failed", err)
}

// Customer reads a customer.
func (c *Custodian) Customer(ctx context.Context, name resource.Customer) (Customer, error) {
	d, err := c.view(ctx, name)
	if err != nil {
		return Customer{}, err
	}
	return d.customer(), nil
}

// UpdateCustomer changes fields of a customer.
func (c *Custodian) UpdateCustomer(ctx context.Context, name resource.Customer, in Update) (Customer, error) {
	paths, err := field.Customer.Expand("update_mask", "", in.Paths)
	if err != nil {
		return Customer{}, err
	}
	chosen := only(in.Values, paths)
	hashed, err := c.hashed(ctx, field.Customer, chosen)
	if err != nil {
		return Customer{}, err
	}
	revision := newRevision()
	d, _, err := c.change(ctx, name, in.Request, needs{secret: secrets(field.Customer, chosen)}, func(d *Dossier) ([]string, error) {
		return nil, d.updateCustomer(chosen, hashed, paths, in.ETag, revision)
	})
	if err != nil {
		return Customer{}, err
	}
	return d.answer(), nil
}

func (d *Dossier) updateCustomer(typed, hashed field.Values, paths []string, etag, revision string) error {
	r := d.stored.GetCustomer()
	if err := fresh(etag, r); err != nil {
		return err
	}
	before := open(r)
	merged := merge(before, typed, paths)
	if v := field.Customer.Check("", merged, paths, d.institute.rules(d.now), "customer."); len(v) > 0 {
		return fault.Fields(v...)
	}
	d.stamp(r, revision)
	d.rectify(revision, corrected(field.Customer, nil, before, merged, paths))
	return d.write(field.Customer, r, customerResource, hashed, paths)
}

// SetServices replaces the booked services. The artefacts of a service that
// goes are removed with it, in the same write.
func (c *Custodian) SetServices(ctx context.Context, name resource.Customer, services []string, etag string, req Request) (Customer, error) {
	revision := newRevision()
	d, _, err := c.change(ctx, name, req, needs{}, func(d *Dossier) ([]string, error) {
		return nil, d.setServices(services, etag, revision)
	})
	if err != nil {
		return Customer{}, err
	}
	return d.answer(), nil
}

func (d *Dossier) setServices(services []string, etag, revision string) error {
	r := d.stored.GetCustomer()
	if err := fresh(etag, r); err != nil {
		return err
	}
	for _, booked := range d.stored.GetServices() {
		if !slices.Contains(services, booked) && etag == "" {
			return fault.New(fault.Precondition, ReasonETagRequired,
				"etag: withdrawing a service removes its data, so the customer's etag is needed")
		}
		if !slices.Contains(services, booked) {
			if err := d.stands(removing); err != nil {
				return err
			}
		}
	}
	d.stored.Artefacts = slices.DeleteFunc(d.stored.GetArtefacts(), func(a *storagev1.Artefact) bool {
		gone := !slices.Contains(services, field.Artefact.ServiceOf(a.GetKind()))
		if gone {
			d.removed = append(d.removed, d.satellitesOf(a)...)
		}
		return gone
	})
	d.stored.Services = services
	d.stamp(r, revision)
	return nil
}

// merge gives the values after an update: the old ones, with those at paths
// replaced or cleared.
func merge(old, updated field.Values, paths []string) field.Values {
	merged := field.Values{}
	for path, text := range old {
		merged[path] = text
	}
	for _, path := range paths {
		delete(merged, path)
		if text := updated[path]; text != "" {
			merged[path] = text
		}
	}
	return merged
}

func only(values field.Values, paths []string) field.Values {
	chosen := field.Values{}
	for _, path := range paths {
		if text := values[path]; text != "" {
			chosen[path] = text
		}
	}
	return chosen
}

// set gives the paths that have values, in the order of the schema.
func set(t *field.Table, values field.Values) []string {
	var paths []string
	for _, s := range t.Specs() {
		if values[s.Path] != "" {
			paths = append(paths, s.Path)
		}
	}
	return paths
}
