package s3

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/wertfach/wertfach/blobstore"
)

// isUnavailable is whether an error says that and nothing else.
func isUnavailable(err error) bool {
	return errors.Is(err, blobstore.ErrUnavailable) && !errors.Is(err, blobstore.ErrNotFound) &&
		!errors.Is(err, blobstore.ErrConflict) && !errors.Is(err, context.DeadlineExceeded)
}

// everyCall is each call of a store, ready to be made on one name.
func everyCall(s *blobstore.Store, name string) map[string]func(context.Context) error {
	put := func(cond blobstore.Condition) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.Put(ctx, name, []byte("x"), cond)
			return err
		}
	}
	stream := func(size int64) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.PutStream(ctx, name, io.LimitReader(zeros{}, size), size, blobstore.Condition{})
			return err
		}
	}
	return map[string]func(context.Context) error{
		"Get":               func(ctx context.Context) error { _, _, err := s.Get(ctx, name); return err },
		"Open":              func(ctx context.Context) error { _, _, err := s.Open(ctx, name); return err },
		"Stat":              func(ctx context.Context) error { _, err := s.Stat(ctx, name); return err },
		"Put":               put(blobstore.Condition{}),
		"Put if absent":     put(blobstore.IfAbsent()),
		"Put if it matches": put(blobstore.IfMatch("abc")),
		"PutStream":         stream(10),
		"PutStream of much": stream(8 << 20),
		"Delete":            func(ctx context.Context) error { return s.Delete(ctx, name) },
		"Ping":              s.Ping,
		"List": func(ctx context.Context) error {
			for _, err := range s.List(ctx, "") {
				return err
			}
			return nil
		},
	}
}

// zeros is content without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// trigger does something once that many bytes of a stream have been read.
type trigger struct {
	r    io.Reader
	at   int
	once sync.Once
	do   func()
}

func (t *trigger) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if t.at -= n; t.at <= 0 {
		t.once.Do(t.do)
	}
	return n, err
}
