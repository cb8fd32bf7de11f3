package custody

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
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
}

// SweepReport says what a sweep did.
type SweepReport struct {
	Resumed  int // erasures that somebody else had begun
	Erased   int // dossiers all of which was due
	Shed     int // dossiers of which something went while the rest stays
	Settled  int // changes that had broken off
	Removed  int // objects that nothing referred to
	Failures int // things that could not be done now; the log names them
}

// Sweep finishes erasures, erases what is due by the institutes' rules, and
// removes what changes that broke off have left. It looks only at what is due
// or left over, not at all that is stored. What fails is counted and logged,
// and the sweep goes on; the error is for a sweep that could not look at all.
func (c *Custodian) Sweep(ctx context.Context, options SweepOptions) (SweepReport, error) {
	if options.Grace == 0 {
		options.Grace = PendingGrace
	}
	if options.Recorder == nil {
		options.Recorder = offRecord{}
	}
	s := sweep{c: c, options: options}
	if err := c.Consistent(ctx); err != nil {
		return s.report, err
	}
	for id := range c.institutes {
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
}

// resume finishes the erasures that were begun.
func (s *sweep) resume(ctx context.Context, institute string) error {
	for info, err := range s.c.store.List(ctx, intents(institute)) {
		if err != nil {
			return err
		}
		p := place{institute: institute, pseudonym: path.Base(info.Name)}
		in, err := s.c.readIntent(ctx, p)
		if errors.Is(err, blobstore.ErrNotFound) || err == nil && in.claimed(s.c.now(), s.c.lease) {
			continue // finished, or somebody is at it
		}
		if err == nil {
			err = s.recorded(ctx, p, in.Receipt, func() (Receipt, error) { return s.c.resume(ctx, p, in) })
		}
		s.count(ctx, p, &s.report.Resumed, "finishing an erasure", err)
		if errors.Is(err, errUnrecorded) {
			return err
		}
	}
	return nil
}

// due does what is due by today, the longest overdue first.
func (s *sweep) due(ctx context.Context, institute string) error {
	today := s.c.now().In(s.c.institutes[institute].Location).Format(time.DateOnly)
	for info, err := range s.c.store.List(ctx, dueDays(institute)) {
		if err != nil {
			return err
		}
		date := path.Base(path.Dir(info.Name))
		if date > today {
			return nil // the names are in the order of the days
		}
		pseudonym, _, _ := strings.Cut(path.Base(info.Name), ".")
		p := place{institute: institute, pseudonym: pseudonym}
		if err := s.dueOf(ctx, p, info); err != nil {
			s.count(ctx, p, nil, "erasing what is due", err)
			if errors.Is(err, errUnrecorded) {
				return err
			}
		}
	}
	return nil
}

// dueOf does what is due of one dossier.
func (s *sweep) dueOf(ctx context.Context, p place, mark blobstore.Info) error {
	d, err := s.c.viewAt(ctx, p.somebody(), p, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return s.ifGone(ctx, p, func() error { return s.c.store.Delete(ctx, mark.Name) })
	case err != nil:
		return err
	case !slices.Contains(d.marks(), mark.Name):
		if s.young(mark) {
			return nil // perhaps the dossier that it stands for is just being written
		}
		s.report.Removed++
		return s.c.store.Delete(ctx, mark.Name)
	case !d.over():
		return s.shed(ctx, p)
	}
	// Only what is over is erased: whatever changes that stamps the customer, and
	// then the next sweep looks again.
	err = s.recorded(ctx, p, p.receiptID(d.key.Name), func() (Receipt, error) {
		return s.c.eraseNow(ctx, p, d.key.Name, &intent{
			Policy: PolicyRetention, Basis: d.basis(), Reason: d.stored.GetTermination().GetReason(), Revision: d.stored.GetCustomer().GetRevision(),
		})
	})
	if err == nil {
		s.report.Erased++
	}
	return err
}

// recorded erases, and has it on record that it did: what nobody could record is
// not begun. A sweep that dies between the two leaves the signed receipt. receipt
// is the one that is expected, for the record of an erasure that fails.
func (s *sweep) recorded(ctx context.Context, p place, receipt string, erase func() (Receipt, error)) error {
	if err := s.options.Recorder.Ready(ctx, audit.Locked); err != nil {
		return unrecorded(err)
	}
	out, err := erase()
	if elsewhere(err) {
		return err // nothing was done here
	}
	return s.record(ctx, audit.Event{Action: sweepAction, Institute: p.institute, Receipt: cmp.Or(out.Name.ID, receipt)}, err)
}

// record puts on record what the sweep did and how that ended, and gives the
// error that it ended with.
func (s *sweep) record(ctx context.Context, e audit.Event, done error) error {
	e.ID, e.Principal, e.Code, e.Reason = newID(), s.options.Principal, codeOf(done), fault.ReasonOf(done)
	// It is done, even if the sweep is told to stop meanwhile.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if failed := s.options.Recorder.Record(after, e, audit.Locked); failed != nil {
		return unrecorded(errors.Join(failed, done))
	}
	return done
}

// offRecord is for sweeps that nobody keeps a record of.
type offRecord struct{}

// Ready always is.
func (offRecord) Ready(context.Context, audit.Durability) error { return nil }

// Record forgets the event.
func (offRecord) Record(context.Context, audit.Event, audit.Durability) error { return nil }

// sweepAction is what the log calls an erasure by a sweep.
const sweepAction = "sweep/Erase"

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
		s.report.Removed += removed
		s.count(ctx, p, &s.report.Settled, "settling a change that broke off", err)
	}
	return nil
}

func (s *sweep) settleNote(ctx context.Context, p place, note string) (removed int, err error) {
	d, err := s.c.viewAt(ctx, p.somebody(), p, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		err = s.ifGone(ctx, p, func() error {
			removed, err = s.c.settle(ctx, p, note, nil, false)
			return err
		})
		return removed, err
	case err != nil:
		return 0, err
	}
	return s.c.settle(ctx, p, note, d.satellites(), false)
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
