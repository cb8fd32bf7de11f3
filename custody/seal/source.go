package seal

import (
	"fmt"
	"io"
)

// source tells a reader that broke from an object that ends too early. Both
// come out of io.ReadFull, and through the stream cipher, as the same
// io.ErrUnexpectedEOF; but the first may be tried again and the second is a
// corrupt object.
type source struct {
	r   io.Reader
	err error // the first error other than io.EOF
}

// Read reads on; after an error it gives only that error.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// fill reads len(p) bytes; an end before that is a truncated object.
func (s *source) fill(p []byte) error {
	_, err := io.ReadFull(s, p)
	return s.explain(err, "too short")
}

// explain returns the source's own error if there was one, and otherwise
// ErrCorrupt with the given words in place of err.
func (s *source) explain(err error, why string) error {
	switch {
	case err == nil:
		return nil
	case s.err != nil:
		return s.err
	default:
		return fmt.Errorf("%w: %s", ErrCorrupt, why)
	}
}
