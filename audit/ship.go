package audit

import (
	"context"
	"errors"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/audit/spool"
	"github.com/wertfach/wertfach/blobstore"
)

const (
	shipTime     = 10 * time.Second // for one segment
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = time.Second
	maxGarbage   = 4096 // batches that may wait to be removed
)

// shipping is the part of a Log that brings what is spooled to the locked store.
// One goroutine does it; the lock protects what others look at.
type shipping struct {
	waiting  []waiter      // for their events to be in the locked store
	asking   []chan error  // for a proof that it takes segments
	finished chan struct{} // closed when all chains are, where somebody waits for that

	attempted    time.Time // when the last attempt ended
	shipped      time.Time // when the last segment was begun
	shippedTo    int64     // the newest batch that is in the locked store
	acknowledged time.Time // when the locked store last took one
	failed       error     // why the last attempt failed
	backoff      time.Duration

	checked    map[string]bool // chains of earlier runs whose head was read
	foreclosed map[string]bool // chains that somebody else closed or goes on with
	garbage    []int64         // batches that are shipped and can be removed
}

// waiter waits for the batch of that number.
type waiter struct {
	batch int64
	done  chan struct{}
}

// ship ships until ctx ends.
func (l *Log) ship(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
		case <-timer.C:
		}
		wait := l.due()
		if wait == 0 {
			l.attempt(ctx)
			wait = l.due()
		}
		if wait >= 0 {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
	}
}

// due is how long the next attempt has time; negative where there is nothing to
// do.
func (l *Log) due() time.Duration {
	events, bytes, _ := l.spool.Held()
	chains := len(l.spool.Chains())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.finished != nil && chains == 0 {
		close(l.finished)
		l.finished = nil
	}
	// While a batch is being written its events may be all that there is to ship:
	// whoever writes it wakes us.
	asked := len(l.asking) > 0 && (events > 0 || !l.committing)
	urgent := asked || len(l.waiting) > 0 || chains > 1 || bytes > maxBatch || l.finished != nil
	switch {
	case !urgent && events == 0:
		return -1
	case l.failed != nil && len(l.asking) > 0:
		return max(0, min(l.backoff, hopeless)-time.Since(l.attempted))
	case l.failed != nil:
		return max(0, l.backoff-time.Since(l.attempted))
	case urgent:
		return 0
	default:
		return max(0, l.c.ShipEvery-time.Since(l.shipped))
	}
}

// attempt does one step of shipping.
func (l *Log) attempt(ctx context.Context) {
	step, cancel := context.WithTimeout(ctx, shipTime)
	err := l.step(step)
	cancel()
	l.mu.Lock()
	l.attempted = time.Now()
	l.backoff = min(lastBackoff, max(firstBackoff, 2*l.backoff))
	news := err != nil && l.failed == nil
	l.failed = err
	if err == nil {
		l.backoff = 0
	} else {
		l.stats.ShipFailures++
		for _, answer := range l.asking {
			answer <- unavailable("shipping to the locked store", err)
		}
		l.asking = nil
	}
	idle := len(l.waiting) == 0 && len(l.asking) == 0 || len(l.garbage) > maxGarbage
	l.mu.Unlock()
	if news && ctx.Err() == nil {
		l.c.Log.Warn("audit events can't be shipped to the locked store now", "error", err)
	}
	if err == nil && idle {
		if err := l.tidy(ctx); err != nil && ctx.Err() == nil {
			l.c.Log.Warn("shipped audit events can't be removed from the spool now", "error", err)
		}
	}
}

// step makes one segment of the first chain that is not over, or ends it.
func (l *Log) step(ctx context.Context) error {
	c, batches, current := l.spool.Next(maxBatch)
	if c.Next.Chain == "" {
		return nil
	}
	if err := l.check(ctx, c); err != nil {
		return err
	}
	ending := !current || l.ending()
	switch {
	case l.isForeclosed(c.Next.Chain):
		return l.leave(ctx, c, batches, current)
	case c.Bare != nil:
		return l.make(ctx, c, c.Bare.Kind, c.Bare.Time, nil, current)
	case len(batches) > 0:
		return l.make(ctx, c, segment.Events, batches[0].First, batches, current)
	case ending && !c.Begun():
		_, err := l.spool.Leave(ctx, nil, 0)
		return err
	case ending:
		return l.bare(ctx, c, segment.Closed)
	default:
		return l.bare(ctx, c, segment.Heartbeat)
	}
}

