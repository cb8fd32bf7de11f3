package custody

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
)

// A rotation gives customers' keys a new version and wraps their data keys anew
// under it, while servers go on reading and changing the same customers. It
// never unwraps a secret's data key or a scan's. What is not wrapped anew yet
// opens as before, so the rotation may break off at any point and be repeated.
//
// rotate.go walks over the customers, rotateone.go does one of them, rewrap.go
// wraps data keys anew, and rotatejob.go lets a rotation of many go on where an
// earlier one broke off.

// A Recorder puts events on record; [audit.Durability] says where.
type Recorder interface {
	// Ready says whether an event could be recorded now.
	Ready(ctx context.Context, d audit.Durability) error
	// Record records an event.
	Record(ctx context.Context, e audit.Event, d audit.Durability) error
}

// RotateOptions say what a rotation is about and how it goes about it.
type RotateOptions struct {
	// Customer is the only one to be rotated, where its id is given.
	Customer resource.Customer
	// Institute is the only one whose customers are rotated; all where empty.
	Institute string
	// RewrapOnly gives no key a new version, and wraps anew what is not under
	// the newest one.
	RewrapOnly bool
	// RetireOld has the next sweep destroy the versions under which nothing is
	// wrapped any more; no operator can destroy anything. What was sealed under them
	// does not open again out of a backup.
	RetireOld bool
	// Grace is how long after the last data key was wrapped anew versions are given
	// up: longer than any call holds what it has read. 1 minute where zero.
	Grace time.Duration
	// Rate bounds how many customers are begun in a second; no bound where zero.
	Rate int
	// Recorder takes an event for each customer whose key changes. Required.
	Recorder Recorder
	// Principal is who rotates, for the events.
	Principal string
	// Progress, where given, hears of every customer that is through. total is
	// what it was when the rotation began.
	Progress func(done, total int)
}

// RotateReport says what a rotation did.
type RotateReport struct {
	Total     int            // customers that it was about
	Done      int            // customers all of whose data keys are under the newest version
	Rotated   int            // customers whose key got a new version
	Rewrapped int            // data keys that were wrapped anew
	Retired   int            // customers whose old versions the next sweep destroys
	Deferred  int            // customers whose old versions stay: an upload may need them
	Skipped   int            // customers who are being erased, or gone
	Failures  map[string]int // customers who could not be done now, by reason
	Resumed   time.Time      // when the rotation was begun that this one went on with
}

// Failed is how many customers could not be done.
func (r RotateReport) Failed() int {
	sum := 0
	for _, n := range r.Failures {
		sum += n
	}
	return sum
}

const (
	rotateAtOnce     = 4                // customers
	customerTime     = 10 * time.Minute // for one customer, many scans included
	defaultGrace     = time.Minute      // before versions are retired
	outage           = 3 * rotateAtOnce // failures in a row after which a back end counts as away
	rotateAction     = "keys/Rotate"
	rewrapAction     = "keys/Rewrap"
	retireAction     = "keys/Retire"
	rotationDossiers = "/dossiers/"
)

// Rotate rotates the keys of customers. What fails for one customer is counted
// and logged, and the rotation goes on; the error is for one that broke off,
// because events can't be recorded, a back end stays away or the context ended,
// and for the only customer of a rotation. The report is good in any case. A
// rotation of many that is repeated after it broke off, or had failures, does not
// rotate again who is rotated already.
func (c *Custodian) Rotate(ctx context.Context, o RotateOptions) (RotateReport, error) {
	r := &rotation{c: c, options: o, report: RotateReport{Failures: map[string]int{}}}
	r.each = r.one
	err := r.run(ctx)
	return r.report, backend(err)
}

type rotation struct {
	c       *Custodian
	options RotateOptions
	each    func(context.Context, place) (rotated, error) // what is done with each customer
	job     rotationJob
	retire  bool // the second pass, in which versions are given up
	sweeps  bool // it is a sweep's, which destroys them

	mu      sync.Mutex
	report  RotateReport
	through int // customers, over both passes
	away    int // failures in a row because a back end is away
}

