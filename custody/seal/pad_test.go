package seal_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

func TestPaddedSizes(t *testing.T) {
	t.Parallel()
	classes, last := 0, 0
	for n := range 1 << 18 {
		size := seal.PaddedSize(n)
		switch {
		case size < last:
			t.Fatalf("size shrinks at %d", n)
		case size < n+4:
			t.Fatalf("%d bytes do not fit into %d", n, size)
		case size > 32 && float64(size) > 1.12*float64(n+4):
			t.Fatalf("padding of %d bytes to %d is more than 12 %%", n, size)
		case (size == 32) != (n <= 28):
			t.Fatalf("%d bytes padded to %d; the smallest size holds 28", n, size)
		case n%977 == 0 && size != len(refPad(make([]byte, n))):
			t.Fatalf("%d bytes padded to %d, by the reference to another size", n, size)
		}
		if size != last {
			classes++
		}
		last = size
	}
	// 2^18 sizes fall into 13 powers of two with at most 32 steps each.
	if classes > 13*32 || classes < 13 {
		t.Errorf("%d different sizes", classes)
	}
	for _, n := range []int{1 << 22, 4<<20 + 17, seal.MaxPlaintext - 1, seal.MaxPlaintext} {
		if size := seal.PaddedSize(n); size < n+4 || float64(size) > 1.04*float64(n) {
			t.Errorf("%d padded to %d", n, size)
		}
	}
}

// What is authentic and yet not padded as it must be comes from a writer with a
// fault; it does not open either.
func TestAuthenticButBadlyPadded(t *testing.T) {
	t.Parallel()
	o := someReference(1)
	padded := func(length uint32, size int, at ...int) []byte {
		out := make([]byte, size)
		binary.BigEndian.PutUint32(out, length)
		for _, i := range at {
			out[i] = 1
		}
		return out
	}
	if _, err := seal.Open(someKey.Plaintext, somewhere, o.sealPadded(padded(28, 32, 4, 31))); err != nil {
		t.Fatalf("good padding: %v", err)
	}
	for name, inner := range map[string][]byte{
		"nothing":                   {},
		"only a length":             padded(0, 4),
		"shorter than the smallest": padded(0, 31),
		"length beyond the end":     padded(29, 32),
		"greatest length":           padded(1<<32-1, 32),
		"too much padding":          padded(0, 36),
		"too little padding":        padded(100-4, 100),
		"first byte not zero":       padded(5, 32, 9),
		"last byte not zero":        padded(5, 32, 31),
	} {
		if got, err := seal.Open(someKey.Plaintext, somewhere, o.sealPadded(inner)); !errors.Is(err, seal.ErrCorrupt) || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}
