// Package limit bounds what one caller can ask for: calls a second, by what they
// do, and calls at once. So no caller takes the place of the others, and who has
// stolen a certificate or a token is slow at carrying things away: with the bounds
// that hold where nothing is configured 100 secrets a second by way of a machine,
// and 2 as a person.
//
// Callers are known by their principal, machines and people with bounds of their
// own. What is refused is slowed down besides ([Limiter.Refused]): each refusal is
// on record for years, and a flood of them must not fill the audit log.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Reasons of refusals, in the `reason` of google.rpc.ErrorInfo.
const (
	// ReasonRate is a caller that calls too often.
	ReasonRate = "RATE_LIMITED"
	// ReasonConcurrent is a caller with too many calls under way.
	ReasonConcurrent = "TOO_MANY_CALLS"
)

// Rates bound one caller. Each is above zero.
type Rates struct {
	// Read, Write, Reveal and Verify are calls a second; what ends something for
	// good counts as Write.
	Read, Write, Reveal, Verify int
	// Burst is how many seconds' worth of calls may come at once.
	Burst int
	// Concurrent is how many calls may be under way, Streams how many of them
	// uploads and downloads.
	Concurrent, Streams int
}

// Machines and People are the bounds where the configuration says nothing.
func Machines() Rates {
	return Rates{Read: 5000, Write: 2000, Reveal: 100, Verify: 20, Burst: 2, Concurrent: 512, Streams: 128}
}

// People are the bounds of a person where the configuration says nothing: more
// than anybody clicks, and far less than a program does.
func People() Rates {
	return Rates{Read: 20, Write: 10, Reveal: 2, Verify: 1, Burst: 10, Concurrent: 16, Streams: 4}
}

const (
	// busy is how long a caller with too many calls under way is asked to wait.
	busy = 100 * time.Millisecond
	// refusals is how many refused calls of one caller are answered a second,
	// and refusalBurst how many at once; further ones wait, and so many at most.
	refusals        = 20
	refusalBurst    = 200
	refusalsWaiting = 100
	// forgetAfter is how long a caller is remembered that does not call.
	forgetAfter = 10 * time.Minute
)

// Limiter counts what callers do. It is safe for concurrent use.
type Limiter struct {
	now func() time.Time

	mu               sync.Mutex
	machines, people Rates
	callers          map[string]*caller
	swept            time.Time
}

// caller is what one caller has used up.
type caller struct {
	person  bool
	rates   [4]*rate.Limiter
	refused *rate.Limiter
	waiting int // refused calls that wait
	skipped int // refused calls since the last that was to be recorded
	calls   int
	streams int
	last    time.Time
}

// New makes a limiter with bounds for machines and for people. The clock is
// time.Now where nil.
func New(machines, people Rates, now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{now: now, machines: machines, people: people, callers: map[string]*caller{}}
}

// Set changes the bounds; what callers have used up of the old ones is forgotten.
func (l *Limiter) Set(machines, people Rates) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machines, l.people = machines, people
	for _, c := range l.callers {
		c.rates = l.ratesOf(c.person)
	}
}

// Begin lets a call begin, or refuses it with an error of kind Exhausted that
// says when to try again. The caller calls end when the call has ended.
func (l *Limiter) Begin(principal string, person bool, effect wertfachv1.Effect, stream bool) (end func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, bounds := l.caller(principal, person), l.machines
	if person {
		bounds = l.people
	}
	if c.calls >= bounds.Concurrent || stream && c.streams >= bounds.Streams {
		return nil, refusal(ReasonConcurrent, "too many calls of this caller are under way", busy)
	}
	now := l.now()
	taken := c.rates[class(effect)].ReserveN(now, 1)
	if wait := taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
		return nil, refusal(ReasonRate, "the caller calls too often", wait)
	}
	c.count(1, stream)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.count(-1, stream)
		c.last = l.now()
	}), nil
}

// Refused holds a refused call of that caller back before it is put on record and
// answered, if the caller has many of them: up to five seconds, whether or not the
// caller still waits, since who gives up at once would else be held back by
// nothing. Of a caller with a hundred waiting already, record is false: the call
// is answered without a record of its own, and skipped counts such calls in the
// record of the next.
func (l *Limiter) Refused(principal string, person bool) (skipped int, record bool) {
	l.mu.Lock()
	c := l.caller(principal, person)
	if c.waiting >= refusalsWaiting {
		c.skipped++
		l.mu.Unlock()
		return 0, false
	}
	c.waiting++
	wait := c.refused.ReserveN(l.now(), 1).DelayFrom(l.now())
	l.mu.Unlock()
	time.Sleep(wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.waiting--
	skipped, c.skipped = c.skipped, 0
	return skipped, true
}

func (c *caller) count(n int, stream bool) {
	c.calls += n
	if stream {
		c.streams += n
	}
}

// caller is what is known of a caller. It is called with the lock.
func (l *Limiter) caller(principal string, person bool) *caller {
	now := l.now()
	if now.Sub(l.swept) > forgetAfter {
		l.swept = now
		for id, c := range l.callers {
			if c.calls == 0 && c.waiting == 0 && now.Sub(c.last) > forgetAfter {
				delete(l.callers, id)
			}
		}
	}
	c := l.callers[principal]
	if c == nil {
		c = &caller{person: person, rates: l.ratesOf(person), refused: rate.NewLimiter(refusals, refusalBurst)}
		l.callers[principal] = c
	}
	c.last = now
	return c
}

// ratesOf are fresh limiters, by class.
func (l *Limiter) ratesOf(person bool) [4]*rate.Limiter {
	r := l.machines
	if person {
		r = l.people
	}
	var all [4]*rate.Limiter
	for class, n := range [4]int{r.Read, r.Write, r.Reveal, r.Verify} {
		all[class] = rate.NewLimiter(rate.Limit(n), n*r.Burst)
	}
	return all
}

// class is the place of an effect's limiter.
func class(effect wertfachv1.Effect) int {
	switch effect {
	case wertfachv1.Effect_EFFECT_READ:
		return 0
	case wertfachv1.Effect_EFFECT_REVEAL:
		return 2
	case wertfachv1.Effect_EFFECT_VERIFY:
		return 3
	default:
		return 1
	}
}

func refusal(reason, message string, wait time.Duration) error {
	e := fault.New(fault.Exhausted, reason, "%s", message)
	e.RetryAfter = wait
	return e
}
