package custody

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// Beside a dossier lie satellites: scans, pointers from identifiers, the mark
// of the next day on which something of it is due. They are written before the dossier
// that refers to them and removed after the one that no longer does, so a crash
// leaves at most satellites without a dossier, never the other way round. No two
// changes ever write the same name, so that one which tidies up late takes
// nothing away from another.
//
// Before either, a pending note lists their names. It goes when the change is
// through; a note that stays marks a change that broke off, and the sweep
// removes those of its satellites that the dossier does not refer to. So what
// is left over is found without looking through everything that is stored.

// atOnce is how many satellites of one change are written or removed at once.
const atOnce = 8

// cleanup is how long tidying up may go on after the caller is answered or gone.
const cleanup = 10 * time.Second

// A trail is what a change leaves beside the dossier, over all its attempts.
type trail struct {
	place  place    // whose it is
	note   string   // the object that lists names
	end    string   // the random end of the name of the mark that the change makes, if it does
	names  []string // the satellites that the note lists: to be made or removed
	made   []string // those that may be there
	sure   []string // those that certainly are, as long as the enrolment is the same
	key    string   // of the enrolment that the last attempt was about
	unsure bool     // an attempt may have been written although it failed
}

func (p place) newTrail() *trail { return &trail{place: p, note: p.pending(newID()), end: random(10)} }

// prepare makes the satellites that the dossier needs to be written, after it
// has listed them, and those that will go, in the note.
func (c *Custodian) prepare(ctx context.Context, d *Dossier, t *trail) error {
	if more := subtract(slices.Concat(d.made, d.removed), t.names); len(more) > 0 {
		if err := c.takeNote(ctx, t, more...); err != nil {
			return err
		}
	}
	if t.key != d.key.Name {
		// Who erased the customer since the last attempt has removed what it made.
		t.sure, t.key = nil, d.key.Name
	}
	missing := subtract(d.made, t.sure)
	t.made = append(t.made, subtract(missing, t.made)...)
	err := c.each(ctx, missing, func(ctx context.Context, name string) error {
		_, err := c.store.Put(ctx, name, nil, blobstore.Condition{})
		return err
	})
	if err == nil {
		t.sure = append(t.sure, missing...)
	}
	return err
}

// takeNote adds names to the note.
func (c *Custodian) takeNote(ctx context.Context, t *trail, more ...string) error {
	names := slices.Concat(t.names, more)
	_, err := c.store.Put(ctx, t.note, []byte(strings.Join(names, "\n")), blobstore.Condition{})
	if err == nil {
		t.names = names
	}
	if err != nil && ctx.Err() != nil && !t.unsure {
		c.tidy(ctx, t.note, t.made) // the caller is gone, and the note may have been written
	}
	return err
}

// clean removes what a change has left beside the dossier as it then is. Where
// it can't be told whether the change was written, or the store is away, the
// note stays for the sweep.
func (c *Custodian) clean(ctx context.Context, d *Dossier, t *trail, err error) {
	switch {
	case len(t.names) == 0:
	case err == nil:
		c.tidy(ctx, t.note, subtract(t.names, d.satellites()))
	case refused(err) && !t.unsure:
		c.tidy(ctx, t.note, t.made)
	}
}

// refused says whether a change failed by a rule or against other changes, and
// not because a back end did.
func refused(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Precondition, fault.Exhausted, fault.Aborted:
		return true
	default:
		return false
	}
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
// The note itself stays where keep is set.
func (c *Custodian) settle(ctx context.Context, p place, note string, referred []string, keep bool) (removed int, err error) {
	names, err := c.leftBy(ctx, p, note, referred)
	if err != nil {
		return 0, err
	}
	if err := c.each(ctx, names, c.store.Delete); err != nil || keep {
		return 0, err
	}
	return len(names), c.store.Delete(ctx, note)
}

// leftBy are the satellites of the customer that a note lists and the dossier does
// not refer to; none where the note is gone.
func (c *Custodian) leftBy(ctx context.Context, p place, note string, referred []string) ([]string, error) {
	content, _, err := c.store.Get(ctx, note)
	if errors.Is(err, blobstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := subtract(strings.Split(string(content), "\n"), referred)
	return slices.DeleteFunc(names, func(name string) bool { return !p.satellite(name) }), nil
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
	seen := make(map[string]bool, len(b))
	for _, name := range b {
		seen[name] = true
	}
	var out []string
	for _, name := range a {
		if !seen[name] {
			seen[name] = true
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
		return strings.Contains(name, "/"+p.pseudonym+".")
	case strings.HasPrefix(name, "index/"):
		return strings.Contains(name, "/"+p.institute+"."+p.pseudonym+".")
	default:
		return false
	}
}
