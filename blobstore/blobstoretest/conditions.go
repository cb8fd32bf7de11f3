package blobstoretest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

// racers is how many writers race for one condition.
const racers = 32

// writer is one of the two ways to write.
type writer func(ctx context.Context, s *blobstore.Store, name string, data []byte, cond blobstore.Condition) (blobstore.Info, error)

// writers are both ways, with sizes that take different paths in drivers.
var writers = []struct {
	name  string
	size  int
	write writer
}{
	{"Put", 100, putWhole},
	{"Put of blocks", 100 << 10, putWhole},
	{"PutStream", 100, putStreamed},
	{"PutStream of blocks", 700 << 10, putStreamed},
}

func putWhole(ctx context.Context, s *blobstore.Store, name string, data []byte, cond blobstore.Condition) (blobstore.Info, error) {
	return s.Put(ctx, name, data, cond)
}

func putStreamed(ctx context.Context, s *blobstore.Store, name string, data []byte, cond blobstore.Condition) (blobstore.Info, error) {
	return s.PutStream(ctx, name, bytes.NewReader(data), int64(len(data)), cond)
}

var conditionCases = []testCase{
	{"IfAbsent creates and never replaces", func(t *testing.T, s *blobstore.Store) {
		for i, w := range writers {
			name := []string{"a/0", "a/1", "a/2", "a/3"}[i]
			first := content(1, w.size)
			if _, err := w.write(t.Context(), s, name, first, blobstore.IfAbsent()); err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			_, err := w.write(t.Context(), s, name, content(2, w.size), blobstore.IfAbsent())
			wantErr(t, w.name, err, blobstore.ErrConflict)
			holds(t, s, name, first)
			if err := s.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			if _, err := w.write(t.Context(), s, name, content(3, w.size), blobstore.IfAbsent()); err != nil {
				t.Fatalf("%s after a deletion: %v", w.name, err)
			}
			holds(t, s, name, content(3, w.size))
		}
	}},
	{"IfMatch replaces that version only", func(t *testing.T, s *blobstore.Store) {
		for i, w := range writers {
			name := []string{"a/0", "a/1", "a/2", "a/3"}[i]
			v1 := put(t, s, name, content(1, w.size))
			v2, err := w.write(t.Context(), s, name, content(2, w.size), blobstore.IfMatch(v1.ETag))
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			_, err = w.write(t.Context(), s, name, content(3, w.size), blobstore.IfMatch(v1.ETag))
			wantErr(t, w.name+" of a stale version", err, blobstore.ErrConflict)
			holds(t, s, name, content(2, w.size))
			_, listed, err := s.Get(t.Context(), name)
			if err != nil || listed.ETag != v2.ETag {
				t.Fatalf("the winner's ETag is not that of the object: %v", err)
			}
		}
	}},
	{"IfMatch without an object is a conflict and creates nothing", func(t *testing.T, s *blobstore.Store) {
		for _, w := range writers {
			info := put(t, s, "gone", content(1, w.size))
			if err := s.Delete(t.Context(), "gone"); err != nil {
				t.Fatal(err)
			}
			_, err := w.write(t.Context(), s, "gone", content(2, w.size), blobstore.IfMatch(info.ETag))
			wantErr(t, w.name, err, blobstore.ErrConflict)
			if errors.Is(err, blobstore.ErrNotFound) {
				t.Fatalf("%s: a failed condition is not ErrNotFound", w.name)
			}
			holdsNothing(t, s, "gone")
		}
	}},
	{"ETags that no store gave never match", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "a", content(1, 100))
		for _, etag := range []string{"", "*", `"`, `""`, "x", "a, b", "W/x", "a\r\nx-amz-acl: public-read", "0123456789abcdef0123456789abcdef"} {
			for _, w := range writers {
				_, err := w.write(t.Context(), s, "a", content(2, w.size), blobstore.IfMatch(etag))
				wantErr(t, w.name, err, blobstore.ErrConflict)
			}
		}
		holds(t, s, "a", content(1, 100))
	}},
	{"of racing creators exactly one wins", func(t *testing.T, s *blobstore.Store) {
		for _, w := range writers {
			race(t, s, w.write, w.size, func(*testing.T) blobstore.Condition { return blobstore.IfAbsent() })
			if err := s.Delete(t.Context(), "race"); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"of racing replacers exactly one wins", func(t *testing.T, s *blobstore.Store) {
		for _, w := range writers {
			race(t, s, w.write, w.size, func(t *testing.T) blobstore.Condition {
				return blobstore.IfMatch(put(t, s, "race", content(1000, w.size)).ETag)
			})
		}
	}},
	{"no increment of a shared counter is lost", func(t *testing.T, s *blobstore.Store) {
		const each = 4
		put(t, s, "counter", count(0))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for done := 0; done < each; {
					data, info, err := s.Get(t.Context(), "counter")
					if err != nil {
						t.Error(err)
						return
					}
					_, err = s.Put(t.Context(), "counter", count(binary.BigEndian.Uint64(data)+1), blobstore.IfMatch(info.ETag))
					switch {
					case err == nil:
						done++
					case !errors.Is(err, blobstore.ErrConflict):
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		holds(t, s, "counter", count(8*each))
	}},
}

func count(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// race lets writers with different content begin together under one condition;
// one must win, all others must be told of the conflict, and the object must be
// the winner's.
func race(t *testing.T, s *blobstore.Store, write writer, size int, prepare func(*testing.T) blobstore.Condition) {
	t.Helper()
	cond := prepare(t)
	start := make(chan struct{})
	var wg sync.WaitGroup
	var wins atomic.Int64
	winner := make(chan int, racers)
	for i := range racers {
		data := content(i, size)
		wg.Go(func() {
			<-start
			_, err := write(t.Context(), s, "race", data, cond)
			switch {
			case err == nil:
				wins.Add(1)
				winner <- i
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
	holds(t, s, "race", content(<-winner, size))
}
