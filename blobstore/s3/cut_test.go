package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

// An answer that is cut anywhere must be an error: an end of the connection is
// not the end of the object.
func TestCutDownload(t *testing.T) {
	t.Parallel()
	relay, set := newRelay(t, testenv.SharedMinio(t))
	for _, size := range []int{2_000, 3 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		if _, err := blobstore.New(mustOpen(t, set)).Put(t.Context(), "x/y", data, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		for _, after := range []int{0, 300, size / 2, size} { // all too few, with the answer's header
			for _, reset := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d of %d, reset %v", after, size, reset), func(t *testing.T) {
					relay.reset.Store(reset)
					s := blobstore.New(mustOpen(t, set)) // without a connection from before
					relay.down.Store(int64(after))
					defer relay.down.Store(-1)
					if _, _, err := s.Get(t.Context(), "x/y"); !isUnavailable(err) {
						t.Errorf("Get: %v", err)
					}
					relay.down.Store(int64(after))
					r, _, err := s.Open(t.Context(), "x/y")
					if err == nil {
						_, err = io.Copy(io.Discard, r)
						_ = r.Close()
					}
					if !isUnavailable(err) {
						t.Errorf("Open and read: %v", err)
					}
					relay.down.Store(-1)
					if got, _, err := s.Get(t.Context(), "x/y"); err != nil || !bytes.Equal(got, data) {
						t.Errorf("afterwards: %d bytes, %v", len(got), err)
					}
				})
			}
		}
	}
}

func TestCutUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	relay, set := newRelay(t, testenv.SharedMinio(t))
	const size = 3 << 20
	for _, after := range []int64{0, 100, size / 2, size} { // all too few, with the request's header
		for _, reset := range []bool{false, true} {
			s := blobstore.New(mustOpen(t, set))
			relay.reset.Store(reset)
			relay.up.Store(after)
			_, err := s.PutStream(t.Context(), "x/y", io.LimitReader(zeros{}, size), size, blobstore.Condition{})
			relay.up.Store(-1)
			if !isUnavailable(err) {
				t.Errorf("cut after %d bytes: %v", after, err)
			}
			if _, err := s.Stat(t.Context(), "x/y"); !errors.Is(err, blobstore.ErrNotFound) {
				t.Errorf("cut after %d bytes, something is there: %v", after, err)
			}
		}
	}
}

// The server does what it was asked and its answer is lost. A conditional write
// that was sent again would now fail, and its caller would think that another
// had won. So it is sent once, the caller hears that nothing is known, and finds
// its own write by reading.
func TestLostAnswerOfAConditionalWrite(t *testing.T) {
	t.Parallel()
	relay, set := newRelay(t, testenv.SharedMinio(t))
	for _, reset := range []bool{false, true} {
		relay.reset.Store(reset)
		for _, write := range []func(*blobstore.Store, blobstore.Condition) error{
			func(s *blobstore.Store, cond blobstore.Condition) error {
				_, err := s.Put(t.Context(), "x/y", []byte("mine"), cond)
				return err
			},
			func(s *blobstore.Store, cond blobstore.Condition) error {
				_, err := s.PutStream(t.Context(), "x/y", bytes.NewReader([]byte("mine")), 4, cond)
				return err
			},
		} {
			s := blobstore.New(mustOpen(t, set))
			before := relay.connections.Load()
			relay.lose.Store(1)
			if err := write(s, blobstore.IfAbsent()); !isUnavailable(err) || strings.Contains(err.Error(), "x/y") {
				t.Fatalf("lost answer: %v", err)
			}
			if n := relay.connections.Load() - before; n != 1 {
				t.Fatalf("sent %d times", n)
			}
			got, info, err := s.Get(t.Context(), "x/y")
			if err != nil || string(got) != "mine" {
				t.Fatalf("the write is not there: %q, %v", got, err)
			}
			if err := write(s, blobstore.IfMatch(info.ETag)); err != nil {
				t.Fatalf("the caller can't go on from what it read: %v", err)
			}
			if err := s.Delete(t.Context(), "x/y"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An idempotent call whose answer is lost is made again.
func TestLostAnswerOfAnIdempotentCall(t *testing.T) {
	t.Parallel()
	relay, set := newRelay(t, testenv.SharedMinio(t))
	for call, do := range map[string]func(*blobstore.Store) error{
		"Put": func(s *blobstore.Store) error {
			_, err := s.Put(t.Context(), "x/y", []byte("v"), blobstore.Condition{})
			return err
		},
		"Get":    func(s *blobstore.Store) error { _, _, err := s.Get(t.Context(), "there"); return err },
		"Stat":   func(s *blobstore.Store) error { _, err := s.Stat(t.Context(), "there"); return err },
		"Delete": func(s *blobstore.Store) error { return s.Delete(t.Context(), "x/y") },
		"List": func(s *blobstore.Store) error {
			for _, err := range s.List(t.Context(), "") {
				return err
			}
			return errors.New("nothing listed")
		},
	} {
		s := blobstore.New(mustOpen(t, set))
		if _, err := s.Put(t.Context(), "there", []byte("v"), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		before := relay.connections.Load()
		relay.lose.Store(1)
		if err := do(blobstore.New(mustOpen(t, set))); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		if n := relay.connections.Load() - before; n != 2 {
			t.Errorf("%s was sent %d times", call, n)
		}
	}
}
