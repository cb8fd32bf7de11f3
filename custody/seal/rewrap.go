package seal

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Rewrapped gives a sealed object of either form with its data key wrapped anew:
// another ciphertext of the same data key, under the same wrapping key. All
// other bytes stay. It needs no key and sees no content.
//
// Nothing is checked but the shape: what is put in with a wrapped key of another
// data key does not open. So wrapped must be what the key server made of the
// object's own Header.Wrapped.
//
// The result is in newly allocated memory. The error is ErrVersion or ErrCorrupt
// for what is no sealed object, and ErrInvalid for a wrapped data key that does
// not have 1 to 1024 bytes.
func Rewrapped(sealed []byte, wrapped []byte) ([]byte, error) {
	h, err := ParseHeader(sealed)
	if err != nil {
		return nil, err
	}
	payload := sealed[h.size():]
	if h, err = h.rewrapped(wrapped); err != nil {
		return nil, err
	}
	out := h.append(make([]byte, 0, h.size()+len(payload)))
	return append(out, payload...), nil
}

// RewrappedStream is Rewrapped for an object of sealedSize bytes that is read
// from r: h is what ReadHeader read from it, and r stands behind it. It gives a
// reader of the whole object as it is to be stored, and its exact size.
//
// The reader gives what r gives: whoever stores it checks the size, as a store
// does that is told it.
func RewrappedStream(h Header, wrapped []byte, r io.Reader, sealedSize int64) (io.Reader, int64, error) {
	if err := h.check(); err != nil {
		return nil, 0, err
	}
	payload := sealedSize - int64(h.size())
	if payload < 0 {
		return nil, 0, fmt.Errorf("%w: too short", ErrCorrupt)
	}
	h, err := h.rewrapped(wrapped)
	if err != nil {
		return nil, 0, err
	}
	return io.MultiReader(bytes.NewReader(h.append(nil)), r), int64(h.size()) + payload, nil
}

func (h Header) rewrapped(wrapped []byte) (Header, error) {
	if len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return Header{}, fmt.Errorf("%w: length of the wrapped data key", ErrInvalid)
	}
	h.Wrapped = slices.Clone(wrapped)
	return h, nil
}
