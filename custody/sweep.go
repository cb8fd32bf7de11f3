package custody

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
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
	Erased   int // dossiers whose contract had ended
	Settled  int // changes that had broken off
	Removed  int // objects that nothing referred to
	Failures int // things that could not be done now; the log names them
}

// Sweep finishes erasures, erases dossiers whose contract has ended, and
// removes what changes that broke off have left. It looks only at what is due
// or left over, not at all that is stored. What fails is counted and logged,
// and the sweep goes on; the error is for a sweep that could not look at all.
func (c *Custodian) Sweep(ctx context.Context, options SweepOptions) (SweepReport, error) {
	if options.Grace == 0 {
		options.Grace = PendingGrace
	}
	s := sweep{c: c, options: options}
	for id := range c.institutes {
		for _, step := range []func(context.Context, string) error{s.resume, s.erase, s.settle, s.discard} {
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

// erase erases the dossiers whose contract ended by today.
func (s *sweep) erase(ctx context.Context, institute string) error {
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
		if err := s.eraseDue(ctx, p, info); err != nil {
			s.count(ctx, p, nil, "erasing a dossier whose contract has ended", err)
			if errors.Is(err, errUnrecorded) {
				return err
			}
		}
	}
	return nil
}

func (s *sweep) eraseDue(ctx context.Context, p place, mark blobstore.Info) error {
	d, err := s.c.viewAt(ctx, resource.Customer{Institute: resource.Institute{ID: p.institute}}, p, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return s.ifGone(ctx, p, func() error { return s.c.store.Delete(ctx, mark.Name) })
	case err != nil:
		return err
	case d.State() != Ended:
		if t := d.stored.GetTermination(); t != nil && p.mark(t) == mark.Name {
			return nil // its day has come by the calendar and comes by the clock
		}
		if s.young(mark) {
			return nil // perhaps the dossier that it stands for is just being written
		}
		s.report.Removed++
		return s.c.store.Delete(ctx, mark.Name)
	}
	// Only what has ended is erased: if the customer changes meanwhile, which
	// takes a server whose clock is behind, the next sweep looks again.
	err = s.recorded(ctx, p, p.receiptID(d.key.Name), func() (Receipt, error) {
		return s.c.eraseNow(ctx, p, d.key.Name, &intent{
			Policy: PolicyContractEnd, Reason: d.stored.GetTermination().GetReason(), Revision: d.stored.GetCustomer().GetRevision(),
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
	recorder := s.options.Recorder
	if recorder == nil {
		_, err := erase()
		return err
	}
	if err := recorder.Ready(ctx, audit.Locked); err != nil {
		return unrecorded(err)
	}
	out, err := erase()
	if elsewhere(err) {
		return err // nothing was done here
	}
	// It is done, even if the sweep is told to stop meanwhile.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	event := audit.Event{
		ID: newID(), Action: sweepAction, Principal: s.options.Principal, Institute: p.institute,
		Receipt: cmp.Or(out.Name.ID, receipt), Code: codeOf(err), Reason: fault.ReasonOf(err),
	}
	if failed := recorder.Record(after, event, audit.Locked); failed != nil {
		return unrecorded(errors.Join(failed, err))
	}
	return err
}

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
	d, err := s.c.viewAt(ctx, resource.Customer{}, p, needs{anyState: true})
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
