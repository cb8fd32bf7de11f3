package blobstoretest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

var listCases = []testCase{
	{"an empty store lists nothing", func(t *testing.T, s *blobstore.Store) {
		if got := list(t, s, ""); len(got) != 0 {
			t.Fatalf("%d objects", len(got))
		}
		if got := list(t, s, "a/"); len(got) != 0 {
			t.Fatalf("%d objects", len(got))
		}
	}},
	{"names come in the order of their bytes, by prefix", func(t *testing.T, s *blobstore.Store) {
		names := []string{
			"a-b", "a.b", "a/b", "a/b-c", "a/b.c", "a/b0", "a/c/d", "a/c/e", "a0", "a_b", "ab", "abb/c",
			"b/dossiers/x", "b/due/2026-01-01/x", "b/due/2026-01-02/x", "b/due/2026-01-02/y", "bb/x",
		}
		for _, n := range names {
			put(t, s, n, []byte(n))
		}
		slices.Sort(names)
		for _, prefix := range []string{
			"", "a", "a/", "a/b", "a/c", "a/c/", "a/c/d", "ab", "abb/", "b", "b/", "b/due/", "b/due/2026-01-02/",
			"b/due/2026-01-02/y", "b/due/2026-01-0", "b/due/2026-01-02/yy", "c", "a-", "a.", "0", "z/",
		} {
			var want []string
			for _, n := range names {
				if len(n) >= len(prefix) && n[:len(prefix)] == prefix {
					want = append(want, n)
				}
			}
			if got := list(t, s, prefix); !slices.Equal(got, want) {
				t.Fatalf("prefix %q:\n got %v\nwant %v", prefix, got, want)
			}
		}
	}},
	{"more objects than a page come once each", func(t *testing.T, s *blobstore.Store) {
		const n = 1_100
		fill(t, s, n)
		got := list(t, s, "p/")
		if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(got)) != n {
			t.Fatalf("%d objects of %d, sorted %v", len(got), n, slices.IsSorted(got))
		}
		if got := list(t, s, "p/00/"); len(got) != 100 {
			t.Fatalf("%d objects of 100 by prefix", len(got))
		}

		// A context that ends is an error, not the end of the list.
		for _, after := range []int{1, 999, 1_000, 1_001} {
			ctx, cancel := context.WithCancel(t.Context())
			var seen int
			var last error
			for _, err := range s.List(ctx, "") {
				if last = err; err != nil {
					break
				}
				if seen++; seen == after {
					cancel()
				}
			}
			cancel()
			wantErr(t, "List", last, context.Canceled)
		}

		// A loop may use the store, also to delete what it sees.
		for info, err := range s.List(t.Context(), "p/05/") {
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context(), info.Name); err != nil {
				t.Fatal(err)
			}
		}
		if got := list(t, s, "p/"); len(got) != n-100 || slices.Contains(got, "p/05/0500") {
			t.Fatalf("%d objects of %d after the deletion of 100", len(got), n)
		}
	}},
	{"a loop may end early and begin again", func(t *testing.T, s *blobstore.Store) {
		for i := range 10 {
			put(t, s, fmt.Sprintf("x/%d", i), nil)
		}
		all := s.List(t.Context(), "x/")
		for range 3 {
			seen := 0
			for _, err := range all {
				if err != nil {
					t.Fatal(err)
				}
				if seen++; seen == 4 {
					break
				}
			}
		}
		if got := list(t, s, "x/"); len(got) != 10 {
			t.Fatalf("%d objects of 10", len(got))
		}
	}},
}

// fill puts n objects "p/NN/NNNN", a hundred in each folder.
func fill(t *testing.T, s *blobstore.Store, n int) {
	t.Helper()
	var wg sync.WaitGroup
	names := make(chan string)
	for range 16 {
		wg.Go(func() {
			for name := range names {
				if _, err := s.Put(t.Context(), name, []byte(name), blobstore.IfAbsent()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		names <- fmt.Sprintf("p/%02d/%04d", i/100, i)
	}
	close(names)
	wg.Wait()
}
