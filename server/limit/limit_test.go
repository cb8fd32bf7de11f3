package limit_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/limit"
)

const (
	read        = wertfachv1.Effect_EFFECT_READ
	write       = wertfachv1.Effect_EFFECT_WRITE
	reveal      = wertfachv1.Effect_EFFECT_REVEAL
	irrevocable = wertfachv1.Effect_EFFECT_IRREVOCABLE
	verify      = wertfachv1.Effect_EFFECT_VERIFY
)

func rates(n int) limit.Rates {
	return limit.Rates{Read: n, Write: n, Reveal: n, Verify: n, Burst: 1, Concurrent: 100, Streams: 100}
}

// spend makes calls, each ended at once, until one is refused.
func spend(t *testing.T, l *limit.Limiter, who string, person bool, effect wertfachv1.Effect) (taken int, refused *fault.Error) {
	t.Helper()
	for range 1000 {
		end, err := l.Begin(who, person, effect, false)
		if err != nil {
			if !errors.As(err, &refused) || refused.Kind != fault.Exhausted {
				t.Fatalf("refused with %v", err)
			}
			return taken, refused
		}
		end()
		taken++
	}
	t.Fatal("never refused")
	return 0, nil
}

func TestRates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(rates(10), rates(2), nil)
		for _, effect := range []wertfachv1.Effect{read, write, reveal, verify} {
			taken, err := spend(t, l, "m", false, effect)
			if taken != 10 || err.Reason != limit.ReasonRate || err.RetryAfter <= 0 || err.RetryAfter > 100*time.Millisecond {
				t.Errorf("%v: %d calls, then %s after %v", effect, taken, err.Reason, err.RetryAfter)
			}
		}
		if taken, _ := spend(t, l, "m", false, irrevocable); taken != 0 {
			t.Errorf("what is for good has a rate of its own: %d", taken)
		}
		if taken, _ := spend(t, l, "other", false, read); taken != 10 {
			t.Errorf("another machine got %d calls", taken)
		}
		if taken, _ := spend(t, l, "p", true, read); taken != 2 {
			t.Errorf("a person got %d calls", taken)
		}
		time.Sleep(500 * time.Millisecond)
		if taken, _ := spend(t, l, "m", false, read); taken != 5 {
			t.Errorf("after half a second: %d calls", taken)
		}
		// Being refused costs nothing: whoever waits as told gets in.
		_, err := spend(t, l, "m", false, read)
		time.Sleep(err.RetryAfter)
		if taken, _ := spend(t, l, "m", false, read); taken != 1 {
			t.Errorf("after the wait that was told: %d calls", taken)
		}
	})
}

func TestAtOnce(t *testing.T) {
	t.Parallel()
	r := rates(1000)
	r.Concurrent, r.Streams = 3, 1
	l := limit.New(r, r, nil)
	endStream, err := l.Begin("m", false, read, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin("m", false, read, true); fault.ReasonOf(err) != limit.ReasonConcurrent {
		t.Errorf("a second stream: %v", err)
	}
	for range 2 {
		if _, err := l.Begin("m", false, read, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Begin("m", false, read, false); fault.ReasonOf(err) != limit.ReasonConcurrent {
		t.Errorf("a fourth call: %v", err)
	}
	if _, err := l.Begin("n", false, read, true); err != nil {
		t.Errorf("another caller: %v", err)
	}
	endStream()
	endStream() // counts once
	if _, err := l.Begin("m", false, read, true); err != nil {
		t.Errorf("after an end: %v", err)
	}
	if _, err := l.Begin("m", false, read, false); err == nil {
		t.Error("ending twice made room for two")
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(rates(5), rates(5), nil)
		spend(t, l, "m", false, read)
		spend(t, l, "p", true, read)
		l.Set(rates(7), rates(3))
		if taken, _ := spend(t, l, "m", false, read); taken != 7 {
			t.Errorf("machine: %d", taken)
		}
		if taken, _ := spend(t, l, "p", true, read); taken != 3 {
			t.Errorf("person: %d", taken)
		}
	})
}

// A caller that has gone is forgotten, one with a call under way is not.
func TestForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rates(1)
		r.Concurrent = 1
		l := limit.New(r, r, nil)
		if _, err := l.Begin("busy", false, read, false); err != nil {
			t.Fatal(err)
		}
		end, err := l.Begin("gone", false, read, false)
		if err != nil {
			t.Fatal(err)
		}
		end()
		if l.Known() != 2 {
			t.Errorf("%d callers known", l.Known())
		}
		time.Sleep(time.Hour)
		if _, err := l.Begin("busy", false, read, false); fault.ReasonOf(err) != limit.ReasonConcurrent {
			t.Errorf("its call under way was forgotten: %v", err)
		}
		if l.Known() != 1 {
			t.Errorf("%d callers known after an hour", l.Known())
		}
	})
}

// A flood of refused calls is answered slowly, whether or not the caller waits,
// and nobody else's are. What is too much is counted.
func TestRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(rates(1), rates(1), nil)
		refused := func(who string) (skipped int, record bool) { return l.Refused(who, false) }
		begun := time.Now()
		for range 300 {
			if skipped, record := refused("m"); skipped > 0 || !record {
				t.Fatalf("%d skipped, recorded %t", skipped, record)
			}
		}
		if took := time.Since(begun); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("300 refusals took %v", took)
		}
		begun = time.Now()
		if refused("n"); time.Since(begun) != 0 {
			t.Errorf("another caller waited %v", time.Since(begun))
		}
		var records, skips, told atomic.Int64
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				skipped, record := refused("m")
				told.Add(int64(skipped))
				if record {
					records.Add(1)
				} else {
					skips.Add(1)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); records.Load() != 100 || skips.Load() != 900 || told.Load() != 900 || took > 6*time.Second {
			t.Errorf("of 1000 at once %d are recorded, %d not, %d told, in %v", records.Load(), skips.Load(), told.Load(), took)
		}
	})
}
