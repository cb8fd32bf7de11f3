package seal

import (
	"bytes"
	"fmt"
	"io"
)

// MaxStream is the longest plaintext that SealStream takes, in bytes (1 TiB).
const MaxStream = 1 << 40

// SealStream returns a reader of the sealed object of what src holds, and that
// object's exact size in bytes. It encrypts as it is read, on the reader's
// goroutine, and holds less than 300 KiB whatever the size.
//
// src must hold size bytes, neither fewer nor more: it is read to its io.EOF,
// and the last segment, without which no stream opens, is given out only after
// that. So an error that src returns in place of io.EOF, because a checksum did
// not match, say, also keeps the object from being completed.
//
// The key is needed only during the call and may be cleared after it. The
// error, now or from the reader, is ErrInvalid for an unusable key or binding,
// ErrSize for a size that is negative, over MaxStream or not what src holds, or
// what src reports. A reader that failed goes on failing.
func SealStream(k Key, b Binding, src io.Reader, size int64) (sealed io.Reader, sealedSize int64, err error) {
	if err := k.check(); err != nil {
		return nil, 0, err
	}
	if err := b.check(); err != nil {
		return nil, 0, err
	}
	if size < 0 || size > MaxStream {
		return nil, 0, fmt.Errorf("%w: declared size", ErrSize)
	}
	cipher, err := newStream(k.Plaintext)
	if err != nil {
		return nil, 0, err
	}
	h := k.header(AES256GCMStream)

	// A chunk one byte longer than all of src is enough to see that it is longer.
	s := &sealer{src: src, left: size, chunk: make([]byte, min(size+1, chunkSize))}
	s.out.Write(h.append(nil))
	s.enc, err = cipher.NewEncryptingWriter(&s.out, b.associatedData(h))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: data key", ErrInvalid)
	}
	return s, StreamSize(h, size), nil
}

const (
	chunkSize = 32 << 10 // less than a segment, so that a chunk completes at most one
	maxIdle   = 100      // how often in a row src may give nothing before it is given up
)

// sealer turns Tink's writer into a reader: it feeds the writer until something
// comes out. A pipe would do the same with a goroutine, which would stay behind
// whenever a store stopped reading half way.
type sealer struct {
	src   io.Reader
	left  int64 // how many bytes src still owes
	enc   io.WriteCloser
	out   output
	chunk []byte
	idle  int
	err   error // what to say once out is empty
}

// Read gives out sealed bytes.
func (s *sealer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := s.out.begin(p)
	for n == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.err = s.feed(); s.err != nil {
			clear(s.chunk)
		}
		n = s.out.given
	}
	s.out.end()
	return n, nil
}

// feed encrypts the next chunk; at the end of src also the last segment, and
// then it returns io.EOF.
func (s *sealer) feed() error {
	n, err := s.src.Read(s.chunk)
	if s.left -= int64(n); s.left < 0 {
		return fmt.Errorf("%w: more than declared", ErrSize)
	}
	if n > 0 {
		s.idle = 0
		if _, err := s.enc.Write(s.chunk[:n]); err != nil {
			return err
		}
	}
	switch {
	case err == io.EOF && s.left > 0:
		return fmt.Errorf("%w: less than declared", ErrSize)
	case err == io.EOF:
		if err := s.enc.Close(); err != nil {
			return err
		}
		return io.EOF
	case err != nil:
		return err
	case n == 0:
		if s.idle++; s.idle == maxIdle {
			return io.ErrNoProgress
		}
	}
	return nil
}

// output takes sealed bytes from Tink's writer: as many as fit into the slice
// that the consumer reads into, which saves a copy, and keeps the rest.
type output struct {
	to    []byte // nil while nobody reads
	given int    // how much of it is filled
	kept  bytes.Buffer
}

func (o *output) begin(p []byte) int {
	o.to = p
	o.given, _ = o.kept.Read(p) // its only error says that it is empty
	return o.given
}

func (o *output) end() { o.to, o.given = nil, 0 }

// Write never fails.
func (o *output) Write(b []byte) (int, error) {
	n := copy(o.to[o.given:], b)
	o.given += n
	o.kept.Write(b[n:])
	return len(b), nil
}
