package blobstoretest

import (
	"context"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

var archiveVersionsCases = []archiveCase{
	{"an empty archive has none", func(t *testing.T, s *shelf) {
		for _, prefix := range []string{"", "a/"} {
			if got := s.versions(t, prefix); len(got) != 0 {
				t.Fatalf("%d versions", len(got))
			}
		}
	}},
	{"names come in the order of their bytes, by prefix", func(t *testing.T, s *shelf) {
		created := []string{
			"a-b", "a.b", "a/b", "a/b-c", "a/b.c", "a/b0", "a/c/d", "a/c/e", "a0", "a_b", "ab", "abb/c",
			"chain-1/00000001", "chain-1/00000002", "chain-1/00000010", "chain-2/00000001",
		}
		for _, n := range created {
			s.create(t, n, []byte(n))
		}
		slices.Sort(created)
		for _, prefix := range []string{"", "a", "a/", "a/b", "a/c/", "a/c/d", "chain-1/", "chain-1/0000000", "chain-", "d", "z/"} {
			var got, want []string
			for _, v := range s.versions(t, prefix) {
				got = append(got, v.Name)
			}
			for _, n := range created {
				if len(n) >= len(prefix) && n[:len(prefix)] == prefix {
					want = append(want, n)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("prefix %q:\n got %v\nwant %v", prefix, got, want)
			}
		}
	}},
	{"more than a page come once each", func(t *testing.T, s *shelf) {
		const n = 1_100
		fillShelf(t, s, n)
		all := s.versions(t, "p/")
		names := make([]string, len(all))
		ids := map[string]bool{}
		for i, v := range all {
			names[i] = v.Name
			ids[v.ID] = true
		}
		if len(names) != n || !slices.IsSorted(names) || len(slices.Compact(names)) != n || len(ids) != n {
			t.Fatalf("%d versions of %d with %d ids, sorted %v", len(names), n, len(ids), slices.IsSorted(names))
		}
		if got := s.versions(t, "p/03/"); len(got) != 100 {
			t.Fatalf("%d versions of 100 by prefix", len(got))
		}
		stopListing(t, s)

		// A loop may use the archive.
		read := 0
		for v, err := range s.Versions(t.Context(), "p/05/") {
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Read(t.Context(), v.Name, v.ID); err != nil || string(got) != v.Name {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			read++
		}
		if read != 100 {
			t.Fatalf("%d read of 100", read)
		}
	}},
}

// stopListing ends the context of a listing in its course: an error, and not the
// end of the list. It also leaves loops early.
func stopListing(t *testing.T, s *shelf) {
	t.Helper()
	for _, after := range []int{1, 999, 1_000, 1_001} {
		ctx, cancel := context.WithCancel(t.Context())
		var seen int
		var last error
		for _, err := range s.Versions(ctx, "") {
			if last = err; err != nil {
				break
			}
			if seen++; seen == after {
				cancel()
			}
		}
		cancel()
		wantErr(t, "Versions", last, context.Canceled)
	}
	all := s.Versions(t.Context(), "p/")
	for range 3 {
		var first blobstore.Version
		for v, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			first = v
			break
		}
		if first.Name != "p/00/0000" {
			t.Fatal("a loop that begins again does not begin at the beginning")
		}
	}
}
