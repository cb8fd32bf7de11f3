package embedded

import (
	"context"
	"io"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// putBlocks stores an object too large for its record. All but the last of its
// blocks are committed under an id that is listed as loose; the commit of the
// last ones makes it an object. Nothing is locked while the body is read, which
// may take as long as its sender likes.
func (d *Driver) putBlocks(ctx context.Context, name string, body io.Reader, r record, cond blobstore.Condition) (_ blobstore.Info, err error) {
	var tail blocks
	defer func() {
		if err != nil && tail.first > 0 {
			// Where this fails as well, the next opening of the file does it.
			_ = d.commits.do(context.WithoutCancel(ctx), 0, r.id.remove)
		}
	}()
	buf := make([]byte, min(r.size, flushBlocks*blockSize))
	for left := r.size; ; {
		part := buf[:min(left, int64(len(buf)))]
		if _, err := io.ReadFull(body, part); err != nil {
			return blobstore.Info{}, err
		}
		left -= int64(len(part))
		tail.content = slices.Collect(slices.Chunk(part, blockSize))
		if left == 0 {
			return d.commit(ctx, name, r, tail, cond)
		}
		err := d.commits.do(ctx, len(part), func(tx *bbolt.Tx) error {
			if err := tx.Bucket(looseBucket).Put(r.id[:], nil); err != nil {
				return err
			}
			return tail.put(tx, r.id)
		})
		if err != nil {
			return blobstore.Info{}, fault(err)
		}
		tail.first += uint32(len(tail.content))
	}
}

// blocks are some consecutive blocks of an object.
type blocks struct {
	first   uint32
	content [][]byte
}

func (b blocks) put(tx *bbolt.Tx, i id) error {
	bucket := tx.Bucket(blockBucket)
	for n, content := range b.content {
		if err := bucket.Put(i.block(b.first+uint32(n)), content); err != nil {
			return err
		}
	}
	return nil
}

// blockReader reads an object block by block, each in a transaction of its own.
type blockReader struct {
	ctx  context.Context
	db   *bbolt.DB
	id   id
	next uint32
	left int64  // bytes not fetched yet
	rest []byte // bytes fetched and not read yet
	buf  []byte
	err  error // the end, for all later reads
}

func (r *blockReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 && r.err == nil {
		r.err = r.fetch()
	}
	if len(r.rest) == 0 && r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fetch copies the next block. One that is missing means that the object was
// replaced or deleted after it was opened.
func (r *blockReader) fetch() error {
	if r.left == 0 {
		return io.EOF
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	err := r.db.View(func(tx *bbolt.Tx) error {
		content := tx.Bucket(blockBucket).Get(r.id.block(r.next))
		switch {
		case content == nil:
			return blobstore.ErrConflict
		case int64(len(content)) != min(r.left, blockSize):
			return errDamaged
		}
		r.buf = append(r.buf[:0], content...)
		return nil
	})
	if err != nil {
		return fault(err)
	}
	r.rest = r.buf
	r.left -= int64(len(r.buf))
	r.next++
	return nil
}

// Close ends the reading.
func (r *blockReader) Close() error {
	r.rest, r.buf, r.err = nil, nil, errClosed
	return nil
}
