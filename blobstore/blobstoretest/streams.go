package blobstoretest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/wertfach/wertfach/blobstore"
)

var streamCases = []testCase{
	{"every size comes back as it was sent", func(t *testing.T, s *blobstore.Store) {
		for i, n := range sizes {
			name := fmt.Sprintf("sizes/%d", n)
			info, err := s.PutStream(t.Context(), name, stream(i, n), int64(n), blobstore.Condition{})
			if err != nil {
				t.Fatalf("PutStream of %d bytes: %v", n, err)
			}
			if info.Size != int64(n) || info.Name != name || info.ETag == "" {
				t.Fatalf("PutStream of %d bytes says %+v", n, info)
			}
			holds(t, s, name, content(i, n))
		}
	}},
	{"readers may deliver as they like", func(t *testing.T, s *blobstore.Store) {
		const n = 100_000
		for what, wrap := range map[string]func(io.Reader) io.Reader{
			"one byte at a time":     iotest.OneByteReader,
			"half of what is asked":  iotest.HalfReader,
			"end together with data": iotest.DataErrReader,
			"with empty reads":       func(r io.Reader) io.Reader { return &stuttering{r: r} },
		} {
			if _, err := s.PutStream(t.Context(), "x", wrap(stream(1, n)), n, blobstore.Condition{}); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			holds(t, s, "x", content(1, n))
		}
	}},
	{"a stream of 20 MiB", func(t *testing.T, s *blobstore.Store) {
		const n = 20<<20 + 17
		want := sha256.New()
		if _, err := s.PutStream(t.Context(), "big", io.TeeReader(stream(1, n), want), n, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		r, info, err := s.Open(t.Context(), "big")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got := sha256.New()
		if m, err := io.Copy(got, r); err != nil || m != n || info.Size != n {
			t.Fatalf("%d bytes of %d, announced %d: %v", m, n, info.Size, err)
		}
		if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Fatal("another content came back")
		}
	}},
	{"a reader may be closed early, and twice", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "x", content(1, 1<<20))
		for range 150 { // more than there are places for streams, so none may be lost
			r, _, err := s.Open(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		holds(t, s, "x", content(1, 1<<20))
	}},
	{"many streams at once keep apart", func(t *testing.T, s *blobstore.Store) {
		var wg sync.WaitGroup
		for i := range 24 {
			n := 100_000 + i*30_000
			wg.Go(func() {
				name := fmt.Sprintf("many/%d", i)
				if _, err := s.PutStream(t.Context(), name, stream(i, n), int64(n), blobstore.IfAbsent()); err != nil {
					t.Error(err)
					return
				}
				if got, err := readAll(t.Context(), s, name); err != nil || !bytes.Equal(got, content(i, n)) {
					t.Errorf("stream %d came back as %d bytes, %v", i, len(got), err)
				}
			})
		}
		wg.Wait()
	}},
	{"what is deleted while it is read is whole or an error", func(t *testing.T, s *blobstore.Store) {
		const n = 4 << 20
		for _, replace := range []bool{false, true} {
			put(t, s, "x", content(1, n))
			r, _, err := s.Open(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			head := make([]byte, 100_000)
			if _, err := io.ReadFull(r, head); err != nil {
				t.Fatal(err)
			}
			if replace {
				put(t, s, "x", content(2, n))
			} else if err := s.Delete(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(r)
			if err == nil && !bytes.Equal(append(head, rest...), content(1, n)) {
				t.Fatal("the reader ended well with something else than the object")
			}
			if err != nil {
				wantErr(t, "read", err, blobstore.ErrConflict)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}},
}

// stuttering returns nothing at every other call, as io.Reader allows.
type stuttering struct {
	r   io.Reader
	odd bool
}

func (s *stuttering) Read(p []byte) (int, error) {
	if s.odd = !s.odd; s.odd {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 1_000)])
}
