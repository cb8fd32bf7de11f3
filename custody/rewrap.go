package custody

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// rewrap wraps all data keys of a customer anew that are not under the newest
// version of the key, and marks the dossier as rotated. It says how many.
func (r *rotation) rewrap(ctx context.Context, p place) (n int, err error) {
	inDossier := 0
	d, _, err := r.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{
		doing: keeping,
		before: func(ctx context.Context, d *Dossier) (err error) {
			inDossier, err = r.c.rewrapDossier(ctx, d)
			return err
		},
	}, func(d *Dossier) ([]string, error) {
		mark := r.job.ID
		if r.options.RewrapOnly {
			mark = d.stored.GetRotation()
		}
		if inDossier == 0 && d.stored.GetRotation() == mark {
			return nil, errUnchanged
		}
		d.stored.Rotation = mark
		d.size += inDossier*versionGrowth + markGrowth // also a dossier at the limit is rotated
		return nil, nil
	})
	if err != nil {
		return 0, err
	}
	n = inDossier
	for _, a := range d.allArtefacts() {
		for _, s := range a.GetScans() {
			done, err := r.c.rewrapScan(ctx, d, s.GetId())
			if err != nil {
				return n, err
			}
			if done {
				n++
			}
		}
	}
	return n, nil
}

// How many bytes a dossier may grow by being rotated: for each data key by a
// version's number, and by the mark and the request that it remembers.
const (
	versionGrowth = 64
	markGrowth    = 512
)

// rewrapDossier wraps the data key of the opened dossier anew and those of its
// compartments, which it does not open. What is under the newest version stays
// as it is.
func (c *Custodian) rewrapDossier(ctx context.Context, d *Dossier) (n int, err error) {
	own, err := c.keys.Rewrap(ctx, d.key.Name, vault.Dossier, d.key.Wrapped)
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(own, d.key.Wrapped) {
		d.key.Wrapped = own
		n++
	}
	var wrapped [][]byte
	at := map[string]int{} // several compartments may have the same data key
	compartments := d.compartments()
	for _, comp := range compartments {
		h, err := seal.ParseHeader(comp.GetSealed())
		if err != nil || h.KeyName != d.key.Name {
			return 0, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored secret does not authenticate")
		}
		if _, known := at[string(h.Wrapped)]; !known {
			at[string(h.Wrapped)] = len(wrapped)
			wrapped = append(wrapped, h.Wrapped)
		}
	}
	again, err := c.keys.RewrapAll(ctx, d.key.Name, vault.Secret, wrapped)
	if err != nil {
		return 0, err
	}
	for i := range wrapped {
		if !bytes.Equal(wrapped[i], again[i]) {
			n++
		}
	}
	for _, comp := range compartments {
		h, err := seal.ParseHeader(comp.GetSealed())
		if err == nil {
			comp.Sealed, err = seal.Rewrapped(comp.GetSealed(), again[at[string(h.Wrapped)]])
		}
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// compartments are those of one contract.
func (t term) compartments() []*storagev1.Compartment {
	all := slices.Clone(t.customer.GetCompartments())
	for _, a := range *t.artefacts {
		all = append(all, a.GetRecord().GetCompartments()...)
	}
	return all
}

// compartments are all of the dossier's.
func (d *Dossier) compartments() []*storagev1.Compartment {
	var all []*storagev1.Compartment
	for _, t := range d.terms() {
		all = append(all, t.compartments()...)
	}
	return all
}

// rewrapScan wraps a scan's data key anew: the object is copied with another
// header, on condition that it is still the same one, so that a scan that is
// deleted meanwhile stays deleted. One that is gone is no failure unless the
// dossier still refers to it.
func (c *Custodian) rewrapScan(ctx context.Context, d *Dossier, id string) (done bool, err error) {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return false, err
		}
		done, err = c.tryRewrapScan(ctx, d, d.place.scan(id))
		if !errors.Is(err, blobstore.ErrConflict) {
			break
		}
	}
	if !errors.Is(err, blobstore.ErrNotFound) {
		return done, err
	}
	now, viewErr := c.viewAt(ctx, d.name, d.place, needs{doing: keeping})
	if viewErr != nil {
		return false, viewErr
	}
	if slices.Contains(now.satellites(), d.place.scan(id)) {
		return false, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "the scan's content is missing")
	}
	return false, nil
}

func (c *Custodian) tryRewrapScan(ctx context.Context, d *Dossier, object string) (done bool, err error) {
	sealed, info, err := c.store.Open(ctx, object)
	if err != nil {
		return false, err
	}
	defer sealed.Close()
	header, err := seal.ReadHeader(sealed)
	if err != nil {
		return false, err
	}
	if header.KeyName != d.key.Name {
		return false, seal.ErrCorrupt
	}
	again, err := c.keys.Rewrap(ctx, d.key.Name, vault.Scan, header.Wrapped)
	if err != nil || bytes.Equal(again, header.Wrapped) {
		return false, err
	}
	copied, size, err := seal.RewrappedStream(header, again, sealed, info.Size)
	if err != nil {
		return false, err
	}
	_, err = c.store.PutStream(ctx, object, copied, size, blobstore.IfMatch(info.ETag))
	return err == nil, err
}
