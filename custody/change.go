package custody

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// attempts is how often a change is tried against others of the same customer,
// and backoff how long it waits at most before the second attempt; the wait
// doubles.
const (
	attempts   = 12
	backoff    = 4 * time.Millisecond
	maxBackoff = 250 * time.Millisecond
)

// needs says what a change wants besides the opened dossier.
type needs struct {
	// secret asks for a data key to seal secrets with.
	secret bool
	// doing is what is done; a change that does not say writes.
	doing doing
	// anyState lets the change see a dossier that is being erased, and whatever its
	// contract and restrictions say.
	anyState bool
	// before does what the rule can't, since it does no I/O. It gets the opened
	// dossier and, like the rule, may run several times.
	before func(context.Context, *Dossier) error
}

// keepingGrowth is by how many bytes a dossier at its limit may still grow with a
// change that governs it.
const keepingGrowth = 4 << 10

// errUnchanged is what a rule gives that leaves the dossier as it is: nothing is
// written then.
var errUnchanged = errors.New("nothing to change")

// change is the one way in which a dossier changes: it opens the dossier,
// applies rule to it, seals it and writes it back on condition that nobody else
// wrote meanwhile; where somebody did, it begins again with what they wrote.
//
// rule does no I/O and may run several times. It gives the ids of what it made,
// which a repeated request gets back without running rule again. It returns the
// dossier as it was written.
func (c *Custodian) change(ctx context.Context, name resource.Customer, req Request, n needs, rule rule) (*Dossier, []string, error) {
	place, err := c.find(name)
	if err != nil {
		return nil, nil, err
	}
	return c.changeOn(ctx, place.newTrail(), name, req, n, rule)
}

// A rule looks at a dossier and changes it, and gives the ids of what it made.
type rule func(*Dossier) (results []string, err error)

// changeOn is change with a trail, on which something may lie already.
func (c *Custodian) changeOn(ctx context.Context, t *trail, name resource.Customer, req Request, n needs, rule rule) (*Dossier, []string, error) {
	d, results, err := c.tryChange(ctx, t, name, req, n, rule)
	c.clean(ctx, d, t, err)
	return d, results, err
}

func (c *Custodian) tryChange(ctx context.Context, t *trail, name resource.Customer, req Request, n needs, rule rule) (*Dossier, []string, error) {
	place := t.place
	var fingerprint []byte
	if req.ID == "" {
		// An id of our own still tells a write of ours, whose answer got lost,
		// from one of somebody else. Nobody can come back with it.
		req.ID = newID()
	} else {
		fingerprint = c.secret.mac("request", req.Content)
	}

	conflicts := 0
	for attempt := range attempts {
		if err := wait(ctx, conflicts); err != nil {
			return nil, nil, err
		}
		sealed, cached, err := c.fetch(ctx, place, attempt == 0)
		if err != nil {
			return nil, nil, err
		}
		d, err := c.open(ctx, name, place, sealed, n)
		if err == nil {
			var results []string
			var done bool
			if results, done, err = d.replay(req.ID, fingerprint); done {
				// What it is answered with is read now.
				if err = d.stands(reading); err == nil || n.doing == keeping {
					err = errUnchanged
				}
			}
			if err == nil {
				err = d.allows(ctx, max(n.doing, writing))
			}
			if err == nil && n.before != nil {
				err = n.before(ctx, d)
			}
			if err == nil {
				results, err = rule(d)
			}
			if errors.Is(err, errUnchanged) && !cached {
				return d, results, nil
			}
			if err == nil {
				d.remember(req.ID, fingerprint, results)
				d.remark(t.end)
				if n.doing == keeping {
					d.size += keepingGrowth // a full dossier is held, restricted and ended like any other
				}
				err = c.write(ctx, d, sealed.etag, t)
			}
			if err == nil {
				return d, results, nil
			}
		}
		c.cache.drop(place.dossier())
		switch {
		case errors.Is(err, blobstore.ErrConflict):
			conflicts++
		case !cached:
			// A refusal counts only on what was just fetched, as does that
			// nothing is to be done: what was made may be gone again.
			return nil, nil, backend(err)
		}
	}
	return nil, nil, contention()
}

// view opens a dossier as it is stored now and gives it to look at.
func (c *Custodian) view(ctx context.Context, name resource.Customer) (*Dossier, error) {
	place, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return c.viewAt(ctx, name, place, needs{})
}

func (c *Custodian) viewAt(ctx context.Context, name resource.Customer, p place, n needs) (*Dossier, error) {
	sealed, _, err := c.fetch(ctx, p, false)
	if err != nil {
		return nil, err
	}
	d, err := c.open(ctx, name, p, sealed, n)
	if err != nil {
		return nil, backend(err)
	}
	if !n.anyState {
		err = d.allows(ctx, n.doing)
	}
	return d, err
}

// find gives the place of a customer of an institute that is served.
func (c *Custodian) find(name resource.Customer) (place, error) {
	if _, served := c.institutes[name.Institute.ID]; !served {
		return place{}, customerNotFound()
	}
	return c.secret.place(name), nil
}

