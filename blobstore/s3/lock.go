package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
)

// ArchiveSettings say where an archive is, and how long what is written there
// stays locked.
type ArchiveSettings struct {
	// Settings name the server, the bucket and who we are there. The bucket is
	// the archive's own; it can't be that of a store, which keeps no versions.
	Settings
	// Retention is how long an object can't be removed, counted by our clock from
	// when it is written; at most 100 years. Needed.
	Retention time.Duration
	// Mode is "compliance", where nobody can shorten the retention, not even the
	// server's owner, or "governance", where whoever has the right
	// s3:BypassGovernanceRetention can. "compliance" where empty.
	Mode string
}

const (
	day          = 24 * time.Hour
	maxRetention = 100 * 365 * day
)

func (s ArchiveSettings) mode() (minio.RetentionMode, error) {
	if s.Retention <= 0 || s.Retention > maxRetention {
		return "", errors.New("retention is not between zero and 100 years")
	}
	switch s.Mode {
	case "", "compliance":
		return minio.Compliance, nil
	case "governance":
		return minio.Governance, nil
	default:
		return "", errors.New("mode of the lock is neither compliance nor governance")
	}
}

// Prepare makes the bucket with object lock, which brings versions, unless it is
// there. It refuses a bucket without: object lock can't be had later.
//
// It also gives the bucket a default retention, for what others might write
// there, unless one is set that is as long and as strict. Whoever may not set it
// (a server with the rights that it needs for its work and no more) goes on
// without: each object that Create writes states its own.
func (a *Archive) Prepare(ctx context.Context) error {
	d := a.store
	err := d.repeat.MakeBucket(ctx, d.bucket, minio.MakeBucketOptions{Region: d.region, ObjectLocking: true})
	switch code := minio.ToErrorResponse(err).Code; {
	case err == nil, code == minio.BucketAlreadyOwnedByYou:
	case code == minio.BucketAlreadyExists, code == minio.AccessDenied:
		if err := d.Ping(ctx); err != nil {
			return err
		}
	default:
		return fault(ctx, err)
	}
	versioning, err := d.repeat.GetBucketVersioning(ctx, d.bucket)
	switch {
	case err != nil:
		return fault(ctx, err)
	case !versioning.Enabled():
		return errors.New("the bucket keeps no versions, so nothing in it can be locked")
	}
	enabled, mode, validity, unit, err := d.repeat.GetObjectLockConfig(ctx, d.bucket)
	switch {
	case minio.ToErrorResponse(err).Code == "ObjectLockConfigurationNotFoundError" || err == nil && enabled != "Enabled":
		return errors.New("the bucket has no object lock")
	case err != nil:
		return fault(ctx, err)
	}
	return a.setDefault(ctx, mode, validity, unit)
}

// setDefault sets the bucket's default retention unless the one that it has is
// as good.
func (a *Archive) setDefault(ctx context.Context, mode *minio.RetentionMode, validity *uint, unit *minio.ValidityUnit) error {
	days, lock := uint((a.retention+day-1)/day), a.mode // S3 knows nothing shorter than a day
	if mode != nil && validity != nil && unit != nil {
		has := *validity
		if *unit == minio.Years {
			has *= 365
		}
		if has >= days && (*mode == minio.Compliance || lock == minio.Governance) {
			return nil
		}
		days = max(days, has)
		if *mode == minio.Compliance {
			lock = minio.Compliance
		}
	}
	in := minio.Days
	err := a.store.repeat.SetObjectLockConfig(ctx, a.store.bucket, &lock, &days, &in)
	if minio.ToErrorResponse(err).Code == minio.AccessDenied {
		return nil
	}
	if err = fault(ctx, err); err != nil {
		return fmt.Errorf("default retention: %w", err)
	}
	return nil
}
