package audit

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// TestForgedBySigner finds what contradicts itself although it is signed with the
// right key.
func TestForgedBySigner(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	const chain, next = "20261122-aaaaaaaaaaaaaaaaaaaaaaaaaa", "20261122-bbbbbbbbbbbbbbbbbbbbbbbbbb"
	for what, c := range map[string]struct {
		change func(number int64, h *segment.Header)
		kinds  []segment.Kind
		head   *segment.Head
		link   *segment.Link // what another chain says it came after
		want   int64
	}{
		"nothing":                       {want: -1},
		"a number left out":             {change: func(n int64, h *segment.Header) { h.Number += n / 3 }, want: 3},
		"a number twice":                {change: func(n int64, h *segment.Header) { h.Number -= n / 3 }, want: 2},
		"events left out":               {change: func(n int64, h *segment.Header) { h.FirstEvent += n / 3 }, want: 3},
		"another segment before":        {change: func(n int64, h *segment.Header) { swap(n == 2, &h.Previous, segment.Hash(nil)) }, want: 2},
		"another time before":           {change: func(n int64, h *segment.Header) { swap(n == 3, &h.PreviousTime, begin) }, want: 3},
		"another server":                {change: func(n int64, h *segment.Header) { swap(n == 3, &h.Server, "x") }, want: 3},
		"a segment after the last":      {kinds: []segment.Kind{segment.Events, segment.Closed, segment.Events}, want: 3},
		"a head of another segment":     {head: &segment.Head{Number: 2, Hash: segment.Hash(nil), Events: 2}, want: 2},
		"a head of another last":        {head: &segment.Head{Number: 3, Hash: segment.Hash(nil), Events: 2}, want: 3},
		"a head that counts more":       {head: &segment.Head{Number: 4, Hash: segment.Hash(nil), Events: 2}, want: 4},
		"a chain after more":            {link: &segment.Link{Chain: chain, Number: 5, Hash: segment.Hash(nil)}, want: 4},
		"a chain after another segment": {link: &segment.Link{Chain: chain, Number: 3, Hash: segment.Hash(nil)}, want: 3},
	} {
		w := newWorld()
		if c.kinds == nil {
			c.kinds = []segment.Kind{segment.Events, segment.Events, segment.Closed}
		}
		h := segment.Header{Chain: chain, Number: 1, FirstEvent: 1, Server: "s"}
		for i, kind := range c.kinds {
			h.Kind, h.Time = kind, begin.Add(time.Duration(i)*time.Second)
			if c.change != nil {
				c.change(int64(i+1), &h)
			}
			h = forge(t, w, h).Next()
		}
		if c.head != nil {
			c.head.Chain, c.head.Time, c.head.SegmentTime = chain, begin.Add(time.Minute), begin
			file, err := c.head.Seal(t.Context(), signer{w.key, w.trap})
			if err != nil {
				t.Fatal(err)
			}
			w.data.objects[segment.HeadOf(chain)] = file
		}
		if c.link != nil {
			forge(t, w, segment.Header{Chain: next, Number: 1, FirstEvent: 1, Server: "s", Kind: segment.Closed, Time: begin.Add(time.Minute), After: c.link})
		}
		got := changedLog{world: w, asOf: begin.Add(2 * time.Minute)}.broken(t, chain)
		if got != c.want {
			t.Errorf("%s: segment %d is said to be broken, want %d", what, got, c.want)
		}
	}
}

func swap[T any](really bool, value *T, with T) {
	if really {
		*value = with
	}
}

// forge writes a segment with that header, and an event if it is of that kind.
func forge(t *testing.T, w *world, h segment.Header) *segment.Segment {
	t.Helper()
	var lines []byte
	if h.Kind == segment.Events {
		e := event("x")
		e.Time = h.Time
		var err error
		if lines, err = encode(e); err != nil {
			t.Fatal(err)
		}
	}
	file, err := segment.Seal(t.Context(), signer{w.key, w.trap}, h, lines)
	if err != nil {
		t.Fatal(err)
	}
	w.archive.set(h.Object(), file)
	s, err := segment.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestListTies orders events of one moment by their chains, whichever segment
// began first.
func TestListTies(t *testing.T) {
	t.Parallel()
	w := newWorld()
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	later := begin.Add(time.Second)
	never := func(int) bool { return false }
	writeChain(t, w, "20261122-bbbbbbbbbbbbbbbbbbbbbbbbbb", []Event{{ID: "1", Time: begin}, {ID: "3", Time: later}}, never)
	writeChain(t, w, "20261122-aaaaaaaaaaaaaaaaaaaaaaaaaa", []Event{{ID: "2", Time: later}}, never)
	q := Query{From: begin, To: later.Add(time.Second), Size: 1}
	var got []string
	for first := true; first || q.Token != ""; first = false {
		page, err := w.reader().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			got = append(got, e.ID)
		}
		q.Token = page.Next
	}
	if !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("%v", got)
	}
}

// TestBatches cuts what waits where a batch must end.
func TestBatches(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 8, 59, 59, 0, time.UTC)
	for what, c := range map[string]struct {
		times []time.Time
		size  int
		want  int
	}{
		"together":       {times: []time.Time{at, at, at}, want: 3},
		"another minute": {times: []time.Time{at, at, at.Add(time.Second)}, want: 2},
		"back in time":   {times: []time.Time{at, at.Add(-time.Millisecond), at}, want: 1},
		"too large":      {times: []time.Time{at, at, at}, size: maxBatch/2 + 1, want: 1},
		"large alone":    {times: []time.Time{at, at}, size: maxBatch + 1, want: 1},
		"none":           {},
	} {
		l := &Log{}
		for _, at := range c.times {
			l.queue = append(l.queue, &entry{time: at, line: make([]byte, c.size)})
		}
		if got := len(l.take()); got != c.want || len(l.queue) != len(c.times)-c.want {
			t.Errorf("%s: %d of %d are taken", what, got, len(c.times))
		}
	}
}

// TestShipperIsQuicker lets the shipper be done with a batch before its writer
// looks again.
func TestShipperIsQuicker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newWorld().open(t)
		for number, want := range map[int64]bool{4: true, 5: true, 6: false} {
			en := &entry{locked: true, spooled: make(chan struct{}), shipped: make(chan struct{})}
			l.mu.Lock()
			l.shippedTo = 5
			l.mu.Unlock()
			l.appended([]*entry{en}, number, nil)
			select {
			case <-en.shipped:
				if !want {
					t.Errorf("batch %d is said to be shipped", number)
				}
			default:
				if want {
					t.Errorf("batch %d is waited for", number)
				}
			}
		}
	})
}

// TestClockAfterHeartbeat lets the clock go back a little after a segment that has
// no events.
func TestClockAfterHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var back atomic.Int64
		l := w.open(t, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) } })
		for n := range 3 {
			time.Sleep(20 * time.Second)
			if err := l.Ready(t.Context(), Locked); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			back.Add(int64(5 * time.Second))
			record(t, l, Locked, fmt.Sprint(n))
			time.Sleep(2 * time.Second)
		}
		closeLog(t, l)
		if r := w.verify(t, time.Now()); !r.Intact() || len(r.Chains) != 1 || r.Chains[0].Segments != 7 {
			t.Errorf("%+v", r)
		}
	})
}
