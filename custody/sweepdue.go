package custody

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/retention"
)

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
		if err := ctx.Err(); err != nil {
			return err
		}
		pseudonym, _, _ := strings.Cut(path.Base(info.Name), ".")
		p := place{institute: institute, pseudonym: pseudonym}
		err := s.dueOf(ctx, p, info)
		s.step()
		if err != nil && !elsewhere(err) || s.options.DryRun {
			s.report.OldestDue = earlier(s.report.OldestDue, retention.Day(date))
		}
		if err != nil {
			s.count(ctx, p, nil, "erasing what is due", err)
			if errors.Is(err, errUnrecorded) {
				return err
			}
		}
	}
	return nil
}

// earlier is the earlier one of two days, of which either may be none.
func earlier(a, b retention.Day) retention.Day {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// dueOf does what is due of one dossier.
func (s *sweep) dueOf(ctx context.Context, p place, mark blobstore.Info) error {
	d, err := s.c.viewAt(ctx, p.somebody(), p, needs{anyState: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		if s.options.DryRun {
			return nil
		}
		return s.ifGone(ctx, p, func() error { return s.c.store.Delete(ctx, mark.Name) })
	case err != nil:
		return err
	case !slices.Contains(d.marks(), mark.Name):
		if s.young(mark) {
			return nil // perhaps the dossier that it stands for is just being written
		}
		s.report.Removed++
		if s.options.DryRun {
			return nil
		}
		return s.c.store.Delete(ctx, mark.Name)
	case s.options.DryRun:
		s.foundDue(d)
		return nil
	case !d.over():
		return s.shedAlone(ctx, p, d, mark)
	}
	return s.alone(ctx, mark, func() error { return s.erase(ctx, p, d) })
}

// erase erases a dossier that is over. Only that is erased: whatever changes it
// stamps the customer, and then the next sweep looks again.
func (s *sweep) erase(ctx context.Context, p place, d *Dossier) error {
	err := s.recorded(ctx, p, p.receiptID(d.key.Name), func() (Receipt, error) {
		return s.c.eraseNow(ctx, p, d.key.Name, &intent{
			Policy: PolicyRetention, Basis: d.basis(), Reason: d.stored.GetTermination().GetReason(), Revision: d.stored.GetCustomer().GetRevision(),
		})
	})
	if err != nil {
		return err
	}
	s.report.Erased++
	return errMarkGone
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
