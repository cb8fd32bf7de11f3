package blobstore

import (
	"context"
	"errors"
	"io"
	"testing"
)

// The store believes no driver that a content is whole.
func TestLyingDrivers(t *testing.T) {
	t.Parallel()
	for what, size := range map[string]int64{"one byte": 4, "all": 0, "much": 1 << 20} {
		content := "abc"
		if size == 0 {
			content, size = "", 3
		}
		s := New(&fakeDriver{open: opens(content, size)})
		if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, ErrUnavailable) || errors.Is(err, io.EOF) {
			t.Errorf("Get with %s missing: %v", what, err)
		}
		r, _, err := s.Open(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); !errors.Is(err, ErrUnavailable) || errors.Is(err, io.EOF) {
			t.Errorf("Open with %s missing: %v", what, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	r, _, err := New(&fakeDriver{open: opens("abcd", 3)}).Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Open with a byte too many: %v", err)
	}

	unread := func(context.Context, string, io.Reader, int64, Condition) (Info, error) { return Info{}, nil }
	s := New(&fakeDriver{put: unread})
	if _, err := s.PutStream(t.Context(), "a", readFunc(func(p []byte) (int, error) { return len(p), nil }), 10, Condition{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("PutStream of what was not read: %v", err)
	}
}

func TestLimitOfObjects(t *testing.T) {
	t.Parallel()
	s := New(&fakeDriver{open: opens("abcd", 4), put: takes}, WithLimits(Limits{Object: 3}))
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Put(t.Context(), "a", make([]byte, 4), Condition{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Put: %v", err)
	}
	if _, err := s.Put(t.Context(), "a", make([]byte, 3), Condition{}); err != nil {
		t.Errorf("Put: %v", err)
	}
}

func TestDriversErrorsComeThrough(t *testing.T) {
	t.Parallel()
	cause := errors.New("a cause")
	s := New(&fakeDriver{
		open:   func(context.Context, string) (io.ReadCloser, Info, error) { return nil, Info{}, cause },
		put:    func(context.Context, string, io.Reader, int64, Condition) (Info, error) { return Info{Size: 9}, cause },
		stat:   func(context.Context, string) (Info, error) { return Info{Size: 9}, cause },
		delete: func(context.Context, string) error { return cause },
	})
	_, got, get := s.Get(t.Context(), "a")
	_, opened, open := s.Open(t.Context(), "a")
	written, put := s.Put(t.Context(), "a", nil, Condition{})
	known, stat := s.Stat(t.Context(), "a")
	for call, err := range map[string]error{"Get": get, "Open": open, "Put": put, "Stat": stat, "Delete": s.Delete(t.Context(), "a")} {
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v", call, err)
		}
	}
	for _, info := range []Info{got, opened, written, known} {
		if info != (Info{}) {
			t.Errorf("a failed call tells %+v", info)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	var none Condition
	etag, match := IfMatch("e").ETag()
	if !none.None() || none.Absent() || IfAbsent().None() || !IfAbsent().Absent() || etag != "e" || !match || IfMatch("").None() {
		t.Fatal("conditions are mixed up")
	}
	if _, match := none.ETag(); match {
		t.Fatal("no condition matches an ETag")
	}
	if _, match := IfAbsent().ETag(); match {
		t.Fatal("absence matches an ETag")
	}
}
