package blobstore

import (
	"context"
	"io"
	"iter"
	"time"
)

// Info is what a store knows about an object.
type Info struct {
	Name string
	// Size is in bytes.
	Size int64
	// ETag names this version of the object; see [IfMatch]. It is opaque.
	ETag string
	// Modified is when it was written, by the store's clock, to the second or
	// better. It may be zero in what a write returns.
	Modified time.Time
}

// Driver is one kind of storage. Only [Store] calls it, with names, prefixes
// and conditions already checked, and from many goroutines at once. What
// every driver promises:
//
//   - Errors are the sentinels of this package, wrapped where there is more to
//     say; a context that ended shows through errors.Is. Texts hold no names.
//   - A nil error from Put or Delete means that the change is durable and that
//     every later call sees it.
//   - Put and Delete are atomic towards all other calls.
//   - Put and Delete are final: what was replaced or deleted can't be read again.
//   - Waiting for the storage ends when the context does.
type Driver interface {
	// Open returns the object's content and what is known about it. The reader
	// gives exactly Info.Size bytes and then io.EOF, or else an error: never a
	// mixture of two versions, never a silently shorter content. It stops
	// with the context. The caller closes it.
	Open(ctx context.Context, name string) (io.ReadCloser, Info, error)

	// Put stores size bytes of body under name if the condition holds, else
	// returns ErrConflict, also where IfMatch finds no object. The body gives
	// exactly size bytes and then io.EOF, or an error before its last byte;
	// then Put stores nothing, leaves nothing behind and returns an error. It
	// may be read from another goroutine and is safe to read even after Put
	// has returned. A body that is an io.Seeker is small and may be sent again,
	// but only where the condition is none.
	Put(ctx context.Context, name string, body io.Reader, size int64, cond Condition) (Info, error)

	// Stat is Open without the content.
	Stat(ctx context.Context, name string) (Info, error)

	// Delete removes the object. One that is not there is no error.
	Delete(ctx context.Context, name string) error

	// List goes through the objects whose names begin with prefix, in the order
	// of their names' bytes. What exists all the while is listed exactly once;
	// what comes or goes meanwhile may be listed or not. The loop may be
	// slow and may call the driver. An error is the last thing it gives.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Prepare makes what the driver stores into, such as the bucket, unless it
	// is there, and checks that nothing deleted is kept.
	Prepare(ctx context.Context) error

	// Ping asks whether the storage would serve.
	Ping(ctx context.Context) error

	// Close releases what the driver holds. No other call is under way.
	Close() error
}
