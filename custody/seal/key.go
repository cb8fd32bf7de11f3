package seal

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// KeySize is the length of a data key in bytes.
const KeySize = 32

// Key is a data key: in clear, to seal with, and wrapped, to be stored in the
// header of what it seals.
type Key struct {
	// Name is the name of the wrapping key: 1 to 128 lower-case letters, digits
	// and hyphens, not beginning with a hyphen.
	Name string
	// Wrapped is the data key encrypted under the wrapping key, 1 to 1024 bytes.
	// It is opaque here and stored in clear.
	Wrapped []byte
	// Plaintext is the data key itself, KeySize bytes.
	Plaintext []byte
}

// Clear overwrites the data key with zeros. Sealing with it then is refused.
//
// It is the best that can be done and no promise: the runtime may have copied
// the bytes, and the key schedules that ciphers made from them cannot be
// reached and stay until they are collected and their memory is used again.
func (k Key) Clear() { clear(k.Plaintext) }

// Format writes the same few words whatever the verb, so that no data key gets
// into a log by way of package fmt.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText gives the same words as Format, for log/slog and encoding/json.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[data key]"

func (k Key) check() error {
	if !validName(k.Name) {
		return fmt.Errorf("%w: key name", ErrInvalid)
	}
	if len(k.Wrapped) == 0 || len(k.Wrapped) > maxWrapped {
		return fmt.Errorf("%w: length of the wrapped data key", ErrInvalid)
	}
	return checkDataKey(k.Plaintext)
}

func (k Key) header(a Algorithm) Header {
	return Header{Version: version, Algorithm: a, KeyName: k.Name, Wrapped: k.Wrapped}
}

// checkDataKey also refuses the key of zeros: no random key is ever that, but a
// key used after Clear is.
func checkDataKey(key []byte) error {
	if len(key) != KeySize {
		return fmt.Errorf("%w: length of the data key", ErrInvalid)
	}
	var zeros [KeySize]byte
	if subtle.ConstantTimeCompare(key, zeros[:]) == 1 {
		return fmt.Errorf("%w: data key was cleared", ErrInvalid)
	}
	return nil
}
