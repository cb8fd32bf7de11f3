// Package seal is the sealed object format: what lies in the object store in
// place of a dossier, a secret or a scan.
//
// A sealed object is a header and a payload. The header names, in clear, the
// key that wraps the object's data key, and carries that data key wrapped. The
// payload is encrypted with the data key, and bound to the name of the wrapping
// key and to the place where the object belongs (Binding): an object that was
// moved, swapped with another, cut, lengthened or put under another key does
// not open. docs/format.md describes every byte, and what the format does not
// protect.
//
// The wrapped data key alone can be replaced: after the wrapping key got a new
// version, Rewrapped and RewrappedStream put the data key, wrapped anew, into an
// object without opening it.
//
// There are two forms. Seal and Open take an object whole, in memory, and pad
// it so that its size tells only a size class: dossiers and the secrets in
// them. SealStream and OpenStream take one of any size in segments of 64 KiB:
// scans.
//
// Opening takes two steps, because this package knows data keys but not who
// unwraps them: ParseHeader (or ReadHeader) says which key wrapped the data
// key; then Open (or OpenStream) takes the unwrapped one. What ParseHeader
// returns is not authenticated yet, so the caller first checks that the key
// named there is one that this object may have.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// MaxPlaintext is the longest plaintext that Seal takes, in bytes (64 MiB).
// What is longer belongs in a stream.
const MaxPlaintext = 64 << 20

const (
	nonceSize = 12 // random, NIST SP 800-38D section 8.2.2
	tagSize   = 16
)

// Seal encrypts the plaintext under the data key and binds it to b. The result
// is a whole object in newly allocated memory; it is longer than the plaintext
// by the header, 28 bytes, and padding.
//
// Each call draws a fresh random nonce of 96 bits, so one data key seals at
// most 2^32 objects (NIST SP 800-38D section 8.3): at a write a second, 136
// years.
//
// The error is ErrInvalid for an unusable key or binding and ErrSize for a
// plaintext longer than MaxPlaintext.
func Seal(k Key, b Binding, plaintext []byte) ([]byte, error) {
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails: the process ends first
	return sealWith(nonce, k, b, plaintext)
}

func sealWith(nonce [nonceSize]byte, k Key, b Binding, plaintext []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("%w: longer than one object sealed whole may be", ErrSize)
	}
	aead, err := newGCM(k.Plaintext)
	if err != nil {
		return nil, err
	}
	h := k.header(AES256GCM)
	inner := paddedSize(len(plaintext))
	out := make([]byte, 0, h.size()+nonceSize+inner+tagSize)
	out = h.append(out)
	ad := b.associatedData(h)
	out = append(out, nonce[:]...)

	// The padded plaintext is laid where its ciphertext comes to lie, so that
	// no second copy of it stays in memory.
	at := len(out)
	out = out[:at+inner]
	pad(out[at:], plaintext)
	return aead.Seal(out[:at], nonce[:], out[at:], ad), nil
}

// Open decrypts an object that Seal made, with the unwrapped data key and the
// binding that it was sealed with. The plaintext is in newly allocated memory,
// which the caller may clear after use.
//
// The error is ErrInvalid for an unusable key or binding, ErrVersion for an
// object of a format that this program does not know, and ErrCorrupt for
// everything that does not open; which of key, binding, header and content was
// wrong cannot be told.
func Open(plainKey []byte, b Binding, sealed []byte) ([]byte, error) {
	h, err := ParseHeader(sealed)
	if err != nil {
		return nil, err
	}
	if h.Algorithm != AES256GCM {
		return nil, fmt.Errorf("%w: a stream where a whole object was expected", ErrCorrupt)
	}
	if err := checkDataKey(plainKey); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	payload := sealed[h.size():]
	if len(payload) < nonceSize+minPadded+tagSize {
		return nil, fmt.Errorf("%w: too short", ErrCorrupt)
	}
	aead, err := newGCM(plainKey)
	if err != nil {
		return nil, err
	}
	padded, err := aead.Open(nil, payload[:nonceSize], payload[nonceSize:], b.associatedData(h))
	if err != nil {
		return nil, fmt.Errorf("%w: not authentic", ErrCorrupt)
	}
	return unpad(padded)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: data key", ErrInvalid)
	}
	return cipher.NewGCM(block)
}