// ending says whether the current chain is to be closed.
func (l *Log) ending() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished != nil
}

// bare makes a segment without events. It is noted before it is made: after a
// crash just the same one must be made.
func (l *Log) bare(ctx context.Context, c spool.Chain, kind segment.Kind) error {
	now := segment.Instant(l.c.Now())
	if kind == segment.Closed {
		for _, past := range []time.Time{c.Last, c.Next.PreviousTime} {
			if past.After(now) {
				now = past
			}
		}
	} else {
		l.mu.Lock()
		if l.committing || len(l.asking) == 0 {
			l.mu.Unlock()
			return nil // events come, which do as well; or nobody asks any more
		}
		if now.Before(l.clock) {
			now = l.clock
		}
		l.clock, l.written = now, now // no event of this chain may be older
		l.mu.Unlock()
	}
	b := spool.Bare{Kind: kind, Time: now}
	if err := l.spool.Announce(ctx, b); err != nil {
		return err
	}
	return l.make(ctx, c, b.Kind, b.Time, nil, true)
}

// make makes the chain's next segment of these batches.
func (l *Log) make(ctx context.Context, c spool.Chain, kind segment.Kind, at time.Time, batches []spool.Batch, current bool) error {
	header := c.Next
	header.Kind, header.Time = kind, at
	var lines []byte
	for _, b := range batches {
		more, err := l.spool.Lines(ctx, b)
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	l.mu.Lock()
	l.shipped = time.Now()
	l.mu.Unlock()
	file, err := segment.Seal(ctx, l.c.Signer, header, lines)
	if err != nil {
		return err
	}
	sealed, err := segment.Read(file)
	if err != nil {
		return err // what would not verify is not written
	}
	switch err := l.c.Archive.Create(ctx, header.Object(), file); {
	case errors.Is(err, blobstore.ErrConflict):
		return l.adopt(ctx, c, header, lines, batches, current)
	case err != nil:
		return err
	}
	return l.done(ctx, batches, sealed)
}

// done is for a segment that is in the locked store. Whoever waits for its events
// may go on: should the rest fail, the segment is made again and met there.
func (l *Log) done(ctx context.Context, batches []spool.Batch, sealed *segment.Segment) error {
	l.mu.Lock()
	l.acknowledged = time.Now()
	for _, answer := range l.asking {
		answer <- nil
	}
	l.asking = nil
	if len(batches) > 0 {
		l.release(batches[len(batches)-1].Number)
	}
	l.mu.Unlock()
	numbers, err := l.spool.Advance(ctx, len(batches), sealed)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.garbage = append(l.garbage, numbers...)
	l.stats.Segments++
	l.stats.LastShipped = l.c.Now()
	l.mu.Unlock()
	l.heads.update(segment.Head{
		Chain: sealed.Header.Chain, Number: sealed.Header.Number, Hash: sealed.Hash, SegmentTime: sealed.Header.Time,
		Events: sealed.NextEvent() - 1, Closed: sealed.Header.Kind == segment.Closed,
	})
	return nil
}

// release lets those go who wait for batches up to that number.
func (l *Log) release(batch int64) {
	l.shippedTo = max(l.shippedTo, batch)
	still := l.waiting[:0]
	for _, w := range l.waiting {
		if w.batch <= batch {
			close(w.done)
		} else {
			still = append(still, w)
		}
	}
	clear(l.waiting[len(still):])
	l.waiting = still
}

// tidy removes shipped batches from the spool. What fails is removed when the
// spool is next opened.
func (l *Log) tidy(ctx context.Context) error {
	l.mu.Lock()
	numbers := l.garbage
	l.garbage = nil
	l.mu.Unlock()
	return l.spool.Remove(ctx, numbers)
}
