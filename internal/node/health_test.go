package node_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/internal/node"
)

// fails is a probe whose answer a test changes, and that counts.
type fails struct {
	err   atomic.Pointer[error]
	asked atomic.Int32
}

func (f *fails) set(err error) { f.err.Store(&err) }

func (f *fails) probe(context.Context) error {
	f.asked.Add(1)
	return *f.err.Load()
}

func TestHealthNamesWhatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newJournal()
		h := node.NewHealth(log.logger)
		if err := h.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "starting") {
			t.Errorf("before it has started: %v", err)
		}
		var keys, objects fails
		keys.set(nil)
		objects.set(nil)
		h.Started(node.Check{Name: "keys", Probe: keys.probe}, node.Check{Name: "objects", Probe: objects.probe})
		for _, step := range []struct {
			keys error
			want string
			text string
		}{
			{nil, "", "keys ready\nobjects ready\n"},
			{errors.New("dial 192.0.2.7:8200"), "away: keys", "keys away\nobjects ready\n"},
			{errors.New("dial 192.0.2.7:8200"), "away: keys", "keys away\nobjects ready\n"},
			{nil, "", "keys ready\nobjects ready\n"},
		} {
			keys.set(step.keys)
			time.Sleep(time.Second)
			got := ""
			if err := h.Ready(t.Context()); err != nil {
				got = err.Error()
			}
			if got != step.want || h.State(t.Context()).String() != step.text {
				t.Errorf("got %q and\n%s", got, h.State(t.Context()))
			}
		}
		if n := strings.Count(log.String(), "not ready"); n != 1 {
			t.Errorf("%d lines say that the keys are away, want one:\n%s", n, log)
		}
		if n := strings.Count(log.String(), "used again"); n != 1 {
			t.Errorf("%d lines say that they are back:\n%s", n, log)
		}
		asked := keys.asked.Load()
		h.Stopping()
		if err := h.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "stopping") || keys.asked.Load() != asked {
			t.Errorf("while it stops: %v", err)
		}
	})
}

// TestHealthIsCheap: however often and by however many it is asked, a probe is
// made once a second.
func TestHealthIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := node.NewHealth(newJournal().logger)
		var asked atomic.Int32
		h.Started(node.Check{Name: "keys", Probe: func(context.Context) error {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			return nil
		}})
		begun := time.Now()
		var pollers sync.WaitGroup
		for range 50 {
			pollers.Go(func() {
				for time.Since(begun) < 10*time.Second {
					if err := h.Ready(t.Context()); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		pollers.Wait()
		if n := asked.Load(); n < 9 || n > 11 {
			t.Errorf("asked %d times in 10 s", n)
		}
	})
}

// TestHealthDoesNotHang: something that never answers is away within two seconds,
// is asked once, and costs the next who ask no waiting.
func TestHealthDoesNotHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := node.NewHealth(newJournal().logger)
		answer := make(chan struct{})
		var asked atomic.Int32
		h.Started(
			node.Check{Name: "keys", Probe: func(context.Context) error { return nil }},
			node.Check{Name: "objects", Probe: func(context.Context) error { // deaf to its context
				asked.Add(1)
				<-answer
				return nil
			}},
			node.Check{Name: "audit", Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		)
		for attempt := range 5 {
			begun := time.Now()
			err := h.Ready(t.Context())
			if took := time.Since(begun); took >= 2*time.Second {
				t.Errorf("attempt %d took %v", attempt, took)
			}
			if err == nil || err.Error() != "away: objects, audit" {
				t.Errorf("attempt %d: %v", attempt, err)
			}
		}
		// Who gives up sooner is told the same, and nobody hangs for it.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := h.Ready(ctx); err == nil {
			t.Error("ready")
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("a probe that hangs was begun %d times", n)
		}
		close(answer)
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if state := h.State(t.Context()); !state.Parts[1].Ready {
			t.Errorf("after it answered: %s", state)
		}
	})
}
