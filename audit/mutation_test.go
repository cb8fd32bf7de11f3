package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// changedLog is a small log that was written and can be changed: a chain that is closed,
// one after it that is not, and one of another server.
type changedLog struct {
	*world
	asOf                   time.Time
	closed, running, other string
}

// changed gives logs, each a fresh copy of the same one.
func changed(t *testing.T) func() changedLog {
	t.Helper()
	w := newWorld()
	var asOf time.Time
	var chains []string
	synctest.Test(t, func(t *testing.T) {
		other := *w
		other.spool = newMemory("spool", w.trap)
		second := other.open(t, func(c *Config) { c.Server = "two" })
		for run := range 2 {
			l := w.open(t)
			chains = append(chains, l.spool.Chains()[0].Next.Chain)
			for n := range 3 {
				record(t, l, Spooled, fmt.Sprintf("%d/%d", run, n))
				record(t, l, Locked, fmt.Sprintf("%d/%d", run, n))
				record(t, second, Locked, fmt.Sprintf("two/%d/%d", run, n))
				time.Sleep(40 * time.Second)
			}
			if run == 0 {
				closeLog(t, l)
			}
		}
		chains = append(chains, second.spool.Chains()[0].Next.Chain)
		time.Sleep(10 * time.Minute)
		asOf = time.Now()
	})
	return func() changedLog {
		c := *w
		c.data = w.data.copy(w.trap)
		c.archive = &lockbox{trap: w.trap, objects: maps.Clone(w.archive.objects)}
		return changedLog{&c, asOf, chains[0], chains[1], chains[2]}
	}
}

// broken is the first broken segment of a chain, by what is found.
func (l changedLog) broken(t *testing.T, chain string) int64 {
	t.Helper()
	for _, f := range l.verify(t, l.asOf).Findings {
		if f.Kind == Broken && f.Chain == chain {
			return f.Number
		}
	}
	return -1
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	r := l.verify(t, l.asOf)
	if !r.Intact() || len(r.Chains) != 3 {
		t.Fatalf("%+v", r)
	}
	for i, events := range []int64{6, 6, 6} {
		if c := r.Chains[i]; c.Events != events || c.Segments < 3 || c.Closed != (c.ID == l.closed) {
			t.Errorf("%+v", c)
		}
	}
}

// TestEveryByte changes each byte of a log in some way.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	l := changedLog{world: newWorld()}
	synctest.Test(t, func(t *testing.T) {
		log := l.open(t)
		record(t, log, Locked, "a")
		if err := log.Record(t.Context(), Event{ID: "b", Code: "OK"}, Locked); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		l.asOf = time.Now()
	})
	for _, name := range l.archive.names() {
		n, _ := segment.ParseName(name)
		whole := l.archive.get(name)
		for i := range whole {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << (i % 8)
			l.archive.set(name, flipped)
			if got := l.broken(t, n.Chain); got != n.Number {
				t.Fatalf("byte %d of %s: segment %d is said to be broken", i, name, got)
			}
		}
		for _, cut := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			l.archive.set(name, whole[:cut])
			if got := l.broken(t, n.Chain); got != n.Number {
				t.Errorf("%s cut to %d bytes: segment %d is said to be broken", name, cut, got)
			}
		}
		l.archive.set(name, append(bytes.Clone(whole), '\n'))
		if got := l.broken(t, n.Chain); got != n.Number {
			t.Errorf("%s with a line more: segment %d is said to be broken", name, got)
		}
		l.archive.set(name, whole)
	}
	for name, whole := range maps.Clone(l.data.objects) {
		chain, _ := segment.ParseHeadName(name)
		for i := range whole {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << (i % 8)
			l.data.objects[name] = flipped
			if l.broken(t, chain) < 0 {
				t.Fatalf("byte %d of %s is not missed", i, name)
			}
		}
		l.data.objects[name] = whole
	}
	if r := l.verify(t, l.asOf); !r.Intact() {
		t.Errorf("put back, and still %+v", r.Findings)
	}
}

// TestEverySegment removes, moves and replaces each segment.
func TestEverySegment(t *testing.T) {
	t.Parallel()
	fresh := changed(t)
	names := fresh().archive.names()
	for i, name := range names {
		n, _ := segment.ParseName(name)
		later := n
		later.Time = n.Time.Add(7 * time.Minute)
		earlier := n
		earlier.Time = n.Time.Add(-3 * time.Hour)
		for what, change := range map[string]func(changedLog){
			"removed":         func(l changedLog) { l.archive.remove(name) },
			"renamed later":   func(l changedLog) { l.archive.set(later.String(), l.archive.get(name)); l.archive.remove(name) },
			"renamed earlier": func(l changedLog) { l.archive.set(earlier.String(), l.archive.get(name)); l.archive.remove(name) },
			"replaced by another": func(l changedLog) {
				l.archive.set(name, l.archive.get(names[(i+1)%len(names)]))
			},
			"signed by another key": func(l changedLog) {
				key := *l.world
				key.key = newKey(9)
				l.archive.set(name, resign(t, key, l.archive.get(name), func(*segment.Header) {}))
			},
			"signed again with another predecessor": func(l changedLog) {
				l.archive.set(name, resign(t, *l.world, l.archive.get(name), func(h *segment.Header) {
					if h.Number > 1 {
						h.Previous = segment.Hash([]byte("x"))
					} else {
						h.Server = "x"
					}
				}))
			},
		} {
			l := fresh()
			change(l)
			want := n.Number
			if what == "signed again with another predecessor" && n.Number == 1 {
				want = 2 // which says what it came after
			}
			if got := l.broken(t, n.Chain); got != want {
				t.Errorf("%s %s: segment %d is said to be broken, of %+v", name, what, got, l.verify(t, l.asOf).Findings)
			}
		}
		for _, other := range fresh().archive.of(n.Chain) {
			l := fresh()
			m, _ := segment.ParseName(other)
			if m.Number != n.Number+1 && m.Number != n.Number+3 {
				continue
			}
			one, two := l.archive.get(name), l.archive.get(other)
			l.archive.set(name, two)
			l.archive.set(other, one)
			if got := l.broken(t, n.Chain); got != min(n.Number, m.Number) {
				t.Errorf("%d and %d of %s swapped: segment %d is said to be broken", n.Number, m.Number, n.Chain, got)
			}
		}
		l := fresh()
		copied := n
		copied.Time = n.Time.Add(time.Second)
		l.archive.set(copied.String(), l.archive.get(name))
		if got := l.broken(t, n.Chain); got != n.Number {
			t.Errorf("%s twice: segment %d is said to be broken", name, got)
		}
		versions := l.archive.objects[name]
		for kind, v := range map[FindingKind][]version{
			Hidden:      {{data: versions[0].data, hidden: true}},
			Overwritten: {versions[0], {data: []byte("x")}},
		} {
			l := fresh()
			l.archive.objects[name] = v
			r := l.verify(t, l.asOf)
			if len(r.Findings) != 1 || r.Findings[0].Kind != kind || r.Findings[0].Number != n.Number || r.Findings[0].Segment != name {
				t.Errorf("%s %s: %+v", name, kind, r.Findings)
			}
		}
	}
}

