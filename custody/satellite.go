package custody

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/blobstore"
)

// Beside a dossier lie satellites: scans, pointers from identifiers, the mark
// of the day on which the contract ends. They are written before the dossier
// that refers to them and removed after the one that no longer does, so a crash
// leaves at most satellites without a dossier, never the other way round.
//
// Before either, a pending note lists their names. It goes when the change is
// through; a note that stays marks a change that broke off, and the sweep
// removes those of its satellites that the dossier does not refer to. So what
// is left over is found without looking through everything that is stored.

// atOnce is how many satellites of one change are written or removed at once.
const atOnce = 8

// cleanup is how long tidying up may go on after the caller is answered or gone.
const cleanup = 10 * time.Second

// withSatellites runs write, which stores the dossier, between making the
// satellites that the change needs and removing those that it leaves behind.
func (c *Custodian) withSatellites(ctx context.Context, d *Dossier, write func() error) error {
	made, removed := subtract(d.made, d.removed), subtract(d.removed, d.made)
	if len(made)+len(removed) == 0 {
		return write()
	}
	note, err := c.note(ctx, d.place, d.change, slices.Concat(made, removed))
	if err != nil {
		return err
	}
	err = c.each(ctx, made, func(ctx context.Context, name string) error {
		_, err := c.store.Put(ctx, name, nil, blobstore.Condition{})
		return err
	})
	if err == nil {
		err = write()
	}
	switch {
	case err == nil:
		c.tidy(ctx, note, removed)
	case errors.Is(err, blobstore.ErrConflict) && len(made) == 0:
		c.tidy(ctx, note, nil)
	}
	// Otherwise the note stays: for the next attempt of the same change, which
	// writes it again, or for the sweep.
	return err
}

// note writes down the names of satellites before they are touched.
func (c *Custodian) note(ctx context.Context, p place, change string, names []string) (string, error) {
	note := p.pending(change)
	_, err := c.store.Put(ctx, note, []byte(strings.Join(names, "\n")), blobstore.Condition{})
	return note, err
}

// tidy removes satellites and then the note that listed them, also when the
// caller is gone. What fails is left to the sweep.
func (c *Custodian) tidy(ctx context.Context, note string, names []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	err := c.each(ctx, names, c.store.Delete)
	if err == nil {
		err = c.store.Delete(ctx, note)
	}
	c.warn(ctx, "tidying up after a change; the sweep will finish it", err)
}

// settle finishes what a note tells of: it removes the satellites that the
// customer's dossier does not refer to, all of them where there is no dossier.
// It touches nothing but satellites of this customer, whatever the note says.
func (c *Custodian) settle(ctx context.Context, p place, note string, referred []string) (removed int, err error) {
	content, _, err := c.store.Get(ctx, note)
	if errors.Is(err, blobstore.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var names []string
	for _, line := range bytes.Split(content, []byte("\n")) {
		if name := string(line); p.satellite(name) && !slices.Contains(referred, name) {
			names = append(names, name)
		}
	}
	if err := c.each(ctx, names, c.store.Delete); err != nil {
		return 0, err
	}
	return len(names), c.store.Delete(ctx, note)
}

// each does something with every name, some at once, and gives the first error.
func (c *Custodian) each(ctx context.Context, names []string, do func(context.Context, string) error) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, name := range names {
		group.Go(func() error { return do(gctx, name) })
	}
	return group.Wait()
}

// subtract gives the names in a that are not in b, each once.
func subtract(a, b []string) []string {
	var out []string
	for _, name := range a {
		if !slices.Contains(b, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// satellite says whether an object is a satellite of the customer, by its name.
func (p place) satellite(name string) bool {
	switch {
	case strings.HasPrefix(name, p.scans()):
		return true
	case strings.HasPrefix(name, dueDays(p.institute)):
		return strings.HasSuffix(name, "/"+p.pseudonym)
	case strings.HasPrefix(name, "index/"):
		return strings.Contains(name, "/"+p.institute+"."+p.pseudonym+".")
	default:
		return false
	}
}
