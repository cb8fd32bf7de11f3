package custody

import (
	"context"
	"errors"
	"io"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/seal"
)

// replaceable reads a sealed scan that may be replaced meanwhile. That happens
// only when its data key is wrapped anew: the header is another one then, and
// the payload is the same. So where the store says that the object was replaced,
// reading goes on in the new one where it stood in the payload. Should the
// payload not be the same after all, it does not authenticate.
type replaceable struct {
	ctx    context.Context
	store  *blobstore.Store
	object string
	body   io.ReadCloser
	read   int64 // how much of the payload was read
}

func openReplaceable(ctx context.Context, store *blobstore.Store, object string) (*replaceable, error) {
	body, _, err := store.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	return &replaceable{ctx: ctx, store: store, object: object, body: body}, nil
}

// readHeader reads the header, which is not part of the payload.
func (r *replaceable) readHeader() (seal.Header, error) {
	for {
		h, err := seal.ReadHeader(r.body)
		if !errors.Is(err, blobstore.ErrConflict) {
			return h, err
		}
		if err := r.reopen(err); err != nil {
			return seal.Header{}, err
		}
	}
}

// Read gives payload.
func (r *replaceable) Read(p []byte) (int, error) {
	for {
		n, err := r.body.Read(p)
		r.read += int64(n)
		if n > 0 && errors.Is(err, blobstore.ErrConflict) {
			return n, nil // it comes again, without data
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return n, err
		}
		if err := r.skip(err); err != nil {
			return 0, err
		}
	}
}

// skip goes to where reading stood in the payload of the new object.
func (r *replaceable) skip(replaced error) error {
	if err := r.reopen(replaced); err != nil {
		return err
	}
	if _, err := r.readHeader(); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, r.body, r.read)
	if errors.Is(err, blobstore.ErrConflict) {
		return nil // replaced once more, which the next Read finds out
	}
	return err
}

// reopen opens the object as it is now. One that is gone is no replacement.
func (r *replaceable) reopen(replaced error) error {
	if err := r.body.Close(); err != nil {
		return err
	}
	body, _, err := r.store.Open(r.ctx, r.object)
	if errors.Is(err, blobstore.ErrNotFound) {
		return replaced
	}
	if err != nil {
		return err
	}
	r.body = body
	return nil
}

// Close ends the reading.
func (r *replaceable) Close() error { return r.body.Close() }
