package custody

import (
	"context"
	"errors"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// rotated is what came of one customer.
type rotated struct{ rotated, rewrapped, retired, deferred int }

// one rotates the key of a customer, unless this rotation did so before, and
// wraps everything anew under the newest version.
//
// The order is what makes it safe to break off: the new version first, then its
// event, then the dossier with the mark that it was rotated. Whoever breaks off
// before the mark leaves a customer who is rotated once more, and never one who
// was rotated off the record.
func (r *rotation) one(ctx context.Context, p place) (out rotated, err error) {
	d, err := r.c.viewAt(ctx, p.somebody(), p, needs{doing: keeping})
	if err != nil {
		return out, r.unlessLost(ctx, p, err)
	}
	if err := r.options.Recorder.Ready(ctx, audit.Locked); err != nil {
		return out, unrecorded(err)
	}
	if r.due(d) {
		if err := r.recorded(ctx, d, rotateAction, r.c.keys.Rotate(ctx, d.key.Name)); err != nil {
			return out, err
		}
		out.rotated = 1
	}
	info, err := r.c.keys.Info(ctx, d.key.Name)
	if err != nil {
		return out, err
	}
	busy, err := r.uploading(ctx, p)
	if err != nil {
		return out, err
	}
	out.rewrapped, err = r.rewrap(ctx, p)
	if out.rewrapped > 0 && out.rotated == 0 {
		err = errors.Join(err, r.recorded(ctx, d, rewrapAction, nil))
	}
	switch {
	case err != nil || !r.retire || info.OldestVersion == info.LatestVersion:
	case busy || out.rewrapped > 0:
		out.deferred = 1
	case r.sweeps:
		err = r.recorded(ctx, d, retireAction, r.c.keys.Retire(ctx, d.key.Name, info.LatestVersion))
	default:
		out.retired, err = r.giveUp(ctx, p, info.LatestVersion)
	}
	return out, err
}

// giveUp leaves all versions below oldest to a sweep, which alone may destroy
// anything, and says of how many customers it did. Nothing lies under them and
// nobody holds anything that does, so the sweep needs to wait for nobody. A sweep that
// is at the key destroys them anyway.
func (r *rotation) giveUp(ctx context.Context, p place, oldest int) (n int, err error) {
	_, _, err = r.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		n = 0
		given := int(d.stored.GetOldestVersion())
		if given >= oldest || given == 0 && d.stored.GetShedDate() != "" {
			return nil, errUnchanged
		}
		n = 1
		d.stored.ShedDate, d.stored.OldestVersion = string(d.today()), int32(oldest)
		d.size += markGrowth
		return nil, nil
	})
	return n, err
}

// due says whether the key is to get a new version: not twice in one rotation,
// and not where it is younger than that. In the second pass it is due where the
// first one failed. What a sweep rotates for is not a matter of age.
func (r *rotation) due(d *Dossier) bool {
	return !r.options.RewrapOnly && d.stored.GetRotation() != r.job.ID &&
		(r.sweeps || r.options.Customer.ID != "" || d.since().Before(r.job.Begun))
}

// recorded records what was done to a customer's key, and gives the error that
// it failed with.
func (r *rotation) recorded(ctx context.Context, d *Dossier, action string, done error) error {
	done = backend(done)
	e := audit.Event{
		ID: newID(), Action: action, Principal: r.options.Principal,
		Institute: d.place.institute, Subject: d.stored.GetSubjectId(),
		Code: codeOf(done), Reason: fault.ReasonOf(done),
	}
	// It is done, whether or not anybody still waits for it.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := r.options.Recorder.Record(after, e, audit.Locked); err != nil {
		return unrecorded(err)
	}
	return done
}

// errUnrecorded is a rotation that must end, because what it does does not get
// on record.
var errUnrecorded = errors.New("the audit log takes no records")

func unrecorded(cause error) error {
	return fault.Wrap(errors.Join(errUnrecorded, cause), fault.Unavailable, ReasonAudit, "the audit log takes no records at the moment")
}

// recordTime is how long a rotation waits at most for an event to be on record.
const recordTime = 30 * time.Second

// unlessLost takes a dossier that was lost, and is being erased, for that.
func (r *rotation) unlessLost(ctx context.Context, p place, err error) error {
	if fault.KindOf(err) != fault.Corrupt {
		return err
	}
	data, _, getErr := r.c.store.Get(ctx, p.dossier())
	if getErr == nil && string(data) == lostDossier {
		return beingErased()
	}
	return err
}

// uploading says whether an upload may be under way that took its data key
// before now: then its note is there.
func (r *rotation) uploading(ctx context.Context, p place) (bool, error) {
	if !r.retire {
		return false, nil
	}
	for info, err := range r.c.store.List(ctx, p.pendings()) {
		if err != nil {
			return false, err
		}
		if r.c.now().Sub(info.Modified) < PendingGrace {
			return true, nil
		}
	}
	return false, nil
}

// codeOf is how a call ended, by the name of its code in google.rpc.Code.
func codeOf(err error) string {
	if err == nil {
		return "OK"
	}
	switch fault.KindOf(err) {
	case fault.NotFound:
		return "NOT_FOUND"
	case fault.Unavailable:
		return "UNAVAILABLE"
	case fault.Corrupt:
		return "DATA_LOSS"
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, blobstore.ErrConflict) {
		return "ABORTED"
	}
	return "INTERNAL"
}
