package seal

import (
	"errors"
	"fmt"
)

// The errors of this package, for errors.Is. Their messages say what kind of
// thing was wrong and hold no content, key or name. What a source reader
// reports is passed on as it is and matches none of them.
var (
	// ErrCorrupt is an object that does not open: bytes changed, missing or
	// added, another object's bytes, the wrong data key or the wrong binding.
	ErrCorrupt = errors.New("sealed object does not open")

	// ErrVersion is an object whose first bytes name a format version or an
	// algorithm that this program does not know: sealed by a later release, or
	// damaged there. It is an ErrCorrupt too.
	ErrVersion = fmt.Errorf("%w: unknown format version or algorithm", ErrCorrupt)

	// ErrSize is a plaintext longer than allowed, or a source that holds fewer
	// or more bytes than declared.
	ErrSize = errors.New("size of what is sealed is out of bounds or not as declared")

	// ErrInvalid is a key or a binding that nothing can be sealed or opened
	// with: a mistake in the calling program.
	ErrInvalid = errors.New("not a usable key or binding")
)
