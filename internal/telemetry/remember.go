package telemetry

import (
	"context"
	"sync"
	"time"
)

// Remembered is an answer that is too dear to be asked for at every look.
type Remembered[T any] struct {
	every, atMost time.Duration
	ask           func(context.Context) (T, error)
	ctx           context.Context
	stop          context.CancelFunc
	asking        sync.WaitGroup

	mu    sync.Mutex
	busy  bool
	begun time.Time // of the last asking
	last  T
	known bool
}

// Remember has something asked at most so often, for at most so long each time,
// in the background. Close it.
func Remember[T any](every, atMost time.Duration, ask func(context.Context) (T, error)) *Remembered[T] {
	r := &Remembered[T]{every: every, atMost: atMost, ask: ask}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Last is the last answer, and never waits. Where that is old it is asked for
// anew, for who looks next. There is none before the first answer, nor after one
// that was an error.
func (r *Remembered[T]) Last() (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.busy && r.ctx.Err() == nil && (r.begun.IsZero() || time.Since(r.begun) >= r.every) {
		r.busy, r.begun = true, time.Now()
		r.asking.Go(r.renew)
	}
	return r.last, r.known
}

func (r *Remembered[T]) renew() {
	ctx, cancel := context.WithTimeout(r.ctx, r.atMost)
	defer cancel()
	answer, err := r.ask(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy, r.last, r.known = false, answer, err == nil
}

// Close ends an asking that is under way, and begins none any more.
func (r *Remembered[T]) Close() {
	r.mu.Lock()
	r.stop()
	r.mu.Unlock()
	r.asking.Wait()
}
