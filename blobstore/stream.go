package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxStream is the largest object for PutStream, in bytes: what S3 takes in
// one PUT.
const MaxStream = 5 << 30

// Open returns an object's content as a stream, however large. The caller must
// close it, and should soon: until then it holds one of [Limits.Streams].
// The stream ends with io.EOF only after all Info.Size bytes; where
// the store fails, the context ends or the object is replaced meanwhile, it ends
// with another error. It is not for concurrent use.
func (s *Store) Open(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	ctx, done := s.observer.begin(ctx, "open")
	body, info, err := s.open(ctx, name)
	if err != nil {
		done(err)
		return nil, Info{}, fmt.Errorf("blobstore: open: %w", err)
	}
	body.done = done
	return body, info, nil
}

func (s *Store) open(ctx context.Context, name string) (*object, Info, error) {
	if err := CheckName(name); err != nil {
		return nil, Info{}, err
	}
	if err := s.streams.acquire(ctx); err != nil {
		return nil, Info{}, err
	}
	body, info, err := s.driver.Open(ctx, name)
	if err != nil {
		s.streams.release()
		return nil, Info{}, err
	}
	info.Name = name
	return &object{body: body, left: info.Size, release: s.streams.release}, info, nil
}

// PutStream stores exactly size bytes of r, if the condition holds. The object
// appears at the end, whole, or not at all: a reader that gives less or more
// than size bytes is [ErrSize], and an error of the reader is returned such that
// errors.Is finds it; then nothing is stored. Little of the content is in memory
// at any time.
//
// The reader is not used after PutStream has returned. It may be read from
// another goroutine, one call at a time; a panic in it comes out of PutStream. A
// context that ends cannot interrupt a Read under way, so r should end with it,
// as the streams of gRPC and HTTP do.
func (s *Store) PutStream(ctx context.Context, name string, r io.Reader, size int64, cond Condition) (Info, error) {
	ctx, done := s.observer.begin(ctx, "put_stream")
	info, err := s.putStream(ctx, name, r, size, cond)
	done(err)
	if err != nil {
		return Info{}, fmt.Errorf("blobstore: put stream: %w", err)
	}
	return info, nil
}

func (s *Store) putStream(ctx context.Context, name string, r io.Reader, size int64, cond Condition) (Info, error) {
	if err := errors.Join(CheckName(name), cond.check()); err != nil {
		return Info{}, err
	}
	switch {
	case size < 0:
		return Info{}, ErrSize
	case size > MaxStream:
		return Info{}, ErrTooLarge
	}
	if err := s.streams.acquire(ctx); err != nil {
		return Info{}, err
	}
	defer s.streams.release()

	src := &source{r: r, left: size}
	if size == 0 {
		// No driver reads the body of an empty object, so it is tried here.
		if _, err := src.Read(nil); err != io.EOF {
			return Info{}, src.finish(err)
		}
	}
	info, err := s.driver.Put(ctx, name, src, size, cond)
	if err = src.finish(err); err != nil {
		return Info{}, err
	}
	info.Name = name
	return info, nil
}

// object is the body of an opened object. It returns its slot when closed, tells
// the observer then, and distrusts the driver's idea of the end.
type object struct {
	body    io.ReadCloser
	left    int64
	once    sync.Once
	release func()
	done    func(error)
	failed  error // what ended the reading before the end
}

func (o *object) Read(p []byte) (int, error) {
	n, err := o.read(p)
	if err != nil && err != io.EOF {
		o.failed = err
	}
	return n, err
}

func (o *object) read(p []byte) (int, error) {
	n, err := o.body.Read(p)
	o.left -= int64(n)
	switch {
	case o.left < 0:
		return 0, fmt.Errorf("blobstore: read: %w: its answer was too long", ErrUnavailable)
	case err == io.EOF && o.left > 0:
		return n, fmt.Errorf("blobstore: read: %w", errShortAnswer)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("blobstore: read: %w", err)
	default:
		return n, err
	}
}

func (o *object) Close() error {
	err := o.body.Close()
	o.once.Do(func() {
		o.release()
		o.done(o.failed)
	})
	return err
}
