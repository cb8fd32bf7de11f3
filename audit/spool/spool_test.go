package spool

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
)

var (
	key   = []byte("0123456789abcdef")
	begin = time.Date(2026, 11, 22, 8, 59, 58, 0, time.UTC)
)

func newStore(t *testing.T) *blobstore.Store {
	t.Helper()
	d, err := embedded.Open(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	s := blobstore.New(d)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t *testing.T, store *blobstore.Store) *Spool {
	t.Helper()
	s, err := Open(t.Context(), store, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func chain(seed string) Chain {
	return NewChain("20261122-"+(seed + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")[:26], "one", nil)
}

func lines(at ...time.Time) (out []byte) {
	for _, t := range at {
		out = fmt.Appendf(out, `{"id":"x","time":%q}`+"\n", t.Format(time.RFC3339Nano))
	}
	return out
}

// fill begins a chain and adds batches, a second apart, the third in another
// minute.
func fill(t *testing.T, s *Spool, seed string) {
	t.Helper()
	if err := s.Begin(t.Context(), chain(seed)); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		at := begin.Add(time.Duration(n) * time.Second)
		if _, err := s.Append(t.Context(), lines(at, at), 2, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// sealed is what a segment of the next batches would be.
func sealed(c Chain, batches []Batch, kind segment.Kind) *segment.Segment {
	h := c.Next
	h.Kind, h.Time = kind, begin
	s := &segment.Segment{Header: h, Hash: segment.Hash([]byte(h.Chain)), Last: begin}
	for _, b := range batches {
		s.Lines = append(s.Lines, make([][]byte, b.Events)...)
		s.Last = b.Last
	}
	return s
}

func TestFromRunToRun(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := open(t, store)
	fill(t, s, "a")
	fill(t, s, "b")
	check := func(s *Spool) {
		t.Helper()
		c, batches, current := s.Next(1 << 20)
		if c.Next.Chain != chain("a").Next.Chain || len(batches) != 2 || current {
			t.Fatalf("%+v, %d batches, current %v", c, len(batches), current)
		}
		if got, err := s.Lines(t.Context(), batches[1]); err != nil || !bytes.Equal(got, lines(begin.Add(time.Second), begin.Add(time.Second))) {
			t.Errorf("%s, %v", got, err)
		}
		if _, batches, _ := s.Next(1); len(batches) != 1 {
			t.Errorf("%d batches of one byte", len(batches))
		}
		if events, _, oldest := s.Held(); events != 16 || oldest.IsZero() {
			t.Errorf("%d events since %v", events, oldest)
		}
	}
	check(s)
	s = open(t, store)
	check(s)

	c, batches, _ := s.Next(1 << 20)
	numbers, err := s.Advance(t.Context(), 2, sealed(c, batches, segment.Events))
	if err != nil || len(numbers) != 2 {
		t.Fatal(numbers, err)
	}
	// What is shipped and not removed yet is removed by the next run.
	s = open(t, store)
	count := 0
	for _, err := range store.List(t.Context(), batchFolder) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	c, batches, _ = s.Next(1 << 20)
	if count != 6 || len(batches) != 2 || c.Next.Number != 2 || c.Next.FirstEvent != 5 || !c.Resumed {
		t.Fatalf("%d objects, %d batches of %+v", count, len(batches), c)
	}
	if err := s.Announce(t.Context(), Bare{segment.Closed, begin}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Advance(t.Context(), 2, sealed(c, batches, segment.Closed)); err != nil {
		t.Fatal(err)
	}
	c, batches, current := open(t, store).Next(1 << 20)
	if c.Next.Chain != chain("b").Next.Chain || len(batches) != 2 || !current || c.Next.After == nil || c.Next.After.Number != 2 {
		t.Errorf("%+v, %d batches", c, len(batches))
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := open(t, store)
	fill(t, s, "a")
	other := chain("c")
	if _, err := s.Leave(t.Context(), &other, 0); err != nil {
		t.Fatal(err)
	}
	c, batches, current := open(t, store).Next(1 << 20)
	if c.Next.Chain != other.Next.Chain || len(batches) != 2 || !current {
		t.Errorf("%+v, %d batches", c, len(batches))
	}
	s = open(t, store)
	if _, err := s.Leave(t.Context(), nil, 4); err != nil {
		t.Fatal(err)
	}
	s = open(t, store)
	if events, bytes, _ := s.Held(); events != 0 || bytes != 0 || len(s.Chains()) != 0 {
		t.Errorf("%d events are left, and %d chains", events, len(s.Chains()))
	}
}

// TestChanged changes whatever lies in a spool.
func TestChanged(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	fill(t, open(t, store), "a")
	refused := func(what string) {
		t.Helper()
		if _, err := Open(t.Context(), store, key); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	put := func(name string, data []byte) {
		t.Helper()
		if _, err := store.Put(t.Context(), name, data, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	contents := map[string][]byte{}
	for _, name := range []string{stateName, batchName(1), batchName(2), batchName(4)} {
		whole, _, err := store.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		contents[name] = whole
		for i := 0; i < len(whole); i += 1 + 2*len(contents)%7 { // each write is one to the disk
			changed := bytes.Clone(whole)
			changed[i] ^= 1
			put(name, changed)
			refused(fmt.Sprintf("byte %d of %s", i, name))
		}
		for _, cut := range []int{0, 1, len(whole) - 1} {
			put(name, whole[:cut])
			refused(fmt.Sprintf("%s cut to %d bytes", name, cut))
		}
		put(name, whole)
	}
	for _, name := range []string{stateName, batchName(1), batchName(2)} {
		if err := store.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		refused(name + " removed")
		put(name, contents[name])
	}
	put(batchName(2), contents[batchName(1)])
	refused("a batch in the place of another")
	put(batchName(2), contents[batchName(2)])
	put(batchFolder+"x", nil)
	refused("an object that is no batch")
	if err := store.Delete(t.Context(), batchFolder+"x"); err != nil {
		t.Fatal(err)
	}
	open(t, store)
	if _, err := Open(t.Context(), store, []byte("another key of 16 bytes")); !errors.Is(err, ErrChanged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Open(t.Context(), store, key[:15]); err == nil {
		t.Error("a key that is too short")
	}
}

// TestChangedWhileRunning reads nothing that was changed behind its back.
func TestChangedWhileRunning(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	fill(t, open(t, store), "a")
	s := open(t, store) // holds no lines in memory
	_, batches, _ := s.Next(1 << 20)
	whole, _, err := store.Get(t.Context(), batchName(1))
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := store.Get(t.Context(), batchName(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), batchName(1), other, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lines(t.Context(), batches[0]); !errors.Is(err, ErrChanged) {
		t.Errorf("another batch: %v", err)
	}
	whole[2] ^= 1
	if _, err := store.Put(t.Context(), batchName(1), whole, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lines(t.Context(), batches[0]); !errors.Is(err, ErrChanged) {
		t.Errorf("a changed batch: %v", err)
	}
}
