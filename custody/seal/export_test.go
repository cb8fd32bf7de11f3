package seal

// What the tests need to see of the inside.

// SealWithNonce is Seal with a nonce that is not random.
func SealWithNonce(nonce [12]byte, k Key, b Binding, plaintext []byte) ([]byte, error) {
	return sealWith(nonce, k, b, plaintext)
}

// PaddedSize is the size of n bytes with their length prefix and padding.
func PaddedSize(n int) int { return paddedSize(n) }

// MaxHeader is the greatest size of a header.
const MaxHeader = maxHeader
