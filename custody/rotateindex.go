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
	"github.com/wertfach/wertfach/custody/resource"
)

// The secret behind blind indexes is rotated in four steps. Each is a change of
// the one record that all servers read, so whoever finds it goes on where it
// stands, and several may be at it at once:
//
//  1. A new version is added. All servers learn of it and look up under both,
//     and still write under the old one.
//  2. After a grace the new version becomes the one that is written under. So
//     nobody ever writes what another server does not look up.
//  3. After another grace nobody writes under the old version any more, and
//     all dossiers' pointers are written anew: each dossier in one change, the
//     new pointers before and the old ones gone after it.
//  4. When no pointer is left under the old version, it is dropped.

// IndexOptions say how a rotation of the index goes about it.
type IndexOptions struct {
	// Grace is how long it waits for every server to learn of a step, and for the
	// calls that began before; 5 minutes where zero. Less than that is safe only
	// where no server runs.
	Grace time.Duration
	// Rate bounds how many dossiers are looked at in a second; no bound where
	// zero.
	Rate int
	// Recorder takes an event at the beginning and one at the end. Required.
	Recorder Recorder
	// Principal is who rotates, for the events.
	Principal string
	// Progress, where given, hears of every dossier that is through.
	Progress func(done, total int)
}

// IndexReport says what a rotation of the index did.
type IndexReport struct {
	Total     int            // dossiers that there were
	Done      int            // dossiers whose pointers are under the new version
	Rewritten int            // dossiers whose pointers were written anew
	Removed   int            // pointers under the old version that nothing referred to
	Skipped   int            // customers who are gone
	Failures  map[string]int // what keeps the old version, by reason
	Complete  bool           // the old version is dropped
}

// Failed is how many things keep the old version.
func (r IndexReport) Failed() int { return RotateReport{Failures: r.Failures}.Failed() }

const (
	defaultIndexGrace = 5 * time.Minute
	indexAction       = "keys/RotateIndex"
	dropAction        = "keys/DropIndex"
)

// RotateIndex rotates the secret behind blind indexes, or goes on with a
// rotation that broke off. With failures the old version stays and serves, and
// repeating it tries again. Dossiers of institutes that are not served here are
// not seen: a pointer of one keeps the old version too.
func (c *Custodian) RotateIndex(ctx context.Context, o IndexOptions) (IndexReport, error) {
	if o.Recorder == nil {
		return IndexReport{}, backend(errors.New("custody: a rotation needs a recorder"))
	}
	r := &indexRotation{options: o}
	r.rotation = rotation{c: c, options: RotateOptions{Rate: o.Rate, Recorder: o.Recorder, Principal: o.Principal, Progress: o.Progress}}
	r.rotation.report.Failures = map[string]int{}
	r.each = r.repoint
	err := r.steps(ctx)
	r.report.Total, r.report.Done, r.report.Skipped = r.rotation.report.Total, r.rotation.report.Done, r.rotation.report.Skipped
	r.report.Failures = r.rotation.report.Failures
	return r.report, backend(err)
}

// indexRotation walks over the customers as a rotation of their keys does.
type indexRotation struct {
	rotation
	options IndexOptions
	report  IndexReport
}

// steps takes the steps that are left.
func (r *indexRotation) steps(ctx context.Context) error {
	for begun := false; ; begun = true {
		s, err := LoadIndexSecret(ctx, r.c.keys, r.c.store)
		if err != nil {
			return err
		}
		switch x := s.index; {
		case len(x.versions) == 1 && begun:
			r.report.Complete = true // somebody else came first
			return nil
		case len(x.versions) == 1:
			err = r.add(ctx, s)
		case x.writing != x.newest():
			err = r.turn(ctx, s)
		default:
			return r.takeOver(ctx, s)
		}
		if err != nil && !errors.Is(err, blobstore.ErrConflict) {
			return err
		}
	}
}

