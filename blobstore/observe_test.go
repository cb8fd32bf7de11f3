package blobstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
)

// observation is what an observer was told.
type observation struct {
	op  string
	err error
}

type observerKey struct{}

// observing gives an observer that keeps what it is told once it is over, and a
// driver's function that wants its context.
func observing(t *testing.T) (Observer, *[]observation, func(context.Context)) {
	told := &[]observation{}
	return func(ctx context.Context, op string) (context.Context, func(error)) {
			return context.WithValue(ctx, observerKey{}, op), func(err error) { *told = append(*told, observation{op, err}) }
		}, told, func(ctx context.Context) {
			if ctx.Value(observerKey{}) == nil {
				t.Error("the driver does not get the observer's context")
			}
		}
}

// TestObserver makes each call, with and without success.
func TestObserver(t *testing.T) {
	t.Parallel()
	for _, down := range []error{nil, ErrUnavailable} {
		observer, told, check := observing(t)
		s := New(&fakeDriver{
			open: func(ctx context.Context, name string) (io.ReadCloser, Info, error) {
				check(ctx)
				if down != nil {
					return nil, Info{}, down
				}
				return opens("abc", 3)(ctx, name)
			},
			put: func(ctx context.Context, name string, body io.Reader, size int64, c Condition) (Info, error) {
				check(ctx)
				if down != nil {
					return Info{}, down
				}
				return takes(ctx, name, body, size, c)
			},
			stat:   func(ctx context.Context, _ string) (Info, error) { check(ctx); return Info{}, down },
			delete: func(ctx context.Context, _ string) error { check(ctx); return down },
			list: func(ctx context.Context, _ string) iter.Seq2[Info, error] {
				check(ctx)
				return func(yield func(Info, error) bool) { yield(Info{Name: "a"}, down) }
			},
		}, WithObserver(observer))
		ctx := t.Context()
		for op, call := range map[string]func() error{
			"get":        func() error { _, _, err := s.Get(ctx, "a"); return err },
			"put":        func() error { _, err := s.Put(ctx, "a", nil, Condition{}); return err },
			"stat":       func() error { _, err := s.Stat(ctx, "a"); return err },
			"delete":     func() error { return s.Delete(ctx, "a") },
			"put_stream": func() error { _, err := s.PutStream(ctx, "a", strings.NewReader("x"), 1, Condition{}); return err },
			"list": func() (failed error) {
				for _, err := range s.List(ctx, "") {
					failed = err
				}
				return failed
			},
			"open": func() error {
				r, _, err := s.Open(ctx, "a")
				if err != nil {
					return err
				}
				return errors.Join(r.Close(), r.Close())
			},
		} {
			*told = nil
			err := call()
			if !errors.Is(err, down) {
				t.Fatalf("%s: %v", op, err)
			}
			if len(*told) != 1 || (*told)[0].op != op || !errors.Is((*told)[0].err, down) || (down == nil) != ((*told)[0].err == nil) {
				t.Errorf("%s: told %v, want %v once", op, *told, down)
			}
		}
		*told = nil
		if err := errors.Join(s.Ping(ctx), s.Prepare(ctx)); err != nil || !slices.Equal(*told, []observation{{op: "ping"}, {op: "prepare"}}) {
			t.Errorf("told %v", *told)
		}
	}
}

// TestObserverOfStreams: one that is opened is over when it is closed, with the
// error that its reader met.
func TestObserverOfStreams(t *testing.T) {
	t.Parallel()
	observer, told, _ := observing(t)
	s := New(&fakeDriver{open: opens("abc", 5)}, WithObserver(observer))
	r, _, err := s.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an answer that is too short: %v", err)
	}
	if len(*told) > 0 {
		t.Errorf("told %v before the end", *told)
	}
	r.Close()
	if len(*told) != 1 || (*told)[0].op != "open" || !errors.Is((*told)[0].err, ErrUnavailable) {
		t.Errorf("told %v", *told)
	}
}

// TestObserverOfLists: one that is broken off is no failure.
func TestObserverOfLists(t *testing.T) {
	t.Parallel()
	observer, told, _ := observing(t)
	s := New(&fakeDriver{list: func(context.Context, string) iter.Seq2[Info, error] {
		return func(yield func(Info, error) bool) {
			for yield(Info{Name: "a"}, nil) {
			}
		}
	}}, WithObserver(observer))
	for range s.List(t.Context(), "") {
		if len(*told) > 0 {
			t.Errorf("told %v before the end", *told)
		}
		break
	}
	if !slices.Equal(*told, []observation{{op: "list"}}) {
		t.Errorf("told %v", *told)
	}
}

// TestObserverOfArchives does what TestObserver does.
func TestObserverOfArchives(t *testing.T) {
	t.Parallel()
	observer, told, check := observing(t)
	a := NewArchive(observedArchive{check}, WithArchiveObserver(observer))
	ctx := t.Context()
	_, failed := a.Read(ctx, "a", "1")
	for _, err := range a.Versions(ctx, "") {
		failed = errors.Join(failed, err)
	}
	if failed = errors.Join(failed, a.Create(ctx, "a", nil), a.Ping(ctx), a.Prepare(ctx)); failed != nil {
		t.Error(failed)
	}
	if want := []observation{{op: "read"}, {op: "versions"}, {op: "create"}, {op: "ping"}, {op: "prepare"}}; !slices.Equal(*told, want) {
		t.Errorf("told %v, want %v", *told, want)
	}
}

// observedArchive holds nothing.
type observedArchive struct{ check func(context.Context) }

func (a observedArchive) Create(ctx context.Context, _ string, _ []byte) error {
	a.check(ctx)
	return nil
}

func (a observedArchive) Versions(ctx context.Context, _ string) iter.Seq2[Version, error] {
	a.check(ctx)
	return func(func(Version, error) bool) {}
}

func (a observedArchive) Read(ctx context.Context, _, _ string, _ int64) ([]byte, error) {
	a.check(ctx)
	return nil, nil
}
func (a observedArchive) Prepare(ctx context.Context) error { a.check(ctx); return nil }
func (a observedArchive) Ping(ctx context.Context) error    { a.check(ctx); return nil }
func (observedArchive) Close() error                        { return nil }
