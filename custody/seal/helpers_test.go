package seal_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

// The values that most tests seal with. None of them is changed.
var (
	someKey = seal.Key{
		Name:      "sparkasse-musterstadt-9g3k0v5t1m8r2c7d4h6j9q0s3n5p1u8a-7f2b9d4e6h1j3k5m",
		Wrapped:   []byte("vault:v1:c29tZSBkYXRhIGtleSwgd3JhcHBlZA=="),
		Plaintext: []byte("0123456789abcdefghijklmnopqrstuv"),
	}
	somewhere = seal.Binding{
		Institute:   "sparkasse-musterstadt",
		Pseudonym:   "9g3k0v5t1m8r2c7d4h6j9q0s3n5p1u8a",
		Object:      "sparkasse-musterstadt/dossiers/9g3k0v5t1m8r2c7d4h6j9q0s3n5p1u8a",
		Compartment: "dossier",
	}
)

// someReference is what someKey seals somewhere, for the independent
// implementation.
func someReference(algorithm byte) refObject {
	b := somewhere
	return refObject{
		algorithm: algorithm, keyName: someKey.Name, wrapped: someKey.Wrapped, dataKey: someKey.Plaintext,
		binding: [4]string{b.Institute, b.Pseudonym, b.Object, b.Compartment},
		nonce:   make([]byte, 12), salt: make([]byte, 32), prefix: make([]byte, 7),
	}
}

// pattern is n bytes in which no two segments are alike.
func pattern(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i*7 + i>>8 + i>>16)
	}
	return out
}

func mustSeal(t testing.TB, plaintext []byte) []byte {
	t.Helper()
	sealed, err := seal.Seal(someKey, somewhere, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func mustSealStream(t testing.TB, plaintext []byte) []byte {
	t.Helper()
	r, size, err := seal.SealStream(someKey, somewhere, bytes.NewReader(plaintext), int64(len(plaintext)))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(sealed)) != size {
		t.Fatalf("sealed %d bytes, announced %d", len(sealed), size)
	}
	return sealed
}

// keeperOpen is open with what a key server makes of the wrapped data key in the
// header: it knows someKey's and refuses all others.
func keeperOpen(b seal.Binding, sealed []byte) ([]byte, error) {
	h, err := seal.ParseHeader(sealed)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(h.Wrapped, someKey.Wrapped) {
		return nil, fmt.Errorf("%w: refused by the key server", seal.ErrCorrupt)
	}
	return open(someKey.Plaintext, b, sealed)
}

// openStream is ReadHeader and OpenStream.
func openStream(plainKey []byte, b seal.Binding, r io.Reader) (io.Reader, error) {
	h, err := seal.ReadHeader(r)
	if err != nil {
		return nil, err
	}
	return seal.OpenStream(plainKey, b, h, r)
}

// open opens a sealed object of either form from memory.
func open(plainKey []byte, b seal.Binding, sealed []byte) ([]byte, error) {
	h, err := seal.ParseHeader(sealed)
	if err != nil {
		return nil, err
	}
	if h.Algorithm == seal.AES256GCM {
		return seal.Open(plainKey, b, sealed)
	}
	r, err := openStream(plainKey, b, bytes.NewReader(sealed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
