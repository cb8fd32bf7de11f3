package blobstore

import (
	"context"
	"iter"
)

// Version is one version of an object in an [Archive].
type Version struct {
	Info
	// ID names the version to [Archive.Read]; opaque.
	ID string
	// Hidden says that somebody tried to remove the version after it was
	// written: an ordinary reader does not see it any more, though it is there.
	Hidden bool
}

// ArchiveDriver is one kind of write-once storage. Only [Archive] calls it, with
// names and prefixes checked, from many goroutines at once. Its errors are the
// sentinels of this package, as with [Driver].
type ArchiveDriver interface {
	// Create stores data under a name that was never used. It returns
	// ErrConflict where the name was. A nil error means that it is durable and
	// locked: nobody can change or remove it before its time. The data is only
	// read, and not used after Create has returned.
	Create(ctx context.Context, name string, data []byte) error

	// Versions goes through all versions of the objects whose names begin with
	// prefix, in the order of their names' bytes and of each name the oldest
	// first: also those that a delete marker hides. There is more than one of a
	// name only where somebody wrote past Create. What exists all the while is
	// listed exactly once. An error is the last thing it gives.
	Versions(ctx context.Context, prefix string) iter.Seq2[Version, error]

	// Read gives one version whole. One of more than most bytes is ErrTooLarge,
	// and takes no memory.
	Read(ctx context.Context, name, id string, most int64) ([]byte, error)

	// Prepare makes what the driver stores into, with the lock, unless it is
	// there, and refuses one without the lock.
	Prepare(ctx context.Context) error

	// Ping asks whether the storage would serve.
	Ping(ctx context.Context) error

	// Close releases what the driver holds.
	Close() error
}
