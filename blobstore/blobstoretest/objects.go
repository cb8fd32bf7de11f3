package blobstoretest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

var objectCases = []testCase{
	{"every size comes back as it was put", func(t *testing.T, s *blobstore.Store) {
		for i, n := range sizes {
			name := fmt.Sprintf("sizes/%d", n)
			data := content(i, n)
			if info := put(t, s, name, data); info.Size != int64(n) || info.Name != name {
				t.Fatalf("Put of %d bytes says %d bytes", n, info.Size)
			}
			holds(t, s, name, data)
		}
	}},
	{"the data stays the caller's", func(t *testing.T, s *blobstore.Store) {
		data := content(1, 100)
		put(t, s, "a", data)
		clear(data)
		got, _, err := s.Get(t.Context(), "a")
		if err != nil || !bytes.Equal(got, content(1, 100)) {
			t.Fatalf("a change after Put changed the object (%v)", err)
		}
		clear(got)
		holds(t, s, "a", content(1, 100))
	}},
	{"all calls tell the same about an object", func(t *testing.T, s *blobstore.Store) {
		for _, n := range []int{0, 10, 100 << 10} {
			before := time.Now().Add(-2 * time.Second) // HTTP gives whole seconds
			up := put(t, s, "d/x", content(n, n))
			_, got, err := s.Get(t.Context(), "d/x")
			if err != nil {
				t.Fatal(err)
			}
			r, opened, err := s.Open(t.Context(), "d/x")
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			stat, err := s.Stat(t.Context(), "d/x")
			if err != nil {
				t.Fatal(err)
			}
			infos := []blobstore.Info{got, opened, stat}
			for info, err := range s.List(t.Context(), "d/") {
				if err != nil {
					t.Fatal(err)
				}
				infos = append(infos, info)
			}
			if len(infos) != 4 {
				t.Fatalf("List gave %d objects", len(infos)-3)
			}
			for _, info := range infos {
				if info.Name != "d/x" || info.Size != int64(n) || info.ETag != up.ETag || info.ETag == "" {
					t.Fatalf("%+v, but Put said %+v", info, up)
				}
				if m := info.Modified; m.Before(before) || m.After(time.Now().Add(2*time.Second)) || m.Location() != time.UTC {
					t.Fatalf("Modified is %v", m)
				}
			}
		}
	}},
	{"an overwrite replaces everything", func(t *testing.T, s *blobstore.Store) {
		etags := map[string]bool{}
		for i, n := range []int{10, 200 << 10, 5, 1 << 20, 0, 64 << 10, 600 << 10, 3} {
			info := put(t, s, "a/b", content(i, n))
			if etags[info.ETag] {
				t.Fatal("an ETag came twice for different content")
			}
			etags[info.ETag] = true
			holds(t, s, "a/b", content(i, n))
		}
		if names := list(t, s, ""); len(names) != 1 {
			t.Fatalf("%d objects", len(names))
		}
	}},
	{"what is not there is not found", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "a/b/c", nil)
		for _, name := range []string{"x", "a", "a/b", "a/b/d", "a/b/cc"} {
			wantErr(t, "Get", third(s.Get(t.Context(), name)), blobstore.ErrNotFound)
			wantErr(t, "Open", third(s.Open(t.Context(), name)), blobstore.ErrNotFound)
			wantErr(t, "Stat", second(s.Stat(t.Context(), name)), blobstore.ErrNotFound)
		}
	}},
	{"deleting is final and can be repeated", func(t *testing.T, s *blobstore.Store) {
		for i, n := range []int{10, 1 << 20} {
			put(t, s, "a/x", content(i, n))
			put(t, s, "a/y", content(i+10, n))
			for range 3 {
				if err := s.Delete(t.Context(), "a/x"); err != nil {
					t.Fatalf("Delete: %v", err)
				}
				wantErr(t, "Get", third(s.Get(t.Context(), "a/x")), blobstore.ErrNotFound)
			}
			holds(t, s, "a/y", content(i+10, n))
			put(t, s, "a/x", content(i+20, n))
			holds(t, s, "a/x", content(i+20, n))
		}
		for _, name := range []string{"a/x", "a/y", "never/there"} {
			if err := s.Delete(t.Context(), name); err != nil {
				t.Fatalf("Delete: %v", err)
			}
		}
		holdsNothing(t, s, "a/x")
	}},
	{"Get and Put have a limit that streams do not", func(t *testing.T, s *blobstore.Store) {
		const limit = 8 << 20
		put(t, s, "full", content(1, limit))
		holds(t, s, "full", content(1, limit))
		wantErr(t, "Put", second(s.Put(t.Context(), "over", make([]byte, limit+1), blobstore.Condition{})), blobstore.ErrTooLarge)
		wantErr(t, "Stat", second(s.Stat(t.Context(), "over")), blobstore.ErrNotFound)

		if _, err := s.PutStream(t.Context(), "over", stream(2, limit+1), limit+1, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "Get", third(s.Get(t.Context(), "over")), blobstore.ErrTooLarge)
		if got, err := readAll(t.Context(), s, "over"); err != nil || !bytes.Equal(got, content(2, limit+1)) {
			t.Fatalf("Open gave %d bytes, %v", len(got), err)
		}
	}},
	{"a write is seen by the next read of anybody", func(t *testing.T, s *blobstore.Store) {
		for i := range 50 {
			put(t, s, "k", content(i, 500))
			seen := make(chan []byte)
			go func() {
				got, _, err := s.Get(t.Context(), "k")
				if err != nil {
					t.Error(err)
				}
				seen <- got
			}()
			if !bytes.Equal(<-seen, content(i, 500)) {
				t.Fatal("a read after a write did not see it")
			}
		}
	}},
	{"it is prepared twice and answers", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "kept", content(1, 10))
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		holds(t, s, "kept", content(1, 10))
	}},
}