// add adds a version.
func (r *indexRotation) add(ctx context.Context, s IndexSecret) error {
	if err := r.options.Recorder.Ready(ctx, audit.Locked); err != nil {
		return unrecorded(err)
	}
	s.index.versions = append(s.index.versions, indexVersion{s.index.newest() + 1, newHashKey()})
	if err := r.store(ctx, s); err != nil {
		return err
	}
	return r.tell(ctx, indexAction)
}

// turn has all servers write under the new version, once they know it.
func (r *indexRotation) turn(ctx context.Context, s IndexSecret) error {
	if err := r.wait(ctx, "waiting until every server looks up under the new version of the index secret"); err != nil {
		return err
	}
	s.index.writing = s.index.newest()
	return r.store(ctx, s)
}

// takeOver writes all pointers anew and drops the old version.
func (r *indexRotation) takeOver(ctx context.Context, s IndexSecret) error {
	if err := r.wait(ctx, "waiting until every server writes under the new version of the index secret"); err != nil {
		return err
	}
	c := r.c
	if _, err := c.reloadIndex(ctx, func(now *loadedIndex) bool { return now.etag == s.etag }); err != nil {
		return err
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	if err := r.pass(ctx, r.walk); err != nil {
		return err
	}
	if len(r.rotation.report.Failures) > 0 {
		return nil
	}
	old := s.index.versions[0].number
	if err := r.leftovers(ctx, old); err != nil || len(r.rotation.report.Failures) > 0 {
		return err
	}
	if err := r.options.Recorder.Ready(ctx, audit.Locked); err != nil {
		return unrecorded(err)
	}
	s.index.versions = slices.Clone(s.index.versions[1:])
	if err := r.store(ctx, s); err != nil && !errors.Is(err, blobstore.ErrConflict) {
		return err // and where somebody else came first, it is done
	}
	r.report.Complete = true
	return r.tell(ctx, dropAction)
}

// repoint writes the pointers of one dossier anew.
func (r *indexRotation) repoint(ctx context.Context, p place) (rotated, error) {
	name := resource.Customer{Institute: resource.Institute{ID: p.institute}}
	changed, revision := false, newRevision()
	_, _, err := r.c.changeOn(ctx, p.newTrail(), name, Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		if changed = d.reindex(revision); !changed {
			return nil, errUnchanged
		}
		d.size += markGrowth // also a dossier at the limit
		return nil, nil
	})
	err = r.unlessLost(ctx, p, err)
	if fault.ReasonOf(err) == ReasonBeingErased {
		// Its list of pointers is, or will be, by the version that they are under.
		err = fault.Wrap(err, fault.Precondition, ReasonErasurePending, "the customer is being erased; the next sweep finishes it")
	}
	if err == nil && changed {
		r.mu.Lock()
		r.report.Rewritten++
		r.mu.Unlock()
	}
	return rotated{}, err
}

// leftovers removes the pointers under the old version that nothing refers to:
// what changes that broke off have left. One of an institute that is not served
// here may be referred to, and keeps the version.
func (r *indexRotation) leftovers(ctx context.Context, old int32) error {
	var loose []string
	for info, err := range r.c.store.List(ctx, indexFolder(old)) {
		if err != nil {
			return err
		}
		institute, _, _ := strings.Cut(path.Base(info.Name), ".")
		if r.c.Serves(institute) {
			loose = append(loose, info.Name)
		} else {
			r.rotation.report.Failures[ReasonInstituteNotFound]++
		}
	}
	r.report.Removed = len(loose)
	return r.c.each(ctx, loose, r.c.store.Delete)
}

// store writes the record, if nobody else has done so since it was read.
func (r *indexRotation) store(ctx context.Context, s IndexSecret) error {
	return storeIndexSecret(ctx, r.c.keys, r.c.store, s, blobstore.IfMatch(s.etag))
}

// tell records what was done to the index.
func (r *indexRotation) tell(ctx context.Context, action string) error {
	return r.recorded(ctx, &Dossier{}, action, nil)
}

func (r *indexRotation) wait(ctx context.Context, what string) error {
	grace := cmp.Or(r.options.Grace, defaultIndexGrace)
	r.c.log.InfoContext(ctx, what, slog.Duration("for", grace))
	return pause(ctx, grace)
}