func (r *rotation) run(ctx context.Context) error {
	if r.options.Recorder == nil {
		return errors.New("custody: a rotation needs a recorder")
	}
	if r.options.Customer.ID != "" {
		p, err := r.c.find(r.options.Customer)
		if err != nil {
			return err
		}
		r.job, r.report.Total = rotationJob{ID: newID(), Begun: r.c.now()}, 1
		return r.passes(ctx, func(_ context.Context, do func(place) error) error { return do(p) })
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.passes(ctx, r.walk); err != nil {
		return err
	}
	return r.finish(ctx)
}

// passes goes over the customers, and where versions are to be given up once
// more after the grace: by then nobody uses what he read before the first pass.
func (r *rotation) passes(ctx context.Context, walk func(context.Context, func(place) error) error) error {
	if err := r.pass(ctx, walk); err != nil || !r.options.RetireOld {
		return err
	}
	if err := pause(ctx, cmp.Or(r.options.Grace, defaultGrace)); err != nil {
		return err
	}
	r.retire = true
	r.report.Done, r.report.Skipped = 0, 0 // they are met again
	clear(r.report.Failures)
	return r.pass(ctx, walk)
}

// pass does all customers, some at once, and begins them at the rate.
func (r *rotation) pass(ctx context.Context, walk func(context.Context, func(place) error) error) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(rotateAtOnce)
	next := time.Now()
	err := walk(gctx, func(p place) error {
		if r.options.Rate > 0 {
			if err := pause(gctx, time.Until(next)); err != nil {
				return err
			}
			next = time.Now().Add(time.Second / time.Duration(r.options.Rate))
		}
		group.Go(func() error {
			// Who was begun is done to the end, also when the rotation is ended.
			own, cancel := context.WithTimeout(context.WithoutCancel(gctx), customerTime)
			defer cancel()
			return r.customer(own, p)
		})
		return gctx.Err()
	})
	if failed := group.Wait(); failed != nil {
		return failed // why the walk ended
	}
	return cmp.Or(ctx.Err(), err)
}

// walk goes through the customers that the rotation is about.
func (r *rotation) walk(ctx context.Context, do func(place) error) error {
	for _, institute := range r.institutes() {
		for info, err := range r.c.store.List(ctx, institute+rotationDossiers) {
			if err != nil {
				return err
			}
			if err := do(place{institute: institute, pseudonym: path.Base(info.Name)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// institutes are those that the rotation is about, in an order of their own.
func (r *rotation) institutes() []string {
	if r.options.Institute != "" {
		return []string{r.options.Institute}
	}
	return slices.Sorted(maps.Keys(r.c.institutes))
}

func (r *rotation) count(ctx context.Context) error {
	if one := r.options.Institute; one != "" && !r.c.Serves(one) {
		return instituteNotFound()
	}
	return r.walk(ctx, func(place) error {
		r.report.Total++
		return nil
	})
}

// customer does one customer and counts what came of it. Its error ends the
// rotation.
func (r *rotation) customer(ctx context.Context, p place) error {
	out, err := r.each(ctx, p)
	if errors.Is(err, context.DeadlineExceeded) {
		err = unavailable(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.progress()
	r.report.Rotated += out.rotated
	r.report.Rewrapped += out.rewrapped
	r.report.Retired += out.retired
	r.report.Deferred += out.deferred
	reason := fault.ReasonOf(backend(err))
	switch {
	case err == nil:
		r.report.Done++
		r.away = 0
		return nil
	case r.options.Customer.ID != "":
		r.report.Failures[cmp.Or(reason, "INTERNAL")]++
		return err
	case reason == ReasonCustomerNotFound, reason == ReasonBeingErased:
		r.report.Skipped++
		return nil
	}
	r.report.Failures[cmp.Or(reason, "INTERNAL")]++
	r.c.log.WarnContext(ctx, "rotating the keys of a customer; repeat the rotation",
		slog.String("institute", p.institute), slog.String("pseudonym", p.pseudonym),
		slog.String("reason", reason), slog.Any("cause", fault.Cause(err)))
	if fault.KindOf(backend(err)) == fault.Unavailable {
		r.away++
	}
	if errors.Is(err, errUnrecorded) || r.away >= outage {
		return err
	}
	return nil
}

// progress tells who watches. The caller has the lock.
func (r *rotation) progress() {
	r.through++
	if r.options.Progress == nil {
		return
	}
	total := r.report.Total
	if r.options.RetireOld {
		total *= 2
	}
	r.options.Progress(min(r.through, total), total)
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
