package blobstoretest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

var contextCases = []testCase{
	{"an ended context stops every call before it does anything", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "kept", content(1, 10))
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		for want, ctx := range map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: expired} {
			wantErr(t, "Get", third(s.Get(ctx, "kept")), want)
			wantErr(t, "Open", third(s.Open(ctx, "kept")), want)
			wantErr(t, "Stat", second(s.Stat(ctx, "kept")), want)
			wantErr(t, "Delete", s.Delete(ctx, "kept"), want)
			wantErr(t, "Put", second(s.Put(ctx, "x", nil, blobstore.Condition{})), want)
			wantErr(t, "Put", second(s.Put(ctx, "x", nil, blobstore.IfAbsent())), want)
			wantErr(t, "PutStream", second(s.PutStream(ctx, "x", failing{}, 10, blobstore.Condition{})), want)
			wantErr(t, "Ping", s.Ping(ctx), want)
			wantErr(t, "Prepare", s.Prepare(ctx), want)
			n := 0
			for _, err := range s.List(ctx, "") {
				wantErr(t, "List", err, want)
				n++
			}
			if n != 1 {
				t.Fatalf("List gave %d results", n)
			}
		}
		holds(t, s, "kept", content(1, 10))
		if got := list(t, s, ""); len(got) != 1 {
			t.Fatalf("%d objects", len(got))
		}
	}},
	{"a context that ends stops a stream being sent", func(t *testing.T, s *blobstore.Store) {
		for _, n := range lengths[2:] {
			ctx, cancel := context.WithCancel(t.Context())
			left := n / 2
			r := readFunc(func(p []byte) (int, error) { // goes on, whatever the context
				if left -= len(p); left < 0 {
					cancel()
					return 1, nil // and not to the end before that is noticed
				}
				return len(p), nil
			})
			_, err := s.PutStream(ctx, "x/y", io.MultiReader(r), int64(n)<<10, blobstore.Condition{})
			cancel()
			wantErr(t, "PutStream", err, context.Canceled)
			holdsNothing(t, s, "x/y")
		}
	}},
	{"a context that ends stops a stream being received", func(t *testing.T, s *blobstore.Store) {
		const n = 16 << 20 // more than sockets hold
		if _, err := s.PutStream(t.Context(), "x", stream(1, n), n, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, _, err := s.Open(ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.ReadFull(r, make([]byte, 1_000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = io.Copy(io.Discard, r)
		wantErr(t, "Read", err, context.Canceled)
	}},
}
