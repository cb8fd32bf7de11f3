package load_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/bench/internal/load"
)

func TestForCountsWhatCameThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := load.For(t.Context(), 4, time.Second, func(context.Context, int, int) error {
			time.Sleep(300 * time.Millisecond)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Each worker begins at 0, 0.3, 0.6 and 0.9 s; the last ends at 1.2 s.
		if s.Calls != 16 || s.Elapsed != 1200*time.Millisecond || s.Median != 300*time.Millisecond {
			t.Errorf("got %+v", s)
		}
		if got, want := s.Rate(), 16/1.2; got != want {
			t.Errorf("rate %v, want %v", got, want)
		}
	})
}

func TestEachCallsEachOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 32, 100} {
		var mu sync.Mutex
		seen := map[int]int{}
		if _, err := load.Each(t.Context(), 32, n, func(_ context.Context, i int) error {
			mu.Lock()
			defer mu.Unlock()
			seen[i]++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if seen[i] != 1 {
				t.Errorf("%d: call %d came %d times", n, i, seen[i])
			}
		}
		if len(seen) != n {
			t.Errorf("%d: %d different calls", n, len(seen))
		}
	}
}

func TestTheFirstErrorEndsIt(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad")
	var after atomic.Int32
	_, err := load.For(t.Context(), 8, time.Hour, func(ctx context.Context, worker, n int) error {
		if worker == 3 && n == 2 {
			return bad
		}
		if ctx.Err() != nil {
			after.Add(1)
		}
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
	// A worker may have looked at its context just before it ended: once each.
	if after.Load() > 8 {
		t.Errorf("%d calls after the error", after.Load())
	}
}

func TestAnInterruptEndsIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := load.For(ctx, 2, time.Hour, func(context.Context, int, int) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNothingMeasuredIsAnError(t *testing.T) {
	t.Parallel()
	if s, err := load.For(t.Context(), 2, -time.Second, func(context.Context, int, int) error { return nil }); err == nil {
		t.Errorf("got %+v", s)
	}
}
