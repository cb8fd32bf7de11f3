package telemetry_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/internal/telemetry"
)

// TestRemember: who looks does not wait, however slow the answer is, and it is
// asked for no oftener than it should be.
func TestRemember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		var failing atomic.Bool
		r := telemetry.Remember(time.Minute, 10*time.Second, func(ctx context.Context) (int32, error) {
			n := asked.Add(1)
			if failing.Load() {
				return 0, errors.New("away")
			}
			time.Sleep(5 * time.Second)
			return n, ctx.Err()
		})
		defer r.Close()
		begun := time.Now()
		if _, known := r.Last(); known {
			t.Error("known before it was asked for")
		}
		if time.Since(begun) > 0 {
			t.Error("it waited")
		}
		time.Sleep(6 * time.Second)
		for range 100 {
			if n, known := r.Last(); !known || n != 1 {
				t.Errorf("got %d, %v", n, known)
			}
		}
		time.Sleep(time.Minute)
		r.Last()
		time.Sleep(6 * time.Second)
		if n, known := r.Last(); !known || n != 2 || asked.Load() != 2 {
			t.Errorf("a minute later: %d, %v, asked %d times", n, known, asked.Load())
		}
		failing.Store(true)
		time.Sleep(time.Minute)
		r.Last()
		synctest.Wait()
		if _, known := r.Last(); known {
			t.Error("known although the answer was an error")
		}
	})
}

// TestRememberCloses: an answer that does not come is given up.
func TestRememberCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := telemetry.Remember(time.Minute, time.Hour, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		r.Last()
		r.Close()
		r.Last() // begins nothing any more, or synctest would find it
	})
}
