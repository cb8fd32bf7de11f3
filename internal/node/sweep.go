package node

import (
	"context"
	"sync"
	"time"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
)

// Again does something at once and then so often, one after the other, until ctx
// ends or it fails. That ctx ended is no failure.
func Again(ctx context.Context, every time.Duration, do func(context.Context) error) error {
	for timer := time.NewTimer(0); ; timer.Reset(every) {
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if err := do(ctx); err != nil {
			return err
		}
	}
}

// sweeping sweeps beside a server, with the server's own audit log.
type sweeping struct {
	stop func()
	over sync.WaitGroup
}

// sweep begins to sweep, where the configuration asks for it.
func (n *Node) sweep(c config.Sweep, principal string) {
	if c.Every == 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &sweeping{stop: stop}
	n.sweeps = s
	s.over.Go(func() {
		// It ends with ctx only.
		_ = Again(ctx, c.Every, func(ctx context.Context) error {
			begun := time.Now()
			report, err := n.custodian.Sweep(ctx, custody.SweepOptions{Grace: c.Grace, Recorder: n.audit, Principal: principal})
			if ctx.Err() != nil {
				err = nil // told to stop meanwhile
			}
			n.watched.Swept(report, time.Since(begun), err)
			n.swept(ctx, report, err)
			return nil
		})
	})
}

// swept logs a sweep that did something, or could not. A sweep of nothing is no news.
func (n *Node) swept(ctx context.Context, r custody.SweepReport, err error) {
	about := []any{
		"resumed", r.Resumed, "erased", r.Erased, "shed", r.Shed, "settled", r.Settled, "removed", r.Removed, "failures", r.Failures,
	}
	switch {
	case err != nil:
		n.log.WarnContext(ctx, "the sweep broke off", append(about, "reason", fault.ReasonOf(err), "cause", fault.Cause(err))...)
	case r.Failures > 0:
		n.log.WarnContext(ctx, "sweep incomplete", append(about, "oldest_due", string(r.OldestDue))...)
	case r != custody.SweepReport{}:
		n.log.InfoContext(ctx, "swept", about...)
	}
}

// halt begins nothing more.
func (s *sweeping) halt() {
	if s != nil {
		s.stop()
	}
}

// end waits until what is under way has ended or ctx has: an erasure that is cut off
// then is finished by the next sweep.
func (s *sweeping) end(ctx context.Context) {
	if s == nil {
		return
	}
	over := make(chan struct{})
	go func() {
		s.over.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}
