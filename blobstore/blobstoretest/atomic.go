package blobstoretest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

var atomicCases = []testCase{
	{"readers see the old object or the new one, whole", func(t *testing.T, s *blobstore.Store) {
		for _, w := range writers {
			t.Run(w.name, func(t *testing.T) { overwriteUnderReaders(t, s, w.write, w.size) })
		}
	}},
	{"an object that is always there is always found", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "there", content(0, 2_000))
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !closed(stop) {
					if _, err := s.Stat(t.Context(), "there"); err != nil {
						t.Errorf("Stat: %v", err)
						return
					}
				}
			})
		}
		for i := range 60 {
			put(t, s, "there", content(i, 2_000))
		}
		close(stop)
		wg.Wait()
	}},
}

// overwriteUnderReaders overwrites one object again and again with versions of
// different length, while others read it and check that each of its parts is of
// the same version.
func overwriteUnderReaders(t *testing.T, s *blobstore.Store, write writer, size int) {
	if _, err := s.Put(t.Context(), "x", version(0, size), blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for !closed(stop) {
				var got []byte
				var err error
				if i%2 == 0 {
					got, _, err = s.Get(t.Context(), "x")
				} else {
					got, err = readAll(t.Context(), s, "x")
				}
				// A reader that is overtaken may say so.
				if errors.Is(err, blobstore.ErrConflict) {
					continue
				}
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				if err := whole(got, size); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for v := 1; v <= 25; v++ {
		if _, err := write(t.Context(), s, "x", version(v, size), blobstore.Condition{}); err != nil {
			t.Errorf("write: %v", err)
			break
		}
	}
	close(stop)
	wg.Wait()
}

// version is an object of which each part tells the version, and so does the
// length.
func version(v, size int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "version %07d\n", v), size/16+v)
}

func whole(got []byte, size int) error {
	var v int
	if _, err := fmt.Fscanf(io.LimitReader(bytes.NewReader(got), 16), "version %07d\n", &v); err != nil {
		return fmt.Errorf("object of %d bytes that nobody wrote: %w", len(got), err)
	}
	if !bytes.Equal(got, version(v, size)) {
		return fmt.Errorf("an object of %d bytes is a mixture of version %d and others", len(got), v)
	}
	return nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
