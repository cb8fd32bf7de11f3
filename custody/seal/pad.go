package seal

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	prefixSize = 4 // the length of what is padded
	// minPadded is the smallest padded size. It makes all short secrets the same
	// size: a PIN, a PUK, a card number, a log-in of up to 28 bytes.
	minPadded = 32
)

// paddedSize is the size of n bytes with their length prefix and padding. From
// minPadded on it is Padmé's (Nikitin et al., "Reducing Metadata Leakage from
// Encrypted Files and Communication with PURBs", 2019): of the size's binary
// digits only the leading few, as many as it takes to write down their number,
// may be other than zero. Padding is then at most 12 % and shrinks as sizes
// grow, and the number of different sizes stays small.
func paddedSize(n int) int {
	n += prefixSize
	if n <= minPadded {
		return minPadded
	}
	exponent := bits.Len(uint(n)) - 1
	mantissa := bits.Len(uint(exponent))
	low := 1<<(exponent-mantissa) - 1
	return (n + low) &^ low
}

// pad writes length, data and zeros into dst, which has paddedSize(len(data))
// bytes.
func pad(dst, data []byte) {
	binary.BigEndian.PutUint32(dst, uint32(len(data)))
	n := copy(dst[prefixSize:], data)
	clear(dst[prefixSize+n:])
}

// unpad returns the data within padded, which has at least minPadded bytes. It
// accepts only what pad writes. The padding was authenticated, so a failure
// means a writer with a fault or with other rules, and no one learns a secret
// from the time that it takes.
func unpad(padded []byte) ([]byte, error) {
	n := uint64(binary.BigEndian.Uint32(padded))
	if n > uint64(len(padded)-prefixSize) || paddedSize(int(n)) != len(padded) {
		clear(padded)
		return nil, fmt.Errorf("%w: length within", ErrCorrupt)
	}
	end := prefixSize + int(n)
	for _, c := range padded[end:] {
		if c != 0 {
			clear(padded)
			return nil, fmt.Errorf("%w: padding", ErrCorrupt)
		}
	}
	return padded[prefixSize:end], nil
}
