package audit

import (
	"context"
	"errors"
	"time"
)

const (
	fresh    = time.Second            // how long an acknowledged write proves the locked store
	hopeless = 250 * time.Millisecond // how long a failed one does not need to be repeated
)

// Ready says whether an event can be recorded now as durably as d asks. A call
// asks before it begins its work. For [Locked] the locked store took a segment
// within the last second, or takes one now. The error is [ErrUnavailable] or
// [ErrFull].
func (l *Log) Ready(ctx context.Context, d Durability) error {
	if ctx.Err() != nil {
		return unavailable("asking whether events can be recorded", context.Cause(ctx))
	}
	l.mu.Lock()
	if err := l.writable(); err != nil {
		l.mu.Unlock()
		return err
	}
	probe := l.broken != nil
	if probe {
		l.probed = time.Now()
	}
	l.mu.Unlock()
	if probe {
		if err := l.probe(ctx); err != nil {
			return err
		}
	}
	if d == Spooled {
		return nil
	}
	return l.proved(ctx)
}

// writable says whether an event could go into the spool. A spool that failed is
// looked into once a second.
func (l *Log) writable() error {
	switch {
	case l.closing:
		return errClosed
	case l.full(l.c.MaxBytes, l.c.MaxAge):
		return ErrFull
	case l.committing && !l.since.IsZero() && time.Since(l.since) > stalled:
		return unavailable("writing the spool", errors.New("it takes too long"))
	case l.broken != nil && !l.probed.IsZero() && time.Since(l.probed) < fresh:
		return unavailable("writing the spool", l.broken)
	}
	return nil
}

// probe writes something into a spool that failed.
func (l *Log) probe(ctx context.Context) error {
	err := l.spool.Probe(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return unavailable("writing the spool", err)
	}
	l.broken, l.probed = nil, time.Time{}
	return nil
}

// proved waits until the locked store has shown that it takes segments. Those who
// wait share one.
func (l *Log) proved(ctx context.Context) error {
	l.mu.Lock()
	switch {
	case !l.acknowledged.IsZero() && time.Since(l.acknowledged) < fresh:
		l.mu.Unlock()
		return nil
	case l.failed != nil && time.Since(l.attempted) < hopeless:
		err := l.failed
		l.mu.Unlock()
		return unavailable("shipping to the locked store", err)
	}
	answer := make(chan error, 1)
	l.asking = append(l.asking, answer)
	l.mu.Unlock()
	l.wake()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return unavailable("waiting for the locked store", context.Cause(ctx))
	}
}
