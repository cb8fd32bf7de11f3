package s3

import (
	"bytes"
	"context"
	"crypto/md5" // what S3 wants of a locked object's upload, beside the signature's SHA-256
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
)

// Archive keeps write-once objects in a bucket under object lock. It is safe for
// concurrent use.
type Archive struct {
	store     *Driver
	retention time.Duration
	mode      minio.RetentionMode
}

var _ blobstore.ArchiveDriver = (*Archive)(nil)

// OpenArchive checks the settings and reads the files that they name. It does
// not talk to the server; [Archive.Ping] does.
func OpenArchive(s ArchiveSettings) (*Archive, error) {
	mode, err := s.mode()
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	store, err := Open(s.Settings)
	if err != nil {
		return nil, err
	}
	return &Archive{store, s.Retention, mode}, nil
}

// Create implements [blobstore.ArchiveDriver].
//
// The condition of the PUT sees the newest version only, and on a delete marker
// it holds. So the name is looked at before. Whoever hides an object in the
// moment between can still have the name used twice; the first version stays
// the oldest all the same.
func (a *Archive) Create(ctx context.Context, name string, data []byte) error {
	if err := a.unused(ctx, name); err != nil {
		return err
	}
	// The body is signed, unlike that of a sealed object: who tampers with it on
	// the way would lock the result.
	options := minio.PutObjectOptions{Mode: a.mode, RetainUntilDate: time.Now().Add(a.retention).UTC()}
	options.SetMatchETagExcept("*")
	sha, sum := sha256.Sum256(data), md5.Sum(data)
	up, err := a.store.once.PutObject(ctx, a.store.bucket, name, bytes.NewReader(data), int64(len(data)),
		base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sha[:]), options)
	if err == nil && up.ETag == "" {
		return errNoETag
	}
	return fault(ctx, err)
}

// unused is ErrConflict for a name that has an object, or had one that a delete
// marker hides.
func (a *Archive) unused(ctx context.Context, name string) error {
	info, err := a.store.repeat.StatObject(ctx, a.store.bucket, name, minio.StatObjectOptions{})
	if err == nil || info.IsDeleteMarker {
		return blobstore.ErrConflict
	}
	if err = fault(ctx, err); errors.Is(err, blobstore.ErrNotFound) {
		return nil
	}
	return err
}

// Versions implements [blobstore.ArchiveDriver].
func (a *Archive) Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	listed := a.store.repeat.ListObjectsIter(ctx, a.store.bucket, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, WithVersions: true,
	})
	return func(yield func(blobstore.Version, error) bool) {
		for v, err := range oldestFirst(listed) {
			if err != nil && err != errVersions {
				err = fault(ctx, err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
		// The library ends a listing whose context has ended like a complete one.
		if err := ctx.Err(); err != nil {
			yield(blobstore.Version{}, err)
		}
	}
}

// Read implements [blobstore.ArchiveDriver].
func (a *Archive) Read(ctx context.Context, name, id string, most int64) ([]byte, error) {
	body, info, _, err := a.store.repeat.GetObject(ctx, a.store.bucket, name, minio.GetObjectOptions{VersionID: id})
	if err != nil {
		return nil, versionFault(ctx, err)
	}
	defer body.Close()
	switch {
	case info.Size < 0:
		return nil, fmt.Errorf("%w: its answer has no length", blobstore.ErrUnavailable)
	case info.Size > most:
		return nil, blobstore.ErrTooLarge
	}
	data := make([]byte, info.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fault(ctx, err)
	}
	return data, nil
}

// versionFault is fault for a request that names a version. The name has been
// checked, so a server that finds fault with the request (400) means the id, which
// can't be one; and the id of a delete marker can't be read (405).
func versionFault(ctx context.Context, err error) error {
	said := minio.ToErrorResponse(err)
	if said.Code == minio.NoSuchVersion || said.StatusCode == http.StatusBadRequest || said.StatusCode == http.StatusMethodNotAllowed {
		return blobstore.ErrNotFound
	}
	return fault(ctx, err)
}

// Ping asks for the bucket, once.
func (a *Archive) Ping(ctx context.Context) error { return a.store.Ping(ctx) }

// Close closes the idle connections.
func (a *Archive) Close() error { return a.store.Close() }
