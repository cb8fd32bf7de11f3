package seal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Algorithm says how the payload of a sealed object is encrypted.
type Algorithm byte

// The algorithms of format version 1. Their numbers are part of the format.
const (
	// AES256GCM is the form of Seal and Open: padded, in one piece.
	AES256GCM Algorithm = 1
	// AES256GCMStream is the form of SealStream and OpenStream: in segments of
	// 64 KiB, under a key that HKDF-SHA256 derives for this one stream.
	AES256GCMStream Algorithm = 2
)

const (
	magic      = "WF"
	version    = 1
	fixedSize  = len(magic) + 2 // magic, version, algorithm
	maxName    = 128
	maxWrapped = 1024
	maxHeader  = fixedSize + 1 + maxName + 2 + maxWrapped
)

// Header is the part of a sealed object that lies in clear before the payload.
type Header struct {
	// Version is the format version, 1.
	Version byte
	// Algorithm is how the payload is encrypted.
	Algorithm Algorithm
	// KeyName is the name of the key that Wrapped is encrypted under; its
	// alphabet and length are those of Key.Name, so that it can stand in a path.
	KeyName string
	// Wrapped is the wrapped data key, 1 to 1024 bytes.
	Wrapped []byte
}

// ParseHeader reads the header at the beginning of a sealed object. Nothing in
// it is authenticated before the object was opened.
//
// The result shares no memory with sealed. The error is ErrVersion or
// ErrCorrupt.
func ParseHeader(sealed []byte) (Header, error) {
	return ReadHeader(bytes.NewReader(sealed))
}

// ReadHeader is ParseHeader for an object that is read from r. It reads the
// header's bytes, at most 1159, and none of the payload.
//
// The error is ErrVersion, ErrCorrupt also where r ends too early, or what r
// reports.
func ReadHeader(r io.Reader) (Header, error) {
	src := &source{r: r}
	// Everything goes into one buffer of the greatest allowed size: no length
	// that the object claims decides how much is allocated.
	var buf [maxHeader]byte

	fixed := buf[:fixedSize+1]
	if err := src.fill(fixed); err != nil {
		return Header{}, err
	}
	h := Header{Version: fixed[2], Algorithm: Algorithm(fixed[3])}
	if string(fixed[:2]) != magic {
		return Header{}, fmt.Errorf("%w: not a sealed object", ErrCorrupt)
	}
	if h.Version != version || (h.Algorithm != AES256GCM && h.Algorithm != AES256GCMStream) {
		return Header{}, ErrVersion
	}

	n := int(fixed[fixedSize])
	if n == 0 || n > maxName {
		return Header{}, fmt.Errorf("%w: length of the key name", ErrCorrupt)
	}
	name := buf[:n+2] // with the length that follows it
	if err := src.fill(name); err != nil {
		return Header{}, err
	}
	h.KeyName = string(name[:n])
	if !validName(h.KeyName) {
		return Header{}, fmt.Errorf("%w: key name", ErrCorrupt)
	}

	n = int(binary.BigEndian.Uint16(name[n:]))
	if n == 0 || n > maxWrapped {
		return Header{}, fmt.Errorf("%w: length of the wrapped data key", ErrCorrupt)
	}
	h.Wrapped = buf[:n:n]
	if err := src.fill(h.Wrapped); err != nil {
		return Header{}, err
	}
	return h, nil
}

func (h Header) size() int { return fixedSize + 1 + len(h.KeyName) + 2 + len(h.Wrapped) }

// appendBound adds the bytes to dst that the payload is bound to: all up to the
// end of the key's name.
func (h Header) appendBound(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = append(dst, h.Version, byte(h.Algorithm), byte(len(h.KeyName)))
	return append(dst, h.KeyName...)
}

// append adds the header's bytes to dst. There is exactly one encoding of a
// header, so that a header that was read gives the bytes that it was read from.
func (h Header) append(dst []byte) []byte {
	dst = h.appendBound(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Wrapped)))
	return append(dst, h.Wrapped...)
}

// check holds for every header that ReadHeader returned; one that a program put
// together or changed may fail it.
func (h Header) check() error {
	if h.Version != version || !validName(h.KeyName) || len(h.Wrapped) == 0 || len(h.Wrapped) > maxWrapped {
		return fmt.Errorf("%w: header", ErrCorrupt)
	}
	return nil
}

// validName keeps a key name to an alphabet in which nothing means anything to
// a path, a URL or a policy: the name comes from the object store and goes to
// the key server before anything about it was authenticated.
func validName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '-' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
