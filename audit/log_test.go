package audit

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

func TestRecordAndRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		record(t, l, Spooled, "a", "b")
		record(t, l, Locked, "c")
		time.Sleep(3 * time.Second)
		record(t, l, Spooled, "d")
		closeLog(t, l)
		if got := w.ids(t); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
			t.Errorf("on record are %v", got)
		}
		r := w.verify(t, time.Now())
		if !r.Intact() || len(r.Chains) != 1 || r.Chains[0].Events != 4 || !r.Chains[0].Closed || r.Chains[0].Server != "one" {
			t.Errorf("%+v", r)
		}
		if err := l.Record(t.Context(), event("e"), Spooled); !errors.Is(err, ErrUnavailable) {
			t.Errorf("recording after the end: %v", err)
		}
		if err := l.Ready(t.Context(), Spooled); !errors.Is(err, ErrUnavailable) {
			t.Errorf("ready after the end: %v", err)
		}
		if n := len(w.spool.objects); n != 1 {
			t.Errorf("%d objects are left in the spool", n)
		}
	})
}

// Each run has a chain of its own that names the one before.
func TestRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for run := range 3 {
			l := w.open(t)
			record(t, l, Spooled, fmt.Sprint(run))
			closeLog(t, l)
			time.Sleep(time.Hour)
			closeLog(t, w.open(t)) // one that records nothing leaves nothing
		}
		r := w.verify(t, time.Now())
		if !r.Intact() || len(r.Chains) != 3 {
			t.Errorf("%+v", r)
		}
		names := w.archive.names()
		for i := 2; i < len(names); i += 2 {
			s, err := segment.Read(w.archive.get(names[i]))
			if err != nil {
				t.Fatal(err)
			}
			if a := s.Header.After; a == nil || a.Chain != chainOf(t, names[i-1]) || a.Number != 2 {
				t.Errorf("chain %d comes after %+v", i/2, a)
			}
		}
	})
}

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	w := newWorld()
	l := w.open(t)
	const writers, each = 200, 20
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := range each {
				d := Spooled
				if n == each-1 {
					d = Locked
				}
				if err := l.Record(t.Context(), event(fmt.Sprintf("%d/%d", i, n)), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	closeLog(t, l)
	ids := w.ids(t)
	unique := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) != writers*each || len(unique) != writers*each {
		t.Errorf("%d events are on record, %d of them different, of %d", len(ids), len(unique), writers*each)
	}
	if r := w.verify(t, time.Now()); !r.Intact() {
		t.Errorf("%+v", r.Findings)
	}
	if w.spool.writes > writers*each {
		t.Errorf("%d writes to the spool for %d events", w.spool.writes, writers*each)
	}
}

// While the locked store is away, routine calls go on until the spool is full, and
// the others are refused at once. Nothing is lost, and nobody needs to restart.
func TestArchiveAway(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"archive", "sign"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.trap.fail(part, blobstore.ErrUnavailable)
				l := w.open(t)
				began := time.Now()
				if err := l.Ready(t.Context(), Locked); !errors.Is(err, ErrUnavailable) || time.Since(began) > time.Second {
					t.Errorf("ready after %v: %v", time.Since(began), err)
				}
				var want []string
				for n := 0; time.Since(began) < 10*time.Minute; n++ {
					id := fmt.Sprint(n)
					if err := l.Ready(t.Context(), Spooled); err != nil {
						t.Fatalf("after %v: %v", time.Since(began), err)
					}
					record(t, l, Spooled, id)
					want = append(want, id)
					time.Sleep(20 * time.Second)
				}
				if err := l.Ready(t.Context(), Spooled); !errors.Is(err, ErrFull) || !errors.Is(err, ErrUnavailable) {
					t.Errorf("ready at the bound: %v", err)
				}
				time.Sleep(2 * time.Minute)
				if err := l.Record(t.Context(), event("late"), Spooled); !errors.Is(err, ErrFull) {
					t.Errorf("recording past the bound: %v", err)
				}
				if s := l.Stats(); s.Events != int64(len(want)) || s.Lag < 10*time.Minute || s.ShipFailures == 0 || !s.Refusing {
					t.Errorf("%+v", s)
				}
				w.trap.heal(part)
				time.Sleep(2 * time.Second)
				if err := l.Ready(t.Context(), Locked); err != nil {
					t.Errorf("ready afterwards: %v", err)
				}
				record(t, l, Locked, "last")
				closeLog(t, l)
				if got := w.ids(t); !slices.Equal(got, append(want, "last")) {
					t.Errorf("on record are %v", got)
				}
				if r := w.verify(t, time.Now()); !r.Intact() {
					t.Errorf("%+v", r.Findings)
				}
			})
		})
	}
}

