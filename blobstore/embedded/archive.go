package embedded

import (
	"bytes"
	"context"
	"io"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// archiveFormat marks the file of an archive, so that neither kind of file is
// ever opened as the other.
const archiveFormat = "archive-1"

// Archive keeps write-once objects in one file, to which it only ever adds. It
// has no call that changes or removes anything; what keeps others from doing it
// is the file's mode, and no more than that. It is safe for concurrent use.
type Archive struct {
	store *Driver
}

var _ blobstore.ArchiveDriver = (*Archive)(nil)

// OpenArchive opens the archive's file, creating it where there is none (in a
// folder that exists). It returns [ErrInUse] within a second where the file is
// open elsewhere, and an error where it is the file of a store.
func OpenArchive(path string) (*Archive, error) {
	store, err := open(path, archiveFormat, &bbolt.Options{
		// Nothing is removed, so the list of free pages stays short, and reading
		// it spares the walk through a file that grows for years.
		FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, err
	}
	return &Archive{store}, nil
}

// Create implements [blobstore.ArchiveDriver].
func (a *Archive) Create(ctx context.Context, name string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := a.store.Put(ctx, name, bytes.NewReader(data), int64(len(data)), blobstore.IfAbsent())
	return err
}

// Versions implements [blobstore.ArchiveDriver]. There is one of each name.
func (a *Archive) Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	return func(yield func(blobstore.Version, error) bool) {
		for info, err := range a.store.List(ctx, prefix) {
			if !yield(blobstore.Version{Info: info, ID: info.ETag}, err) {
				return
			}
		}
	}
}

// Read implements [blobstore.ArchiveDriver].
func (a *Archive) Read(ctx context.Context, name, id string, most int64) ([]byte, error) {
	body, info, err := a.store.Open(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case info.ETag != id:
		return nil, blobstore.ErrNotFound
	case info.Size > most:
		return nil, blobstore.ErrTooLarge
	}
	defer body.Close()
	data := make([]byte, info.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Prepare has nothing to do: OpenArchive made the file.
func (a *Archive) Prepare(ctx context.Context) error { return a.store.Prepare(ctx) }

// Ping says whether the file is open.
func (a *Archive) Ping(ctx context.Context) error { return a.store.Ping(ctx) }

// Close closes the file and lets go of its lock.
func (a *Archive) Close() error { return a.store.Close() }
