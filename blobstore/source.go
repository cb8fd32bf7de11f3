package blobstore

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// source stands between a caller's reader and a driver. It gives exactly the
// declared number of bytes and then io.EOF, or an error.
//
// It holds the last bytes back until the reader has said io.EOF: a driver, or
// the server behind it, takes the last declared byte for the end, so an object
// whose reader goes on, or fails instead of ending, must not see that byte.
//
// Drivers may read from a goroutine of their own, and an HTTP transport may
// still be reading when the call that it served has returned. The lock makes
// finish wait for such a Read, and nothing reads from the caller's reader after.
type source struct {
	mu       sync.Mutex
	r        io.Reader
	left     int64
	ended    bool  // r has said io.EOF, at the right place
	err      error // the first error, for all later reads
	panicked any
}

// Read implements io.Reader. With no bytes left it tries the reader's end.
func (s *source) Read(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return 0, s.err
	case s.ended:
		return 0, io.EOF
	}
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, errPanicked
			s.panicked = v
		}
		if err != nil && err != io.EOF {
			s.err = err
		}
	}()
	if s.left == 0 {
		return 0, s.end()
	}
	n, err = readSome(s.r, p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	switch {
	case err == io.EOF && s.left > 0:
		return 0, ErrSize
	case err == io.EOF:
		s.ended = true
		return n, nil
	case err != nil:
		return 0, err
	case s.left == 0:
		if err := s.end(); err != io.EOF {
			return 0, err
		}
	}
	return n, nil
}

// end is io.EOF if the reader is at its end.
func (s *source) end() error {
	n, err := readSome(s.r, make([]byte, 1))
	switch {
	case n > 0:
		return ErrSize
	case err == io.EOF:
		s.ended = true
	}
	return err
}

// finish makes sure that the reader is not used any more, and returns the error
// of the whole: the reader's own where it failed, else that of the driver. A
// reader's panic goes on here, in the goroutine that gave the reader.
func (s *source) finish(driverErr error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panicked != nil {
		panic(s.panicked)
	}
	if s.err != nil {
		return s.err
	}
	s.err = errFinished
	if driverErr == nil && !s.ended {
		return errUnread
	}
	return driverErr
}

// readSome reads at least a byte, or an error. A reader that goes on giving
// neither is io.ErrNoProgress.
func readSome(r io.Reader, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for range maxEmptyReads {
		n, err := r.Read(p)
		if n < 0 || n > len(p) {
			return 0, errCount
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

const maxEmptyReads = 100

var (
	errPanicked = errors.New("reader panicked")
	errUnread   = fmt.Errorf("%w: it took a stream that it had not read", ErrUnavailable)
	errFinished = errors.New("read after the end of the request")
	errCount    = errors.New("reader returned an impossible count")
)
