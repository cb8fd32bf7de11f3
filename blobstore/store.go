package blobstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Store is the front of all storage. It is safe for concurrent use.
type Store struct {
	driver                 Driver
	limits                 Limits
	observer               Observer
	reads, writes, streams slots
}

// Option changes how [New] sets up a [Store].
type Option func(*Store)

// WithLimits sets the store's limits; fields left zero keep their defaults.
func WithLimits(l Limits) Option { return func(s *Store) { s.limits = l } }

// New makes a store on that driver, which [Store.Close] closes.
func New(d Driver, options ...Option) *Store {
	s := &Store{driver: d}
	for _, o := range options {
		o(s)
	}
	s.limits = s.limits.withDefaults()
	s.reads = make(slots, s.limits.Reads)
	s.writes = make(slots, s.limits.Writes)
	s.streams = make(slots, s.limits.Streams)
	return s
}

// readAttempts is how often Get begins anew with an object that is replaced
// while it is read.
const readAttempts = 16

// Get returns the whole of a small object, as it was at one moment. One above
// [Limits.Object] gives [ErrTooLarge]; it can still be read with Open. The data
// is the caller's own.
func (s *Store) Get(ctx context.Context, name string) ([]byte, Info, error) {
	ctx, done := s.observer.begin(ctx, "get")
	data, info, err := s.get(ctx, name)
	done(err)
	if err != nil {
		return nil, Info{}, fmt.Errorf("blobstore: get: %w", err)
	}
	return data, info, nil
}

func (s *Store) get(ctx context.Context, name string) ([]byte, Info, error) {
	if err := CheckName(name); err != nil {
		return nil, Info{}, err
	}
	if err := s.reads.acquire(ctx); err != nil {
		return nil, Info{}, err
	}
	defer s.reads.release()
	for attempt := 1; ; attempt++ {
		data, info, replaced, err := s.read(ctx, name)
		if !replaced || attempt == readAttempts {
			return data, info, err
		}
	}
}

// read reads an object whole. It says whether that failed because the object was
// replaced meanwhile.
func (s *Store) read(ctx context.Context, name string) (data []byte, info Info, replaced bool, err error) {
	body, info, err := s.driver.Open(ctx, name)
	if err != nil {
		return nil, Info{}, false, err
	}
	defer body.Close()
	if info.Size > s.limits.Object {
		return nil, Info{}, false, ErrTooLarge
	}
	data = make([]byte, info.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errShortAnswer
		}
		return nil, Info{}, errors.Is(err, ErrConflict), err
	}
	info.Name = name
	return data, info, false, nil
}

// Put stores a small object if the condition holds; else it returns
// [ErrConflict]. More than [Limits.Object] gives [ErrTooLarge]. The data is only
// read, and not used after Put has returned.
func (s *Store) Put(ctx context.Context, name string, data []byte, cond Condition) (Info, error) {
	ctx, done := s.observer.begin(ctx, "put")
	info, err := s.put(ctx, name, data, cond)
	done(err)
	if err != nil {
		return Info{}, fmt.Errorf("blobstore: put: %w", err)
	}
	return info, nil
}

func (s *Store) put(ctx context.Context, name string, data []byte, cond Condition) (Info, error) {
	if err := errors.Join(CheckName(name), cond.check()); err != nil {
		return Info{}, err
	}
	if int64(len(data)) > s.limits.Object {
		return Info{}, ErrTooLarge
	}
	if err := s.writes.acquire(ctx); err != nil {
		return Info{}, err
	}
	defer s.writes.release()
	info, err := s.driver.Put(ctx, name, bytes.NewReader(data), int64(len(data)), cond)
	info.Name = name
	return info, err
}

// Stat says what the store knows about an object, without its content.
func (s *Store) Stat(ctx context.Context, name string) (Info, error) {
	ctx, done := s.observer.begin(ctx, "stat")
	info, err := s.stat(ctx, name)
	done(err)
	if err != nil {
		return Info{}, fmt.Errorf("blobstore: stat: %w", err)
	}
	return info, nil
}

func (s *Store) stat(ctx context.Context, name string) (Info, error) {
	if err := CheckName(name); err != nil {
		return Info{}, err
	}
	if err := s.reads.acquire(ctx); err != nil {
		return Info{}, err
	}
	defer s.reads.release()
	info, err := s.driver.Stat(ctx, name)
	info.Name = name
	return info, err
}

// Delete removes an object for good. One that is not there is no error, so that
// it can be repeated after any failure.
func (s *Store) Delete(ctx context.Context, name string) error {
	ctx, done := s.observer.begin(ctx, "delete")
	err := s.delete(ctx, name)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: delete: %w", err)
	}
	return nil
}

func (s *Store) delete(ctx context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := s.writes.acquire(ctx); err != nil {
		return err
	}
	defer s.writes.release()
	return s.driver.Delete(ctx, name)
}

// List goes through the objects whose names begin with prefix, in the order of
// their names' bytes. It fetches them in pages while the loop goes on. What
// exists all the while comes exactly once; what is written or deleted meanwhile
// may come or not. An error, also that of a context that ended, is the last
// thing that it gives: a loop that sees none has seen everything.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return observed(ctx, s.observer, "list", func(ctx context.Context) iter.Seq2[Info, error] {
		return paced(ctx, s.reads, prefix, "list", s.driver.List)
	})
}

// Ping asks whether the store would serve now. It waits for no other request,
// so that a health check sees a store that is merely busy as well.
func (s *Store) Ping(ctx context.Context) error {
	ctx, done := s.observer.begin(ctx, "ping")
	err := s.driver.Ping(ctx)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: ping: %w", err)
	}
	return nil
}

// Prepare makes what is stored into, such as the bucket, where it is missing,
// and refuses one that keeps what is deleted. It is idempotent.
func (s *Store) Prepare(ctx context.Context) error {
	ctx, done := s.observer.begin(ctx, "prepare")
	err := s.driver.Prepare(ctx)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: prepare: %w", err)
	}
	return nil
}

// Close releases the driver. All calls have returned and all readers are closed
// before.
func (s *Store) Close() error {
	if err := s.driver.Close(); err != nil {
		return fmt.Errorf("blobstore: close: %w", err)
	}
	return nil
}

// errShortAnswer is a store that ended an answer before its announced size.
var errShortAnswer = fmt.Errorf("%w: its answer ended early", ErrUnavailable)
