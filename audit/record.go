package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

const (
	maxEvent  = 64 << 10 // bytes of one event's line
	maxBatch  = 1 << 20  // bytes of a batch, and of the lines of a segment
	maxGroup  = 1024     // events of a batch
	backwards = time.Minute
	spoolTime = 10 * time.Second // for one write
	stalled   = 5 * time.Second  // a write that takes so long is a spool that fails
)

// recording is the part of a Log that puts events into the spool.
type recording struct {
	closing    bool
	queue      []*entry
	committing bool
	since      time.Time // when the write under way began
	clock      time.Time // of the newest event
	written    time.Time // of the newest event in the spool, or segment, of the chain
	broken     error     // why the last write to the spool failed
	probed     time.Time // when that was last looked into
}

// entry is an event on its way into the spool.
type entry struct {
	line   []byte
	time   time.Time
	locked bool

	spooled chan struct{} // closed when err is known
	err     error
	shipped chan struct{} // closed when it is in the locked store
}

// Record puts an event on record and returns when it is as durable as d asks. It
// sets the event's time. The error is [ErrUnavailable] or [ErrFull]; where ctx ended
// it wraps the context's error too, and the event may be on record then: one that
// waited for the locked store is in the spool, and is shipped later.
func (l *Log) Record(ctx context.Context, e Event, d Durability) error {
	if ctx.Err() != nil {
		return unavailable("recording an event", context.Cause(ctx))
	}
	en, err := l.enqueue(e, d)
	if err != nil {
		return err
	}
	select {
	case <-en.spooled:
	case <-ctx.Done():
		return unavailable("waiting for the spool", context.Cause(ctx))
	}
	if en.err != nil || d == Spooled {
		return en.err
	}
	select {
	case <-en.shipped:
		return nil
	case <-ctx.Done():
		return unavailable("waiting for the locked store", context.Cause(ctx))
	}
}

// enqueue dates an event. Whoever comes first while nothing is being written has
// the writing begin; what comes meanwhile goes into the next batch.
func (l *Log) enqueue(e Event, d Durability) (*entry, error) {
	en := &entry{locked: d != Spooled, spooled: make(chan struct{}), shipped: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, errClosed
	}
	// Calls that were let in by Ready may still record a little past the bound.
	if l.full(l.c.MaxBytes+l.c.MaxBytes/16, l.c.MaxAge+l.c.MaxAge/8) {
		return nil, ErrFull
	}
	now := segment.Instant(l.c.Now())
	if now.After(l.clock) || now.Before(l.clock.Add(-backwards)) {
		l.clock = now // else the clock went back a little, and stands for a while
	}
	en.time, e.Time = l.clock, l.clock
	var err error
	if en.line, err = encode(e); err != nil {
		return nil, err
	}
	l.queue = append(l.queue, en)
	if !l.committing {
		l.committing = true
		l.commits.Go(l.commit)
	}
	return en, nil
}

// encode writes an event as a line.
func encode(e Event) ([]byte, error) {
	var line bytes.Buffer
	out := json.NewEncoder(&line)
	out.SetEscapeHTML(false)
	if err := out.Encode(e); err != nil {
		return nil, unavailable("writing an event", err)
	}
	if line.Len() > maxEvent {
		return nil, unavailable("writing an event", errors.New("it is too large"))
	}
	return line.Bytes(), nil
}

// commit writes batches until nobody waits.
func (l *Log) commit() {
	for {
		l.mu.Lock()
		group := l.take()
		if len(group) == 0 {
			l.committing = false
			l.mu.Unlock()
			l.wake()
			return
		}
		l.since = time.Now()
		l.mu.Unlock()
		number, err := l.append(group)
		l.appended(group, number, err)
	}
}

// take removes the next batch from those who wait: in order, of one minute and
// one chain.
func (l *Log) take() []*entry {
	n, size := 0, 0
	for n < len(l.queue) && n < maxGroup {
		en := l.queue[n]
		size += len(en.line)
		if n > 0 && (size > maxBatch || en.time.Before(l.queue[n-1].time) || !segment.SameMinute(en.time, l.queue[0].time)) {
			break
		}
		n++
	}
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	return group
}

// append writes a batch. It does not depend on any one caller's context: the
// others in the batch would suffer. Times of a chain never go back: where the clock
// did, by much, a new chain begins.
func (l *Log) append(group []*entry) (number int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), spoolTime)
	defer cancel()
	l.mu.Lock()
	back := group[0].time.Before(l.written)
	l.mu.Unlock()
	if back {
		if err := l.spool.Begin(ctx, l.newChain(nil)); err != nil {
			return 0, err
		}
		l.mu.Lock()
		l.written = time.Time{}
		l.mu.Unlock()
	}
	var lines []byte
	for _, en := range group {
		lines = append(lines, en.line...)
	}
	b, err := l.spool.Append(ctx, lines, len(group), group[0].time, group[len(group)-1].time)
	return b.Number, err
}

// appended tells those who wait for a batch what came of it.
func (l *Log) appended(group []*entry, number int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if l.broken == nil {
			l.c.Log.Error("the audit spool can't be written", "error", err)
		}
		l.broken, l.probed = err, time.Time{}
		l.stats.SpoolFailures++
		err = unavailable("writing the spool", err)
	} else {
		l.broken, l.written = nil, group[len(group)-1].time
		l.stats.Recorded += uint64(len(group))
	}
	for _, en := range group {
		switch {
		case !en.locked || err != nil:
		case number <= l.shippedTo: // the shipper was quicker than we are
			close(en.shipped)
		default:
			l.waiting = append(l.waiting, waiter{number, en.shipped})
		}
		en.err = err
		close(en.spooled)
	}
	l.wake()
}

// full says whether the spool holds so much, or something so old.
func (l *Log) full(most int64, age time.Duration) bool {
	_, bytes, oldest := l.spool.Held()
	return bytes >= most || !oldest.IsZero() && l.age(oldest) >= age
}

// age is how long ago a batch was spooled.
func (l *Log) age(since time.Time) time.Duration { return max(0, time.Since(since)) }