// fetch reads the sealed dossier, from the cache where that is allowed.
func (c *Custodian) fetch(ctx context.Context, p place, mayBeCached bool) (s sealedDossier, cached bool, err error) {
	if mayBeCached {
		if s, ok := c.cache.get(p.dossier()); ok {
			return s, true, nil
		}
	}
	data, info, err := c.store.Get(ctx, p.dossier())
	if errors.Is(err, blobstore.ErrNotFound) {
		return s, false, customerNotFound()
	}
	if err != nil {
		return s, false, backend(err)
	}
	s = sealedDossier{data: data, etag: info.ETag}
	c.cache.put(p.dossier(), s)
	return s, false, nil
}

// open unwraps the dossier's data key, and where needed makes one for secrets
// at the same time, and opens the dossier.
func (c *Custodian) open(ctx context.Context, name resource.Customer, p place, sealed sealedDossier, n needs) (*Dossier, error) {
	header, err := seal.ParseHeader(sealed.data)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(header.KeyName, p.keyPrefix()) {
		return nil, seal.ErrCorrupt // another customer's dossier under this name
	}
	d := &Dossier{
		stored: &storagev1.Dossier{}, name: name, institute: c.institutes[p.institute], place: p,
		limits: c.limits, now: c.now(),
		key: seal.Key{Name: header.KeyName, Wrapped: header.Wrapped},
	}
	if err := c.unwrap(ctx, d, n); err != nil {
		return nil, err
	}
	plain, err := seal.Open(d.key.Plaintext, p.binding(), sealed.data)
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(plain, d.stored); err != nil || !d.whole() {
		return nil, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored dossier can't be read")
	}
	if d.stored.GetForm() > dossierForm {
		return nil, fault.New(fault.Unavailable, ReasonUnavailable, "the dossier was written by a newer release; update this process")
	}
	d.size = len(plain)
	if d.index, err = c.indexFor(ctx, d); err != nil {
		return nil, err
	}
	audit.Of(ctx).Subject(d.stored.GetSubjectId())
	if d.stored.GetErasing() && !n.anyState {
		return nil, beingErased()
	}
	return d, nil
}

func (c *Custodian) unwrap(ctx context.Context, d *Dossier, n needs) error {
	group, gctx := errgroup.WithContext(ctx)
	if n.secret {
		group.Go(func() error {
			dk, err := c.keys.DataKey(gctx, d.key.Name, vault.Secret)
			d.secret = seal.Key{Name: d.key.Name, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}
			return err
		})
	}
	if !n.anyState {
		group.Go(func() error { return c.guard(gctx, d.place, d.key.Name) })
	}
	plain, err := c.keys.Unwrap(ctx, d.key.Name, vault.Dossier, d.key.Wrapped)
	d.key.Plaintext = plain
	if other := group.Wait(); err == nil {
		err = other
	}
	if errors.Is(err, vault.ErrNotFound) {
		return customerNotFound() // the key is destroyed: what is left is rubbish
	}
	return err
}

// dossierForm is the newest form of a stored dossier that this program knows. It grows
// with a field of which a program must know so that nothing gets lost or stays.
const dossierForm = 1

// binding binds a dossier to its place.
func (p place) binding() seal.Binding {
	return seal.Binding{
		Institute: p.institute, Pseudonym: p.pseudonym, Object: p.dossier(), Compartment: string(vault.Dossier),
	}
}

// write seals the dossier and stores it in the place of the one with the etag,
// once the objects beside it that it refers to are there.
func (c *Custodian) write(ctx context.Context, d *Dossier, etag string, t *trail) error {
	sealed, err := c.seal(d)
	if err != nil {
		return err
	}
	if err := c.prepare(ctx, d, t); err != nil {
		return err
	}
	info, err := c.store.Put(ctx, d.place.dossier(), sealed, blobstore.IfMatch(etag))
	if err != nil {
		t.unsure = t.unsure || !errors.Is(err, blobstore.ErrConflict)
		return err
	}
	c.cache.put(d.place.dossier(), sealedDossier{data: sealed, etag: info.ETag})
	return nil
}

// seal seals the dossier, unless it has grown over the limit. What shrinks, or
// is going to be erased, may be over it: somebody may have lowered the limit. So
// may the record of an export.
func (c *Custodian) seal(d *Dossier) ([]byte, error) {
	d.stored.Form = dossierForm
	plain, err := proto.Marshal(d.stored)
	if err != nil {
		return nil, err
	}
	if len(plain) > max(c.limits.DossierBytes, d.size) && !d.stored.GetErasing() && !d.owed {
		return nil, fault.New(fault.Exhausted, ReasonTooLarge, "the customer's dossier would be larger than %d bytes", c.limits.DossierBytes)
	}
	return seal.Seal(d.key, d.place.binding(), plain)
}

// wait lets others finish after so many conflicts with them.
func wait(ctx context.Context, conflicts int) error {
	if conflicts == 0 {
		return ctx.Err()
	}
	most := min(backoff<<(conflicts-1), maxBackoff)
	timer := time.NewTimer(rand.N(most) + most/4)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// warn logs what went wrong after the answer was decided, so that only a sweep
// has to care. Of what it is about it may name the place, never the customer.
func (c *Custodian) warn(ctx context.Context, what string, err error, about ...slog.Attr) {
	if err != nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, what,
			append(about, slog.String("reason", fault.ReasonOf(err)), slog.Any("cause", fault.Cause(err)))...)
	}
}
