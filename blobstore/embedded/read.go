package embedded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// pageSize is how many objects List takes from one transaction.
const pageSize = 512

var errClosed = errors.New("read of a closed object")

// Open implements [blobstore.Driver]. Content of a small object is copied at
// once; that of a larger one is fetched as it is read.
func (d *Driver) Open(ctx context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	r, err := d.lookUp(ctx, name)
	if err != nil {
		return nil, blobstore.Info{}, err
	}
	if r.kind == inline {
		return io.NopCloser(bytes.NewReader(r.content)), r.info(name), nil
	}
	return &blockReader{ctx: ctx, db: d.db, id: r.id, left: r.size}, r.info(name), nil
}

// Stat implements [blobstore.Driver].
func (d *Driver) Stat(ctx context.Context, name string) (blobstore.Info, error) {
	r, err := d.lookUp(ctx, name)
	if err != nil {
		return blobstore.Info{}, err
	}
	return r.info(name), nil
}

// lookUp is the record of that name, with content of its own.
func (d *Driver) lookUp(ctx context.Context, name string) (record, error) {
	if err := ctx.Err(); err != nil {
		return record{}, err
	}
	var r record
	err := d.db.View(func(tx *bbolt.Tx) error {
		var err error
		r, err = find(tx, name)
		r.content = slices.Clone(r.content)
		return err
	})
	return r, fault(err)
}

// List implements [blobstore.Driver].
func (d *Driver) List(ctx context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		from := prefix
		for {
			page, err := d.page(ctx, prefix, from)
			if err != nil {
				yield(blobstore.Info{}, err)
				return
			}
			for _, info := range page {
				if !yield(info, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			from = page[len(page)-1].Name + "\x00" // the least name after it
		}
	}
}

// page is up to pageSize objects with the prefix, beginning at the name from.
func (d *Driver) page(ctx context.Context, prefix, from string) ([]blobstore.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var page []blobstore.Info
	err := d.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(objectBucket).Cursor()
		for k, v := c.Seek([]byte(from)); k != nil && len(page) < pageSize; k, v = c.Next() {
			name := string(k)
			if !strings.HasPrefix(name, prefix) {
				break
			}
			r, err := decode(v)
			if err != nil {
				return err
			}
			page = append(page, r.info(name))
		}
		return nil
	})
	return page, fault(err)
}
