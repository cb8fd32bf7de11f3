package seal

import (
	"fmt"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

const (
	segmentSize = 64 << 10 // of ciphertext with its tag
	// The stream's own header, which Tink writes: its length, the salt of the
	// key derivation, the prefix of the nonces.
	streamHeaderSize = 1 + KeySize + 7

	fullSegment  = segmentSize - tagSize          // plaintext in a segment
	firstSegment = fullSegment - streamHeaderSize // the first is shorter by the stream's header
)

// StreamSize is the size of a sealed stream of n bytes with the header: the header,
// the stream's own header and a tag for each segment. Only an empty stream has an
// empty segment.
func StreamSize(h Header, n int64) int64 {
	segments := int64(1)
	if n > firstSegment {
		segments += (n - firstSegment + fullSegment - 1) / fullSegment
	}
	return int64(h.size()) + streamHeaderSize + n + segments*tagSize
}

// newStream makes the stream cipher. It is given no room for a foreign header
// in the first segment: segments are counted from the end of ours.
func newStream(dataKey []byte) (*subtle.AESGCMHKDF, error) {
	cipher, err := subtle.NewAESGCMHKDF(dataKey, "SHA256", KeySize, segmentSize, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: data key", ErrInvalid)
	}
	return cipher, nil
}