// An event that waits for a locked store that hangs is in the spool, and is
// shipped once.
func TestLockedWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		w.trap.fail("archive", nil)
		ctx, cancel := contextWithTimeout(t, 3*time.Second)
		defer cancel()
		began := time.Now()
		err := l.Record(ctx, event("a"), Locked)
		if !errors.Is(err, ErrUnavailable) || !isDeadline(err) || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := l.Ready(ctx, Spooled); !isDeadline(err) {
			t.Errorf("ready with a context that ended: %v", err)
		}
		w.trap.heal("archive")
		record(t, l, Locked, "b")
		if got := w.ids(t); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("on record are %v", got)
		}
	})
}

func TestSpoolAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		record(t, l, Locked, "a")
		w.trap.fail("spool", blobstore.ErrUnavailable)
		for _, d := range []Durability{Spooled, Locked} {
			if err := l.Record(t.Context(), event("b"), d); !errors.Is(err, ErrUnavailable) {
				t.Errorf("recording: %v", err)
			}
			for range 2 {
				if err := l.Ready(t.Context(), d); !errors.Is(err, ErrUnavailable) {
					t.Errorf("ready: %v", err)
				}
			}
		}
		if s := l.Stats(); !s.Refusing || s.SpoolFailures != 2 {
			t.Errorf("%+v", s)
		}
		w.trap.heal("spool")
		time.Sleep(time.Second)
		for _, d := range []Durability{Spooled, Locked} {
			if err := l.Ready(t.Context(), d); err != nil {
				t.Errorf("ready afterwards: %v", err)
			}
		}
		record(t, l, Locked, "c")
		closeLog(t, l)
		if got := w.ids(t); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("on record are %v", got)
		}
		if r := w.verify(t, time.Now()); !r.Intact() {
			t.Errorf("%+v", r.Findings)
		}
	})
}

// Whoever asks for a proof within a second shares one heartbeat, and a segment
// of events is a proof too.
func TestProofs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		ask := func() {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if err := l.Ready(t.Context(), Locked); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		ask()
		ask()
		if n := len(w.archive.names()); n != 1 {
			t.Errorf("%d segments for a proof", n)
		}
		time.Sleep(2 * time.Second)
		record(t, l, Locked, "a")
		ask()
		if n := len(w.archive.names()); n != 2 {
			t.Errorf("%d segments for two proofs", n)
		}
		time.Sleep(2 * time.Second)
		ask()
		closeLog(t, l)
		r := w.verify(t, time.Now())
		if !r.Intact() || r.Chains[0].Segments != 4 {
			t.Errorf("%+v", r)
		}
	})
}

// A clock that goes back a little stands still for the log; one that goes back by
// much begins a new chain.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		offset := time.Duration(0)
		l := w.open(t, func(c *Config) {
			c.Now = func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return time.Now().Add(offset)
			}
		})
		step := func(d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			offset += d
		}
		record(t, l, Spooled, "a")
		step(-10 * time.Second)
		record(t, l, Locked, "b")
		step(-time.Hour)
		record(t, l, Locked, "c")
		record(t, l, Spooled, "d")
		step(2 * time.Hour)
		record(t, l, Locked, "e")
		closeLog(t, l)
		if r := w.verify(t, time.Now()); !r.Intact() || len(r.Chains) != 2 {
			t.Errorf("%+v", r)
		}
		if got := w.ids(t); !slices.Equal(got, []string{"c", "d", "a", "b", "e"}) {
			t.Errorf("on record are %v", got)
		}
	})
}

// Heads are renewed while nothing happens, so that a chain that is alive is seen
// to be.
func TestHeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		record(t, l, Locked, "a")
		time.Sleep(time.Hour)
		if r := w.verify(t, time.Now()); !r.Intact() || r.Chains[0].Closed {
			t.Errorf("idle: %+v", r)
		}
		w.trap.fail("heads", blobstore.ErrUnavailable)
		time.Sleep(10 * time.Minute)
		r := w.verify(t, time.Now())
		if len(r.Findings) != 1 || r.Findings[0].Kind != Unclosed || r.Findings[0].Number != 1 {
			t.Errorf("without heads: %+v", r)
		}
		if s := l.Stats(); s.HeadFailures == 0 {
			t.Errorf("%+v", s)
		}
		w.trap.heal("heads")
		time.Sleep(2 * time.Second)
		if r := w.verify(t, time.Now()); !r.Intact() {
			t.Errorf("afterwards: %+v", r)
		}
		w.kill(l)
		time.Sleep(10 * time.Minute)
		r = w.verify(t, time.Now())
		if len(r.Findings) != 1 || r.Findings[0].Kind != Unclosed {
			t.Errorf("after a crash: %+v", r)
		}
		closeLog(t, w.open(t))
		if r := w.verify(t, time.Now()); !r.Intact() || !r.Chains[0].Closed {
			t.Errorf("after the next run: %+v", r)
		}
	})
}
