package blobstore

import "errors"

// The errors that callers tell apart, with errors.Is.
var (
	// ErrNotFound is an object that is not there.
	ErrNotFound = errors.New("object not found")
	// ErrConflict is a condition that did not hold: the object exists although
	// it should not, or is not the version that was named, or is gone. An object
	// that is replaced or deleted while it is being read may end the reading
	// with this error too.
	ErrConflict = errors.New("object is not in the state that the request names")
	// ErrUnavailable is a store that does not answer, answers that it cannot
	// serve, or refuses us altogether. A write that ends so may have happened.
	ErrUnavailable = errors.New("object store is not available")
	// ErrSize is a stream that was shorter or longer than declared; nothing was
	// stored.
	ErrSize = errors.New("stream does not have its declared size")
	// ErrTooLarge is an object above the limit of the call: [Limits.Object] for
	// Get and Put, [MaxStream] for PutStream.
	ErrTooLarge = errors.New("object is too large")
	// ErrName is a name or prefix that breaks the rules of [CheckName] or
	// [CheckPrefix].
	ErrName = errors.New("not a valid object name")
)
