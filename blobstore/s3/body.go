package s3

import (
	"context"
	"io"
)

// download is the content of an object as it arrives.
type download struct {
	ctx context.Context
	io.ReadCloser
}

// Read gives io.EOF only at the announced end: net/http counts, and reports a
// connection that ends before as io.ErrUnexpectedEOF.
func (d *download) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = fault(d.ctx, err)
	}
	return n, err
}

// upload is a stream to be sent. Where its sender fails, the request is over at
// once: the library would pause before it noticed that it can't try again.
type upload struct {
	io.Reader
	stop context.CancelFunc
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		u.stop()
	}
	return n, err
}
