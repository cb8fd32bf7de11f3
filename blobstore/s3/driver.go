package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/wertfach/wertfach/blobstore"
)

// attempts is how often an idempotent request is tried altogether.
const attempts = 2

// Driver keeps objects in one bucket. It is safe for concurrent use.
type Driver struct {
	bucket, region string
	// once sends a request one time only, repeat tries again; they share their
	// connections.
	once, repeat *minio.Core
	http         *http.Client
}

var _ blobstore.Driver = (*Driver)(nil)

// Open checks the settings and reads the files that they name. It does not talk
// to the server; [Driver.Ping] does.
func Open(s Settings) (*Driver, error) {
	d, err := open(s)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	return d, nil
}

func open(s Settings) (*Driver, error) {
	host, secure, err := s.endpoint()
	if err != nil {
		return nil, err
	}
	if err := s3utils.CheckValidBucketNameStrict(s.Bucket); err != nil {
		return nil, errors.New("bucket is not a valid bucket name")
	}
	access, secret, err := s.keys()
	if err != nil {
		return nil, err
	}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	if s.Region == "" {
		s.Region = defaultRegion
	}
	if s.Connections <= 0 {
		s.Connections = defaultConnections
	}
	transport := newTransport(secure, roots, s.Connections)
	options := minio.Options{
		Creds:     credentials.NewStaticV4(access, secret, ""),
		Secure:    secure,
		Transport: transport,
		Region:    s.Region, // known, it need not be asked for
	}
	d := &Driver{bucket: s.Bucket, region: s.Region, http: &http.Client{Transport: transport}}
	options.MaxRetries = 1
	if d.once, err = minio.NewCore(host, &options); err != nil {
		return nil, err
	}
	options.MaxRetries = attempts
	if d.repeat, err = minio.NewCore(host, &options); err != nil {
		return nil, err
	}
	return d, nil
}

// Open implements [blobstore.Driver]. It takes the answer's body as it is, where
// the library's own object would start a goroutine and ask once more.
func (d *Driver) Open(ctx context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	r, info, _, err := d.repeat.GetObject(ctx, d.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, blobstore.Info{}, fault(ctx, err)
	}
	if info.Size < 0 {
		_ = r.Close()
		return nil, blobstore.Info{}, fmt.Errorf("%w: its answer has no length", blobstore.ErrUnavailable)
	}
	return &download{ctx, r}, toInfo(name, info), nil
}

// Put implements [blobstore.Driver]. What can be read from anywhere, and has no
// condition, is sent again where the server could not be used.
func (d *Driver) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	options := minio.PutObjectOptions{DisableContentSha256: true}
	etag, match := cond.ETag()
	if match {
		options.SetMatchETag(etag)
	} else if cond.Absent() {
		options.SetMatchETagExcept("*")
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	parts, small := body.(io.ReaderAt)
	if !small {
		body = &upload{body, stop}
	}
	for try := 1; ; try++ {
		if small {
			// Each has a reader of its own: who was answered early may still be sending,
			// and the library would rewind under its hands.
			body = io.NewSectionReader(parts, 0, size)
		}
		up, err := d.once.PutObject(sending, d.bucket, name, body, size, "", "", options)
		if err != nil {
			if small && !match && !cond.Absent() && try < attempts && passing(err) && pause(ctx) {
				continue
			}
			err = fault(ctx, err)
			if match && errors.Is(err, blobstore.ErrNotFound) {
				err = blobstore.ErrConflict // what should match is gone
			}
			return blobstore.Info{}, err
		}
		if up.ETag == "" {
			return blobstore.Info{}, errNoETag
		}
		return blobstore.Info{Name: name, Size: size, ETag: up.ETag}, nil
	}
}

// passing says whether another attempt may well succeed: the server did not answer, or
// said that it could not at that moment.
func passing(err error) bool {
	answer := minio.ToErrorResponse(err)
	switch answer.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return answer.Code == "RequestTimeout" // which comes with the status 400
	}
}

// pause waits a moment before something is tried again, as the library does, and says
// whether anybody still waits for it.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(rand.N(minio.DefaultRetryUnit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Stat implements [blobstore.Driver].
func (d *Driver) Stat(ctx context.Context, name string) (blobstore.Info, error) {
	info, err := d.repeat.StatObject(ctx, d.bucket, name, minio.StatObjectOptions{})
	if err != nil {
		return blobstore.Info{}, fault(ctx, err)
	}
	return toInfo(name, info), nil
}

// Delete implements [blobstore.Driver].
func (d *Driver) Delete(ctx context.Context, name string) error {
	err := d.repeat.RemoveObject(ctx, d.bucket, name, minio.RemoveObjectOptions{})
	if err = fault(ctx, err); errors.Is(err, blobstore.ErrNotFound) {
		return nil
	}
	return err
}

// List implements [blobstore.Driver].
func (d *Driver) List(ctx context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		owner := false
		for info := range d.repeat.ListObjectsIter(ctx, d.bucket, minio.ListObjectsOptions{
			Prefix: prefix, Recursive: true, FetchOwner: &owner,
		}) {
			if info.Err != nil {
				yield(blobstore.Info{}, fault(ctx, info.Err))
				return
			}
			if !yield(toInfo(info.Key, info), nil) {
				return
			}
		}
		// The library ends a listing whose context has ended like a complete one.
		if err := ctx.Err(); err != nil {
			yield(blobstore.Info{}, err)
		}
	}
}

// Close closes the idle connections.
func (d *Driver) Close() error {
	d.http.CloseIdleConnections()
	return nil
}

func toInfo(name string, info minio.ObjectInfo) blobstore.Info {
	return blobstore.Info{Name: name, Size: info.Size, ETag: info.ETag, Modified: info.LastModified.UTC()}
}
