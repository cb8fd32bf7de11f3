// Package load puts load on something and measures what comes through.
//
// It is closed-loop load: each worker begins its next call when the last one is
// answered, as the bare loops do that the product is compared with. An error of
// any call ends the measurement; a rate that leaves out failures says nothing.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wertfach/wertfach/bench/internal/stats"
)

// Call is one call of one worker. n counts the worker's calls from 0, so that
// workers × calls can be spread over customers without any two meeting.
type Call func(ctx context.Context, worker, n int) error

// Sample is what was measured.
type Sample struct {
	Calls   int
	Elapsed time.Duration // from the first call's begin to the last one's end
	Median  time.Duration // latency of one call
}

// Rate is calls a second.
func (s Sample) Rate() float64 { return float64(s.Calls) / s.Elapsed.Seconds() }

// errNothing is a measurement in which no call came to its end.
var errNothing = errors.New("no call in the time given")

// For lets workers call until the time is over. Calls that have begun are
// waited for and counted, with the time that they took.
func For(ctx context.Context, workers int, d time.Duration, call Call) (Sample, error) {
	deadline := time.Now().Add(d)
	return run(ctx, workers, call, func(int) bool { return time.Now().Before(deadline) })
}

// Each lets workers make n calls altogether, as evenly as it goes.
func Each(ctx context.Context, workers, n int, call func(ctx context.Context, i int) error) (Sample, error) {
	if n == 0 {
		return Sample{}, nil
	}
	workers = min(workers, n)
	return run(ctx, workers, func(ctx context.Context, worker, k int) error { return call(ctx, worker+k*workers) },
		func(next int) bool { return next < n })
}

// run lets each worker go on as long as more says so of its next call, counted
// over all workers.
func run(ctx context.Context, workers int, call Call, more func(next int) bool) (Sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	latencies := make([][]time.Duration, workers)
	begun := time.Now()
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for n := 0; more(w+n*workers) && ctx.Err() == nil; n++ {
				at := time.Now()
				if err := call(ctx, w, n); err != nil {
					cancel(fmt.Errorf("call %d of worker %d: %w", n, w, err)) // the first error counts
					return
				}
				latencies[w] = append(latencies[w], time.Since(at))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begun)
	if err := context.Cause(ctx); err != nil {
		return Sample{}, err
	}
	var all []time.Duration
	for _, of := range latencies {
		all = append(all, of...)
	}
	if len(all) == 0 {
		return Sample{}, errNothing
	}
	mean := func(a, b time.Duration) time.Duration { return (a + b) / 2 }
	return Sample{Calls: len(all), Elapsed: elapsed, Median: stats.Median(all, mean)}, nil
}
