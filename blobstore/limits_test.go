package blobstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// blocking is a driver whose calls wait for a signal, and count.
type blocking struct {
	mu       sync.Mutex
	now, max int
	proceed  chan struct{}
}

func (b *blocking) wait() {
	b.mu.Lock()
	b.now++
	b.max = max(b.max, b.now)
	b.mu.Unlock()
	<-b.proceed
	b.mu.Lock()
	b.now--
	b.mu.Unlock()
}

func (b *blocking) driver() *fakeDriver {
	return &fakeDriver{
		open: func(context.Context, string) (io.ReadCloser, Info, error) {
			b.wait()
			return nil, Info{}, ErrNotFound
		},
		put: func(context.Context, string, io.Reader, int64, Condition) (Info, error) {
			b.wait()
			return Info{}, ErrConflict
		},
		stat:   func(context.Context, string) (Info, error) { b.wait(); return Info{}, nil },
		delete: func(context.Context, string) error { b.wait(); return nil },
	}
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	t.Parallel()
	for call, do := range map[string]func(context.Context, *Store) error{
		"Get":    func(ctx context.Context, s *Store) error { _, _, err := s.Get(ctx, "a"); return err },
		"Stat":   func(ctx context.Context, s *Store) error { _, err := s.Stat(ctx, "a"); return err },
		"Put":    func(ctx context.Context, s *Store) error { _, err := s.Put(ctx, "a", nil, Condition{}); return err },
		"Delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "a") },
		"Open":   func(ctx context.Context, s *Store) error { _, _, err := s.Open(ctx, "a"); return err },
		"PutStream": func(ctx context.Context, s *Store) error {
			_, err := s.PutStream(ctx, "a", strings.NewReader("x"), 1, Condition{})
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &blocking{proceed: make(chan struct{})}
			s := New(b.driver(), WithLimits(Limits{Reads: 3, Writes: 3, Streams: 3}))
			for range 10 {
				go func() { _ = do(t.Context(), s) }()
			}
			synctest.Wait()
			if b.now != 3 {
				t.Errorf("%s: %d at once, want 3", call, b.now)
			}
			for range 10 { // failed calls give their places back too
				b.proceed <- struct{}{}
				synctest.Wait()
			}
			if b.now != 0 || b.max != 3 {
				t.Errorf("%s: %d left, at most %d at once", call, b.now, b.max)
			}
		})
	}
}

func TestWaitingForAPlaceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &blocking{proceed: make(chan struct{})}
		s := New(b.driver(), WithLimits(Limits{Reads: 1, Writes: 1, Streams: 1}))
		go func() { _, _ = s.Stat(t.Context(), "a") }()
		go func() { _ = s.Delete(t.Context(), "a") }()
		go func() { _, _, _ = s.Open(t.Context(), "a") }()
		synctest.Wait()
		for call, do := range map[string]func(context.Context) error{
			"Get": func(ctx context.Context) error { _, _, err := s.Get(ctx, "a"); return err },
			"Put": func(ctx context.Context) error { _, err := s.Put(ctx, "a", nil, Condition{}); return err },
			"PutStream": func(ctx context.Context) error {
				_, err := s.PutStream(ctx, "a", strings.NewReader(""), 0, Condition{})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			begin := time.Now()
			if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", call, err)
			}
			if took := time.Since(begin); took != time.Second {
				t.Errorf("%s waited %v of its second", call, took)
			}
			cancel()
		}
		if err := s.Ping(t.Context()); err != nil { // waits for nobody
			t.Error(err)
		}
		for range 3 {
			b.proceed <- struct{}{}
		}
	})
}

func TestKindsOfRequestsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &blocking{proceed: make(chan struct{})}
		s := New(b.driver(), WithLimits(Limits{Reads: 1, Writes: 1, Streams: 1}))
		go func() { _, _, _ = s.Get(t.Context(), "a") }()
		go func() { _, _ = s.Put(t.Context(), "a", nil, Condition{}) }()
		go func() { _, _, _ = s.Open(t.Context(), "a") }()
		synctest.Wait()
		if b.now != 3 {
			t.Errorf("%d of 3 kinds are under way", b.now)
		}
		for range 3 {
			b.proceed <- struct{}{}
		}
	})
}

// An open reader holds its place until it is closed, and gives it back once.
func TestOpenReaderHoldsAPlace(t *testing.T) {
	t.Parallel()
	s := New(&fakeDriver{open: opens("abc", 3)}, WithLimits(Limits{Streams: 1}))
	for range 3 {
		r, _, err := s.Open(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.streams); n != 1 {
			t.Fatalf("%d places are taken", n)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.streams); n != 0 {
			t.Fatalf("%d places are taken after closing", n)
		}
	}
}

// The body of a loop over List may itself need the only place.
func TestListHoldsNoPlaceInTheLoop(t *testing.T) {
	t.Parallel()
	stopped := false
	d := &fakeDriver{
		open: opens("abc", 3),
		list: func(context.Context, string) iter.Seq2[Info, error] {
			return func(yield func(Info, error) bool) {
				defer func() { stopped = true }()
				for _, name := range []string{"a", "b", "c"} {
					if !yield(Info{Name: name}, nil) {
						return
					}
				}
			}
		},
	}
	s := New(d, WithLimits(Limits{Reads: 1}))
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Get(t.Context(), info.Name); err != nil {
			t.Fatal(err)
		}
		if info.Name == "b" {
			break
		}
	}
	if !stopped || len(s.reads) != 0 {
		t.Fatalf("the driver's listing stopped: %v, places taken: %d", stopped, len(s.reads))
	}
}
