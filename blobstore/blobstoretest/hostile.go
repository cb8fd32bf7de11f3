package blobstoretest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

var errReader = errors.New("the sender went away")

// lengths for hostile streams: none, one record, some blocks, some transactions.
var lengths = []int{0, 1, 5_000, 100_000, 1_200_000}

var hostileCases = []testCase{
	{"a reader that fails leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths {
			for _, at := range []int{0, 1, n / 2, n - 1, n} { // at n it fails instead of ending
				if at < 0 || at > n {
					continue
				}
				r := io.MultiReader(stream(1, at), failing{})
				_, err := s.PutStream(t.Context(), "x/y", r, int64(n), blobstore.Condition{})
				wantErr(t, "PutStream", err, errReader)
				holdsNothing(t, s, "x/y")
			}
		}
	}},
	{"a reader that is short leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths[1:] {
			for _, have := range []int{0, n / 2, n - 1} {
				_, err := s.PutStream(t.Context(), "x/y", stream(1, have), int64(n), blobstore.Condition{})
				wantErr(t, "PutStream", err, blobstore.ErrSize)
				holdsNothing(t, s, "x/y")
			}
		}
	}},
	{"a reader that is long leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths {
			for _, more := range []int{1, 40_000, 2 << 20} {
				_, err := s.PutStream(t.Context(), "x/y", stream(1, n+more), int64(n), blobstore.Condition{})
				wantErr(t, "PutStream", err, blobstore.ErrSize)
				holdsNothing(t, s, "x/y")
			}
		}
	}},
	{"a negative or boundless size is refused", func(t *testing.T, s *blobstore.Store) {
		_, err := s.PutStream(t.Context(), "x/y", failing{}, -1, blobstore.Condition{})
		wantErr(t, "PutStream", err, blobstore.ErrSize)
		_, err = s.PutStream(t.Context(), "x/y", failing{}, blobstore.MaxStream+1, blobstore.Condition{})
		wantErr(t, "PutStream", err, blobstore.ErrTooLarge)
		holdsNothing(t, s, "x/y")
	}},
	{"a reader that breaks its contract leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths {
			_, err := s.PutStream(t.Context(), "x/y", io.MultiReader(stream(1, n/2), readFunc(func([]byte) (int, error) { return 0, nil })), int64(n), blobstore.Condition{})
			wantErr(t, "PutStream of a reader without progress", err, io.ErrNoProgress)
			for _, count := range []int{-1, 1 << 40} {
				_, err = s.PutStream(t.Context(), "x/y", readFunc(func([]byte) (int, error) { return count, nil }), int64(n), blobstore.Condition{})
				if err == nil {
					t.Fatalf("a reader that counts %d was believed", count)
				}
			}
			holdsNothing(t, s, "x/y")
		}
	}},
	{"a reader's panic comes out where it was given and leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths {
			r := io.MultiReader(stream(1, n/2), readFunc(func([]byte) (int, error) { panic("the reader's own") }))
			func() {
				defer func() {
					if v := recover(); v != "the reader's own" {
						t.Fatalf("recovered %v", v)
					}
				}()
				_, err := s.PutStream(t.Context(), "x/y", r, int64(n), blobstore.Condition{})
				t.Fatalf("no panic but %v", err)
			}()
			holdsNothing(t, s, "x/y")
		}
	}},
	{"a failed stream leaves the object as it was", func(t *testing.T, s *blobstore.Store) {
		old := content(7, 300_000)
		put(t, s, "x/y", old)
		for _, r := range []io.Reader{
			io.MultiReader(stream(1, 600_000), failing{}),
			stream(1, 999_999),
			stream(1, 1_000_001),
		} {
			if _, err := s.PutStream(t.Context(), "x/y", r, 1_000_000, blobstore.Condition{}); err == nil {
				t.Fatal("no error")
			}
			holds(t, s, "x/y", old)
		}
	}},
	{"a sender that stalls until its time is over leaves nothing", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths[2:] {
			ctx, cancel := context.WithCancel(t.Context())
			stalled := readFunc(func([]byte) (int, error) {
				cancel() // the sender's context ends while it is waited for
				<-ctx.Done()
				return 0, ctx.Err()
			})
			_, err := s.PutStream(ctx, "x/y", io.MultiReader(stream(1, n/2), stalled), int64(n), blobstore.Condition{})
			wantErr(t, "PutStream", err, context.Canceled)
			holdsNothing(t, s, "x/y")
		}
	}},
	{"failed streams give their places back", func(t *testing.T, s *blobstore.Store) {
		for range 150 { // more than there are streams
			_, err := s.PutStream(t.Context(), "x/y", failing{}, 10, blobstore.Condition{})
			wantErr(t, "PutStream", err, errReader)
		}
		put(t, s, "x/y", content(1, 100_000))
		holds(t, s, "x/y", content(1, 100_000))
	}},
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReader }

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
