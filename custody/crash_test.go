package custody

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestEveryCrashPoint lets every sort of change break off at every call of a
// back end, in each of several ways. Afterwards a sweep must leave a store in
// which everything belongs together and in which the change was done or not, but
// done if it was acknowledged. Repeated, it must then be done exactly once,
// before the sweep as well as after it.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		for _, a := range acts() {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				before, after, calls := w.plainly(t, a)
				for _, m := range mishaps() {
					if w.deployment.Folder == "" && !m.real {
						continue
					}
					// A mishap may make it longer by a few calls.
					for n := 1; n <= calls+3; n++ {
						t.Run(fmt.Sprintf("%s at call %d", m.name, n), func(t *testing.T) {
							t.Parallel()
							w.apart().breakOff(t, a, m, n, before, after)
						})
					}
				}
			})
		}
	})
}

// mishap is something that goes wrong at a server's n-th call of its back ends.
type mishap struct {
	name string
	// fates of the n-th call and of those after it.
	then, after custodytest.Fate
	// cached says that the server had the dossier in its cache.
	cached bool
	// real says that it happens on the real servers too, which are slower.
	real bool
}

func mishaps() []mishap {
	return []mishap{
		{"crash", custodytest.Refuse, custodytest.Refuse, true, true},
		{"crash before the answer", custodytest.Lose, custodytest.Refuse, false, false},
		{"refusal", custodytest.Refuse, custodytest.Pass, true, false},
		{"lost answer", custodytest.Lose, custodytest.Pass, false, false},
		{"lost answer, cached", custodytest.Lose, custodytest.Pass, true, false},
	}
}

// script lets the mishap happen at the n-th call, and tells whether it came to that.
func (m mishap) script(n int) (custodytest.Script, *atomic.Bool) {
	happened := &atomic.Bool{}
	return func(_ context.Context, call custodytest.Call) custodytest.Fate {
		switch {
		case call.Number < n:
			return custodytest.Pass
		case call.Number == n:
			happened.Store(true)
			return m.then
		default:
			return m.after
		}
	}, happened
}

// plainly gives the states of a fixture before and after the act, and how many
// calls of back ends it took.
func (w *world) plainly(t *testing.T, a act) (before, after string, calls int) {
	t.Helper()
	var made atomic.Int64
	f := w.fixtureFor(t.Context(), t, a)
	before = w.state(t.Context(), t, f)
	c := w.server(t, w.scripted(func(context.Context, custodytest.Call) custodytest.Fate {
		made.Add(1)
		return custodytest.Pass
	}))
	if err := a.do(t.Context(), c, f, request(a.name)); err != nil {
		t.Fatal(err)
	}
	return before, w.state(t.Context(), t, f), int(made.Load())
}

// breakOff lets the mishap happen at the n-th call and looks at what is left.
func (w *world) breakOff(t *testing.T, a act, m mishap, n int, before, after string) {
	ctx := t.Context()
	f, req := w.fixtureFor(ctx, t, a), request(a.name)
	script, happened := m.script(n)
	c := w.server(t, w.scripted(script))
	if m.cached {
		w.warm(t, c, f.customer)
	}
	err := a.do(ctx, c, f, req)
	if err != nil && (!happened.Load() || fault.KindOf(err) != fault.Unavailable) {
		t.Fatalf("%v, want at most that the store is unavailable", err)
	}
	t.Logf("came to it: %v; answer: %v", happened.Load(), err)
	w.clock.advance(2 * defaultLease)
	retry := func() {
		if err := a.do(ctx, w.server(t), f, req); err != nil {
			t.Errorf("repeated: %v", err)
		}
		if got := w.state(ctx, t, f); got != after {
			t.Errorf("after it was repeated:\n%s\nwant:\n%s", got, after)
		}
	}
	if n%2 == 0 {
		retry()
		w.sweepAll(ctx, t)
		w.mustBeWhole(ctx, t)
		return
	}
	w.sweepAll(ctx, t)
	w.mustBeWhole(ctx, t)
	switch got := w.state(ctx, t, f); {
	case err == nil && got != after:
		t.Errorf("acknowledged, and then:\n%s\nwant:\n%s", got, after)
	case got != before && got != after:
		t.Errorf("half done:\n%s\nwant:\n%s\nor:\n%s", got, before, after)
	}
	retry()
	w.mustBeWhole(ctx, t)
}

// warm puts a customer's dossier into a server's cache.
func (w *world) warm(t testing.TB, c *Custodian, name resource.Customer) {
	t.Helper()
	p := c.secret.place(name)
	sealed, _, err := w.server(t).fetch(t.Context(), p, false)
	if err != nil {
		t.Fatal(err)
	}
	c.cache.put(p.dossier(), sealed)
}

// onlyFirst lets a server make that many calls and no more.
func onlyFirst(calls int) custodytest.Script {
	return func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Number > calls {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}
}
