package audit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// life is what a server does in its run: it gives the events that it was told
// are on record.
func life(t *testing.T, w *world, run int) (acknowledged []string, ended bool) {
	t.Helper()
	l, err := Open(t.Context(), w.config())
	if err != nil {
		return nil, false
	}
	defer w.kill(l)
	for n := range 6 {
		ctx, cancel := contextWithTimeout(t, 2*time.Second)
		id := fmt.Sprintf("%d/%d", run, n)
		if l.Record(ctx, event(id), []Durability{Spooled, Spooled, Locked}[n%3]) == nil {
			acknowledged = append(acknowledged, id)
		}
		if n == 4 {
			time.Sleep(1500 * time.Millisecond)
			_ = l.Ready(ctx, Locked)
		}
		cancel()
	}
	ctx, cancel := contextWithTimeout(t, 2*time.Second)
	defer cancel()
	return acknowledged, l.Close(ctx) == nil
}

// TestCrash ends the process at every single step, before and after it is done,
// and again while the next run recovers. No acknowledged event is lost, and none
// is there twice.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("after %v again %v", after, again), func(t *testing.T) {
				t.Parallel()
				for step, ended := 1, false; !ended; step++ {
					synctest.Test(t, func(t *testing.T) { ended = crashAt(t, step, after, again) })
					if step > 500 || t.Failed() {
						t.Fatalf("failed or endless at step %d", step)
					}
				}
			})
		}
	}
}

func crashAt(t *testing.T, step int, after, again bool) (ended bool) {
	w := newWorld()
	w.trap.dieAt, w.trap.after = step, after
	acknowledged, ended := life(t, w, 0)
	w.trap.reset()
	time.Sleep(time.Duration(rand.IntN(90)) * time.Second)
	if again {
		w.trap.dieAt, w.trap.after = 1+rand.IntN(12), after
		more, _ := life(t, w, 1)
		acknowledged = append(acknowledged, more...)
		w.trap.reset()
	}
	l := w.open(t)
	record(t, l, Spooled, "last")
	closeLog(t, l)
	got := w.ids(t)
	for _, id := range append(acknowledged, "last") {
		if !slices.Contains(got, id) {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	if slices.Sort(got); len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("some of %v are on record twice", got)
	}
	if r := w.verify(t, time.Now()); !r.Intact() {
		t.Errorf("%+v", r.Findings)
	}
	return ended
}

// Two servers begin with copies of one spool: no event is lost, and what both
// had is on record once.
func TestCopiedSpool(t *testing.T) {
	t.Parallel()
	for _, shipped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.trap.fail("archive", errDead)
			l := w.open(t)
			record(t, l, Spooled, "a", "b")
			other := *w
			other.spool = w.spool.copy(w.trap)
			if shipped { // the original goes on
				record(t, l, Spooled, "c")
				w.trap.heal("archive")
				record(t, l, Locked, "d")
			} else { // both begin anew
				w.kill(l)
				w.trap.heal("archive")
				l = w.open(t)
				record(t, l, Locked, "d")
			}
			copied := other.open(t)
			record(t, copied, Locked, "e")
			closeLog(t, copied)
			time.Sleep(2 * time.Minute)
			record(t, l, Locked, "f")
			closeLog(t, l)
			got := slices.Sorted(slices.Values(w.ids(t)))
			want := []string{"a", "b", "c", "d", "e", "f"}
			if !shipped {
				want = []string{"a", "b", "d", "e", "f"}
			}
			if !slices.Equal(got, want) {
				t.Errorf("on record are %v", got)
			}
		})
	}
}

// A segment of somebody else in the place of ours does not hold up the log.
func TestForeignSegment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		record(t, l, Locked, "a")
		time.Sleep(time.Second)
		w.trap.fail("archive", errDead)
		record(t, l, Spooled, "b")
		next, batches, _ := l.spool.Next(maxBatch)
		h := next.Next
		h.Kind, h.Time = segment.Events, batches[0].First
		w.archive.set(h.Object(), []byte("not ours\n"))
		w.trap.heal("archive")
		record(t, l, Locked, "c")
		closeLog(t, l)
		w.archive.remove(h.Object())
		if got := w.ids(t); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("on record are %v", got)
		}
	})
}

// A server whose chain was retired comes back, and what it had not shipped is not
// lost.
func TestRetire(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			c := w.config()
			l := w.open(t)
			record(t, l, Locked, "a")
			chain := l.spool.Chains()[0].Next.Chain
			time.Sleep(time.Minute)
			retire := func() (bool, error) {
				return w.reader().Retire(t.Context(), c.Archive, c.Heads, c.Signer, chain, time.Now())
			}
			if _, err := retire(); err == nil {
				t.Error("a chain that is alive was retired")
			}
			if behind {
				w.trap.fail("archive", errDead)
				record(t, l, Spooled, "b")
				time.Sleep(time.Second)
			}
			w.kill(l)
			w.trap.reset()
			time.Sleep(10 * time.Minute)
			if r := w.verify(t, time.Now()); len(r.Findings) != 1 || r.Findings[0].Kind != Unclosed {
				t.Errorf("%+v", r)
			}
			for again := range 2 {
				if closed, err := retire(); err != nil || closed != (again == 0) {
					t.Fatal(closed, err)
				}
			}
			if r := w.verify(t, time.Now()); !r.Intact() || !r.Chains[0].Closed {
				t.Errorf("%+v", r)
			}
			l = w.open(t)
			record(t, l, Locked, "c")
			closeLog(t, l)
			want := []string{"a", "c"}
			if behind {
				want = []string{"a", "b", "c"}
			}
			if got := w.ids(t); !slices.Equal(got, want) {
				t.Errorf("on record are %v", got)
			}
			if r := w.verify(t, time.Now()); !r.Intact() {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A server whose chain somebody else closed while it runs goes on in another.
func TestClosedByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.open(t)
		record(t, l, Locked, "a")
		time.Sleep(2 * time.Second)
		before := l.spool.Chains()[0].Next
		head := segment.Head{Chain: before.Chain, Number: 2, Hash: before.Previous, Time: time.Now().UTC(), SegmentTime: time.Now().UTC(), Closed: true}
		file, err := head.Seal(t.Context(), signer{w.key, w.trap})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.config().Heads.Put(t.Context(), segment.HeadOf(before.Chain), file, noCondition); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		record(t, l, Locked, "b")
		closeLog(t, l)
		if n := len(w.archive.of(before.Chain)); n != 1 {
			t.Errorf("%d segments in a chain that was closed after one", n)
		}
		if got := w.ids(t); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("on record are %v", got)
		}
	})
}
