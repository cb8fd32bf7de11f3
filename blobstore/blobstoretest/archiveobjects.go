package blobstoretest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

var archiveObjectCases = []archiveCase{
	{"every size comes back as it was created, after reopening too", func(t *testing.T, s *shelf) {
		for i, n := range sizes {
			s.create(t, fmt.Sprintf("sizes/%d", n), content(i, n))
		}
		for range 2 {
			for i, n := range sizes {
				s.holds(t, fmt.Sprintf("sizes/%d", n), content(i, n))
			}
			s.reopen(t)
		}
	}},
	{"a name is used once", func(t *testing.T, s *shelf) {
		s.create(t, "a/b", content(1, 100))
		for range 2 {
			for _, data := range [][]byte{content(2, 100), content(1, 100), nil, content(3, 100_000)} {
				wantErr(t, "Create", s.Create(t.Context(), "a/b", data), blobstore.ErrConflict)
			}
			s.holds(t, "a/b", content(1, 100))
			s.reopen(t)
		}
	}},
	{"of racing creators exactly one wins", func(t *testing.T, s *shelf) {
		for _, size := range []int{100, 100 << 10} {
			name := fmt.Sprintf("race/%d", size)
			var wins, winner atomic.Int64
			var wg sync.WaitGroup
			start := make(chan struct{})
			for i := range racers {
				data := content(i, size)
				wg.Go(func() {
					<-start
					switch err := s.Create(t.Context(), name, data); {
					case err == nil:
						wins.Add(1)
						winner.Store(int64(i))
					case !errors.Is(err, blobstore.ErrConflict):
						t.Errorf("a loser was told %v", err)
					}
				})
			}
			close(start)
			wg.Wait()
			if n := wins.Load(); n != 1 {
				t.Fatalf("%d of %d racers won", n, racers)
			}
			s.holds(t, name, content(int(winner.Load()), size))
		}
	}},
	{"the data stays the caller's", func(t *testing.T, s *shelf) {
		data := content(1, 100)
		s.create(t, "a", data)
		clear(data)
		v := s.only(t, "a")
		got, err := s.Read(t.Context(), "a", v.ID)
		if err != nil || !bytes.Equal(got, content(1, 100)) {
			t.Fatalf("a change after Create changed the object (%v)", err)
		}
		clear(got)
		s.holds(t, "a", content(1, 100))
	}},
	{"an object above the limit is neither created nor read", func(t *testing.T, s *shelf) {
		const most = 1 << 20
		small := func() *blobstore.Archive {
			return blobstore.NewArchive(s.open(t), blobstore.WithArchiveLimits(blobstore.Limits{Object: most}))
		}
		s.create(t, "more", content(1, most+1))
		more := s.only(t, "more")
		s.close(t)
		a := small()
		wantErr(t, "Create", a.Create(t.Context(), "much", content(2, most+1)), blobstore.ErrTooLarge)
		wantErr(t, "Read", second(a.Read(t.Context(), "more", more.ID)), blobstore.ErrTooLarge)
		if err := a.Create(t.Context(), "just", content(3, most)); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		s.reopen(t)
		s.holds(t, "just", content(3, most))
		if got := s.versions(t, ""); len(got) != 2 {
			t.Fatalf("%d versions", len(got))
		}
	}},
	{"many creators at once lose nothing", func(t *testing.T, s *shelf) {
		fillShelf(t, s, 300)
		s.reopen(t)
		if got := s.versions(t, ""); len(got) != 300 {
			t.Fatalf("%d of 300", len(got))
		}
	}},
}

// fillShelf creates n objects "p/NN/NNNN", a hundred in each folder, several at
// once.
func fillShelf(t *testing.T, s *shelf, n int) {
	t.Helper()
	var wg sync.WaitGroup
	names := make(chan string)
	for range 16 {
		wg.Go(func() {
			for name := range names {
				if err := s.Create(t.Context(), name, []byte(name)); err != nil {
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
