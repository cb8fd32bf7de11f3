package blobstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Archive is write-once storage: what was created can be read by everybody with
// access, and changed or removed by nobody, until its time is over. The audit log
// lies in one. It is safe for concurrent use.
//
// How firmly it is locked depends on the driver. A bucket under object lock
// refuses even its owner; a file only offers no way to change it, and whoever
// can write to the file can. So what lies here proves its own integrity, and
// readers go by versions: of several under one name the oldest is the one that
// [Archive.Create] wrote.
type Archive struct {
	driver        ArchiveDriver
	limits        Limits
	observer      Observer
	reads, writes slots
}

// ArchiveOption changes how [NewArchive] sets up an [Archive].
type ArchiveOption func(*Archive)

// WithArchiveLimits sets the archive's limits; fields left zero keep their
// defaults. There are no streams to limit.
func WithArchiveLimits(l Limits) ArchiveOption { return func(a *Archive) { a.limits = l } }

// NewArchive makes an archive on that driver, which [Archive.Close] closes.
func NewArchive(d ArchiveDriver, options ...ArchiveOption) *Archive {
	a := &Archive{driver: d}
	for _, o := range options {
		o(a)
	}
	a.limits = a.limits.withDefaults()
	a.reads = make(slots, a.limits.Reads)
	a.writes = make(slots, a.limits.Writes)
	return a
}

// Create stores data under a name that was never used, for good. Where the name
// was used, also by an object that somebody has hidden since, it returns
// [ErrConflict] and stores nothing. Of any number of callers that race for a
// name exactly one wins. More than [Limits.Object] gives [ErrTooLarge].
//
// After [ErrUnavailable] or the end of the context the object may have been
// stored, and may yet be. Whoever then repeats the call may be told ErrConflict
// because of the first attempt, and finds out by comparing: the oldest version
// is theirs, or it is not.
func (a *Archive) Create(ctx context.Context, name string, data []byte) error {
	ctx, done := a.observer.begin(ctx, "create")
	err := a.create(ctx, name, data)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: create: %w", err)
	}
	return nil
}

func (a *Archive) create(ctx context.Context, name string, data []byte) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if int64(len(data)) > a.limits.Object {
		return ErrTooLarge
	}
	if err := a.writes.acquire(ctx); err != nil {
		return err
	}
	defer a.writes.release()
	return a.driver.Create(ctx, name, data)
}

// Versions goes through all versions of the objects whose names begin with
// prefix, in the order of their names' bytes and of each name the oldest first,
// also those that are hidden. The oldest is what [Archive.Create] stored; where
// there are others, or where one is hidden, somebody went past this package.
// Otherwise it is like [Store.List]: a loop that sees no error has seen all that
// existed when it began.
func (a *Archive) Versions(ctx context.Context, prefix string) iter.Seq2[Version, error] {
	return observed(ctx, a.observer, "versions", func(ctx context.Context) iter.Seq2[Version, error] {
		return paced(ctx, a.reads, prefix, "versions", a.driver.Versions)
	})
}

// Read gives the version of that name whose [Version.ID] it is, whole, hidden or
// not. Where there is none it returns [ErrNotFound], and [ErrTooLarge] for more
// than [Limits.Object]. The data is the caller's own.
func (a *Archive) Read(ctx context.Context, name, id string) ([]byte, error) {
	ctx, done := a.observer.begin(ctx, "read")
	data, err := a.read(ctx, name, id)
	done(err)
	if err != nil {
		return nil, fmt.Errorf("blobstore: read: %w", err)
	}
	return data, nil
}

func (a *Archive) read(ctx context.Context, name, id string) ([]byte, error) {
	if err := errors.Join(CheckName(name), checkVersion(id)); err != nil {
		return nil, err
	}
	if err := a.reads.acquire(ctx); err != nil {
		return nil, err
	}
	defer a.reads.release()
	return a.driver.Read(ctx, name, id, a.limits.Object)
}

// maxVersion is the longest version id that S3 gives, in bytes.
const maxVersion = 1024

// checkVersion refuses an id that no driver gave. The empty one would mean the
// newest version, which is not to be trusted.
func checkVersion(id string) error {
	if id == "" || len(id) > maxVersion {
		return ErrNotFound
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return ErrNotFound
		}
	}
	return nil
}

// Prepare makes what is stored into, such as the bucket, with its lock, where it
// is missing, and refuses one without a lock. It is idempotent.
func (a *Archive) Prepare(ctx context.Context) error {
	ctx, done := a.observer.begin(ctx, "prepare")
	err := a.driver.Prepare(ctx)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: prepare the archive: %w", err)
	}
	return nil
}

// Ping asks whether the archive would serve now. It waits for no other request.
func (a *Archive) Ping(ctx context.Context) error {
	ctx, done := a.observer.begin(ctx, "ping")
	err := a.driver.Ping(ctx)
	done(err)
	if err != nil {
		return fmt.Errorf("blobstore: ping the archive: %w", err)
	}
	return nil
}

// Close releases the driver. All calls have returned before.
func (a *Archive) Close() error {
	if err := a.driver.Close(); err != nil {
		return fmt.Errorf("blobstore: close the archive: %w", err)
	}
	return nil
}
