package embedded

import (
	"context"
	"errors"
	"io"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

const (
	// blockSize is the content of one block, and the largest object that lies
	// in its record. bbolt puts at least two values into a leaf page; two of
	// this size with their headers fill 64 KiB, whole pages on any machine.
	blockSize = 32<<10 - 64
	// flushBlocks is how many blocks of a stream go into one transaction. Each
	// stream under way holds so much in memory: 512 KiB.
	flushBlocks = 16
)

// Put implements [blobstore.Driver].
func (d *Driver) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	if err := d.precheck(name, cond); err != nil {
		return blobstore.Info{}, err
	}
	r := record{kind: inline, id: newID(), size: size}
	if size > blockSize {
		r.kind = blocked
		return d.putBlocks(ctx, name, body, r, cond)
	}
	r.content = make([]byte, size)
	if _, err := io.ReadFull(body, r.content); err != nil {
		return blobstore.Info{}, err
	}
	return d.commit(ctx, name, r, blocks{}, cond)
}

// precheck spares a refused write its transaction, and a stream its reading.
func (d *Driver) precheck(name string, cond blobstore.Condition) error {
	if cond.None() {
		return nil
	}
	return fault(d.db.View(func(tx *bbolt.Tx) error {
		_, err := admit(tx, name, cond)
		return err
	}))
}

// admit is ErrConflict unless the condition holds. It returns what would be
// replaced; that is the zero record where there is nothing.
func admit(tx *bbolt.Tx, name string, cond blobstore.Condition) (record, error) {
	old, err := find(tx, name)
	missing := errors.Is(err, blobstore.ErrNotFound)
	if err != nil && !missing {
		return record{}, err
	}
	etag, match := cond.ETag()
	if cond.Absent() && !missing || match && (missing || old.id.String() != etag) {
		return record{}, blobstore.ErrConflict
	}
	return old, nil
}

// commit makes the record the object of that name, together with the last
// blocks of its content, if the condition holds.
func (d *Driver) commit(ctx context.Context, name string, r record, last blocks, cond blobstore.Condition) (blobstore.Info, error) {
	r.modified = time.Now().UnixNano()
	encoded := r.encode()
	conflict := false
	err := d.commits.do(ctx, len(encoded)+len(last.content)*blockSize, func(tx *bbolt.Tx) error {
		old, err := admit(tx, name, cond)
		// Not an error of the change: that would undo its whole group.
		if conflict = errors.Is(err, blobstore.ErrConflict); conflict {
			return nil
		}
		if err != nil {
			return err
		}
		if old.kind == blocked {
			if err := old.id.remove(tx); err != nil {
				return err
			}
		}
		if err := last.put(tx, r.id); err != nil {
			return err
		}
		if last.first > 0 {
			if err := tx.Bucket(looseBucket).Delete(r.id[:]); err != nil {
				return err
			}
		}
		return tx.Bucket(objectBucket).Put([]byte(name), encoded)
	})
	switch {
	case err != nil:
		return blobstore.Info{}, fault(err)
	case conflict:
		return blobstore.Info{}, blobstore.ErrConflict
	}
	return r.info(name), nil
}

// Delete implements [blobstore.Driver].
func (d *Driver) Delete(ctx context.Context, name string) error {
	if _, err := d.Stat(ctx, name); err != nil {
		if errors.Is(err, blobstore.ErrNotFound) {
			return nil // no need of a transaction
		}
		return err
	}
	return fault(d.commits.do(ctx, len(name), func(tx *bbolt.Tx) error {
		old, err := find(tx, name)
		if errors.Is(err, blobstore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if old.kind == blocked {
			if err := old.id.remove(tx); err != nil {
				return err
			}
		}
		return tx.Bucket(objectBucket).Delete([]byte(name))
	}))
}
