package custody

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/retention"
)

// PendingGrace is how old a note must be before a sweep takes its change for
// one that broke off. It is well above what any change takes.
const PendingGrace = time.Hour

// SweepOptions say how a sweep goes about it.
type SweepOptions struct {
	// Grace is how old a note must be before it is settled; PendingGrace where
	// zero. Shorter is safe only while nothing is being changed; negative takes
	// every note.
	Grace time.Duration
	// Recorder, where given, takes an event for each erasure, and without it being
	// ready nothing is erased.
	Recorder Recorder
	// Principal is who sweeps, for the events.
	Principal string
	// DryRun counts what a sweep would do, and does nothing: it writes nothing,
	// destroys nothing and records nothing.
	DryRun bool
	// Progress, where given, hears of everything that is through. total is what
	// waited when the sweep began; more may come meanwhile.
	Progress func(done, total int)
}

// SweepReport says what a sweep did.
type SweepReport struct {
	Resumed  int // erasures that somebody else had begun
	Erased   int // dossiers all of which was due
	Shed     int // dossiers of which something went while the rest stays
	Settled  int // changes that had broken off
	Removed  int // objects that nothing referred to
	Failures int // things that could not be done now; the log names them
	// OldestDue is the day since when something is due that this sweep could not
	// do, the longest ago; empty where there is none. In a dry run it is that of
	// everything that is due.
	OldestDue retention.Day
	// Found is what a dry run found; nil of a sweep in earnest.
	Found *Found
}

// Sweep finishes erasures, erases what is due by the institutes' rules, and
// removes what changes that broke off have left. It looks only at what is due
// or left over, not at all that is stored. Any number of sweeps may work at once. What fails is counted and logged,
// and the sweep goes on; the error is for a sweep that could not look at all.
func (c *Custodian) Sweep(ctx context.Context, options SweepOptions) (SweepReport, error) {
	if options.Grace == 0 {
		options.Grace = PendingGrace
	}
	if options.Recorder == nil {
		options.Recorder = offRecord{}
	}
	s := sweep{c: c, options: options}
	if options.DryRun {
		s.report.Found = &Found{Classes: map[string]int{}}
	}
	if err := c.Consistent(ctx); err != nil {
		return s.report, err
	}
	if err := s.measure(ctx); err != nil {
		return s.report, err
	}
	for _, id := range slices.Sorted(maps.Keys(c.institutes)) {
		for _, step := range []func(context.Context, string) error{s.resume, s.requests, s.due, s.settle, s.discard} {
			if err := step(ctx, id); err != nil {
				return s.report, backend(err)
			}
		}
	}
	return s.report, ctx.Err()
}

type sweep struct {
	c       *Custodian
	options SweepOptions
	report  SweepReport

	through, total int // for who watches
}

// measure counts what waits, for who watches.
func (s *sweep) measure(ctx context.Context) error {
	if s.options.Progress == nil {
		return nil
	}
	b, err := s.c.Backlog(ctx, s.options.Grace, math.MaxInt)
	s.total = b.Due + b.Erasing + b.BrokenOff
	return err
}

// step tells who watches that one more is through.
func (s *sweep) step() {
	if s.through++; s.options.Progress != nil {
		s.total = max(s.total, s.through)
		s.options.Progress(s.through, s.total)
	}
}

// resume finishes the erasures that were begun.
func (s *sweep) resume(ctx context.Context, institute string) error {
	for info, err := range s.c.store.List(ctx, intents(institute)) {
		if err != nil {
			return err
		}
		p := place{institute: institute, pseudonym: path.Base(info.Name)}
		in, err := s.c.readIntent(ctx, p)
		s.step()
		if errors.Is(err, blobstore.ErrNotFound) || err == nil && in.claimed(s.c.now(), s.c.lease) {
			continue // finished, or somebody is at it
		}
		if err == nil && !s.options.DryRun {
			err = s.recorded(ctx, p, in.Receipt, func() (Receipt, error) { return s.c.resume(ctx, p, in) })
		}
		s.count(ctx, p, &s.report.Resumed, "finishing an erasure", err)
		if errors.Is(err, errUnrecorded) {
			return err
		}
	}
	return nil
}

// elsewhere says whether somebody else took an erasure over first, or changed the
// customer.
func elsewhere(err error) bool {
	reason := fault.ReasonOf(err)
	return reason == ReasonBeingErased || reason == ReasonStaleETag
}

// young says whether an object may be of a change that is still under way.
func (s *sweep) young(info blobstore.Info) bool {
	return s.options.Grace > 0 && s.c.now().Sub(info.Modified) < s.options.Grace
}

// settle cleans up after changes that broke off.
func (s *sweep) settle(ctx context.Context, institute string) error {
	for info, err := range s.c.store.List(ctx, pendings(institute)) {
		if err != nil {
			return err
		}
		if s.young(info) {
			continue
		}
		pseudonym, _, _ := strings.Cut(path.Base(info.Name), ".")
		p := place{institute: institute, pseudonym: pseudonym}
		removed, err := s.settleNote(ctx, p, info.Name)
		s.step()
		s.report.Removed += removed
		s.count(ctx, p, &s.report.Settled, "settling a change that broke off", err)
	}
	return nil
}

func (s *sweep) settleNote(ctx context.Context, p place, note string) (removed int, err error) {
	settle := func(referred []string) (int, error) { return s.c.settle(ctx, p, note, referred, false) }
	if s.options.DryRun {
		settle = func(referred []string) (int, error) {
			left, err := s.c.leftBy(ctx, p, note, referred)
			return len(left), err
		}
	}
	d, err := s.c.viewAt(ctx, p.somebody(), p, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		err = s.ifGone(ctx, p, func() error {
			removed, err = settle(nil)
			return err
		})
		return removed, err
	case err != nil:
		return 0, err
	}
	return settle(d.satellites())
}

// ifGone does something if there is no dossier, and nothing if there is one that
// does not open: that is being erased, or damaged, and what belongs to it may
// still be needed.
func (s *sweep) ifGone(ctx context.Context, p place, do func() error) error {
	_, err := s.c.store.Stat(ctx, p.dossier())
	if errors.Is(err, blobstore.ErrNotFound) {
		return do()
	}
	return err
}

// count counts what came of something that was to be done at a place, and logs
// what went wrong.
func (s *sweep) count(ctx context.Context, p place, done *int, what string, err error) {
	switch {
	case elsewhere(err):
	case err != nil:
		s.report.Failures++
		s.c.warn(ctx, what, err, slog.String("institute", p.institute), slog.String("pseudonym", p.pseudonym))
	case done != nil:
		*done++
	}
}
