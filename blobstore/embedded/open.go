package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/wertfach/wertfach/blobstore"
)

// ErrInUse is a file that another process, or another [Driver], has open.
var ErrInUse = errors.New("the store's file is in use by another process")

const (
	lockWait = 500 * time.Millisecond // a predecessor that is just ending may need it
	fileMode = 0o600

	storeFormat = "1"
)

// The buckets of the database. Names of bbolt's own, not of S3.
var (
	metaBucket   = []byte("meta")    // "format" => format
	objectBucket = []byte("objects") // object name => record
	blockBucket  = []byte("blocks")  // id, block number => content
	looseBucket  = []byte("loose")   // ids of blocks that no record names => nothing

	formatKey = []byte("format")
)

// Driver keeps objects in one file. It is safe for concurrent use.
type Driver struct {
	db      *bbolt.DB
	commits *group
}

var _ blobstore.Driver = (*Driver)(nil)

// Open opens the file, creating it where there is none (in a folder that
// exists), and removes what a crash left half-written. It returns [ErrInUse]
// within a second where the file is open elsewhere.
func Open(path string) (*Driver, error) { return open(path, storeFormat, storeOptions()) }

func storeOptions() *bbolt.Options {
	return &bbolt.Options{
		// Writing the list of free pages with every commit costs 8 bytes for
		// each; after the deletion of a gigabyte that is 2 MiB a write. It is
		// found again by a walk through the file when it is opened.
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	}
}

// open is Open for a file of that format.
func open(path, format string, options *bbolt.Options) (*Driver, error) {
	_, statErr := os.Stat(path)
	options.Timeout, options.NoStatistics = lockWait, true
	db, err := bbolt.Open(path, fileMode, options)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("embedded: %w", ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("embedded: open: %w", err)
	}
	d := &Driver{db: db, commits: newGroup(db)}
	if err := d.setUp(path, format, errors.Is(statErr, fs.ErrNotExist)); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("embedded: open: %w", err)
	}
	return d, nil
}

func (d *Driver) setUp(path, format string, created bool) error {
	if err := os.Chmod(path, fileMode); err != nil {
		return err
	}
	if created {
		if err := syncDir(filepath.Dir(path)); err != nil {
			return err
		}
	}
	known := ""
	err := d.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(metaBucket); b != nil {
			known = string(b.Get(formatKey))
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case known == "":
		return d.db.Update(initialise(format))
	case known != format:
		return errors.New("the file is of another kind or of another version")
	}
	return d.removeLoose()
}

// initialise makes the buckets of an empty file.
func initialise(format string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{metaBucket, objectBucket, blockBucket, looseBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(formatKey, []byte(format))
	}
}

// removeLoose removes the blocks of streams that a crash cut off, one stream a
// transaction.
func (d *Driver) removeLoose() error {
	var ids []id
	err := d.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(looseBucket).ForEach(func(k, _ []byte) error {
			ids = append(ids, id(k))
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, i := range ids {
		if err := d.db.Update(i.remove); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes a new file's name durable; its content alone is not enough.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Prepare has nothing to do: Open made the file.
func (d *Driver) Prepare(ctx context.Context) error { return ctx.Err() }

// Ping says whether the file is open.
func (d *Driver) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fault(d.db.View(func(*bbolt.Tx) error { return nil }))
}

// Close closes the file and lets go of its lock.
func (d *Driver) Close() error { return d.db.Close() }

// fault makes whatever the database or the disk reports, such as a disk that is
// full, an unavailable store. Errors that say more already stay as they are.
func fault(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{
		blobstore.ErrNotFound, blobstore.ErrConflict, blobstore.ErrUnavailable,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", blobstore.ErrUnavailable, err)
}