// TestEnds removes the ends of chains, their heads, and whole chains.
func TestEnds(t *testing.T) {
	t.Parallel()
	fresh := changed(t)
	first := fresh()
	for _, chain := range []string{first.closed, first.running, first.other} {
		names := first.archive.of(chain)
		for keep := range len(names) {
			l := fresh()
			for _, name := range names[keep:] {
				l.archive.remove(name)
			}
			if got := l.broken(t, chain); got != int64(keep+1) {
				t.Errorf("%d segments kept of %d: segment %d is said to be broken", keep, len(names), got)
			}
			// Somebody who removes the head as well must leave a closed end.
			delete(l.data.objects, segment.HeadOf(chain))
			switch got := l.broken(t, chain); {
			case keep == 0 && chain != first.closed: // nothing is left that could tell
			case keep == 0 && got != 1, keep > 0 && got != int64(keep+1):
				t.Errorf("%d segments kept of %d and no head: segment %d is said to be broken", keep, len(names), got)
			}
		}
		l := fresh()
		delete(l.data.objects, segment.HeadOf(chain))
		if got := l.broken(t, chain); (got > 0) != (chain != l.closed) {
			t.Errorf("no head: segment %d is said to be broken", got)
		}
	}
}

// TestOldHead puts back an older head, with the end that it told of or without.
func TestOldHead(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	names := l.archive.of(l.running)
	s, err := segment.Read(l.archive.get(names[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range []bool{false, true} {
		for _, removed := range []bool{false, true} {
			if removed {
				for _, name := range names[2:] {
					l.archive.remove(name)
				}
			}
			head := segment.Head{
				Chain: l.running, Number: 2, Hash: s.Hash, SegmentTime: s.Header.Time, Events: s.NextEvent() - 1,
				Time: s.Last.Add(time.Second), Closed: closed,
			}
			l.asOf = head.Time.Add(10 * time.Minute)
			file, err := head.Seal(t.Context(), signer{l.key, l.trap})
			if err != nil {
				t.Fatal(err)
			}
			l.data.objects[segment.HeadOf(l.running)] = file
			if r := l.verify(t, l.asOf); !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Chain == l.running }) {
				t.Errorf("closed %v, end removed %v: nothing is found", closed, removed)
			}
		}
	}
}

func TestStrangeObjects(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	for _, name := range []string{"segments/x", "segments/2026-11-22/01/x", strings.Replace(l.archive.names()[0], "-0000", "-00000", 1)} {
		l.archive.set(name, []byte("x"))
		r := l.verify(t, l.asOf)
		if len(r.Findings) != 1 || r.Findings[0].Kind != Foreign || r.Findings[0].Segment != name {
			t.Errorf("%s: %+v", name, r.Findings)
		}
		l.archive.remove(name)
	}
}

// TestFromADay takes the first segment of that day for good, if none of that day
// is missing before it.
func TestFromADay(t *testing.T) {
	t.Parallel()
	w := newWorld()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(23*time.Hour + 50*time.Minute)))
		l := w.open(t)
		for n := range 5 { // two of them before midnight
			record(t, l, Locked, fmt.Sprint(n))
			time.Sleep(6 * time.Minute)
		}
		closeLog(t, l)
		names := w.archive.names()
		verify := func() Report {
			r, err := w.reader().Verify(t.Context(), time.Now(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := verify(); !r.Intact() || r.Chains[0].Segments != 4 {
			t.Errorf("%+v of %v", r, names)
		}
		whole := w.archive.get(names[2])
		w.archive.remove(names[2])
		if r := verify(); len(r.Findings) != 1 || r.Findings[0].Number != 3 {
			t.Errorf("%+v", r)
		}
		w.archive.set(names[2], whole)
		w.archive.remove(names[0])
		if r := verify(); !r.Intact() {
			t.Errorf("%+v", r)
		}
		for _, name := range names[2:] {
			w.archive.remove(name)
		}
		if r := verify(); len(r.Findings) != 1 || r.Findings[0].Kind != Broken {
			t.Errorf("%+v", r)
		}
	})
}
