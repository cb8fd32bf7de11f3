package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
)

// Prepare makes the bucket unless it is there. It refuses a bucket that has, or
// ever had, versioning: what is deleted from it would stay.
func (d *Driver) Prepare(ctx context.Context) error {
	err := d.repeat.MakeBucket(ctx, d.bucket, minio.MakeBucketOptions{Region: d.region})
	switch code := minio.ToErrorResponse(err).Code; {
	case err == nil, code == minio.BucketAlreadyOwnedByYou:
	case code == minio.BucketAlreadyExists, code == minio.AccessDenied:
		// Somebody else's, or not ours to make; still it may be ours to use.
		if err := d.Ping(ctx); err != nil {
			return err
		}
	default:
		return fault(ctx, err)
	}
	versioning, err := d.repeat.GetBucketVersioning(ctx, d.bucket)
	switch {
	case minio.ToErrorResponse(err).Code == "NotImplemented":
		return nil // a server without versioning keeps no versions
	case err != nil:
		return fault(ctx, err)
	case versioning.Status != "":
		return errors.New("the bucket keeps versions of deleted objects (its versioning is " + versioning.Status + ")")
	}
	return nil
}

// Ping asks for the bucket, once.
func (d *Driver) Ping(ctx context.Context) error {
	exists, err := d.once.BucketExists(ctx, d.bucket)
	switch {
	case err != nil:
		return fault(ctx, err)
	case !exists:
		return fmt.Errorf("%w: its bucket is missing", blobstore.ErrUnavailable)
	}
	return nil
}
