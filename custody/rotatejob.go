package custody

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// A job is a rotation of many customers, as it lies in the store while it goes
// on. Its id is the mark in the dossiers that it has rotated, so one that broke
// off goes on under the same id. It is authenticated like an intent: who can
// merely write the store can't pass off customers as rotated.
type rotationJob struct {
	ID    string    `json:"id"`
	Begun time.Time `json:"begun_time"`

	object, etag string
}

type signedJob struct {
	Job json.RawMessage `json:"job"`
	MAC []byte          `json:"mac"`
}

// jobLife is how long a rotation that broke off can be gone on with. Later it
// is begun anew, so that nobody who was rotated long ago is taken for done.
const jobLife = 7 * 24 * time.Hour

// begin goes on with the rotation of the same customers that broke off, or
// begins one.
func (r *rotation) begin(ctx context.Context) error {
	r.job = rotationJob{ID: newID(), Begun: r.c.now().UTC(), object: jobObject(r.options.Institute)}
	if r.options.RewrapOnly {
		return nil // to repeat it is to go on with it
	}
	for range attempts {
		there, err := r.c.readJob(ctx, r.job.object)
		condition := blobstore.IfAbsent()
		switch {
		case err == nil && r.job.Begun.Sub(there.Begun) < jobLife:
			r.job, r.report.Resumed = there, there.Begun
			return nil
		case err == nil, fault.KindOf(err) == fault.Corrupt:
			condition = blobstore.IfMatch(there.etag)
		case !errors.Is(err, blobstore.ErrNotFound):
			return err
		}
		if err := r.c.writeJob(ctx, r.job, condition); !errors.Is(err, blobstore.ErrConflict) {
			return err
		}
	}
	return contention()
}

// finish ends the job, unless something is left to be done.
func (r *rotation) finish(ctx context.Context) error {
	if r.options.RewrapOnly || r.report.Failed() > 0 {
		return nil
	}
	return r.c.store.Delete(ctx, r.job.object)
}

func (c *Custodian) writeJob(ctx context.Context, j rotationJob, condition blobstore.Condition) error {
	_, err := c.storeJob(ctx, j.object, j, condition)
	return err
}

// readJob reads a job. One that does not authenticate comes with its etag, so
// that it can be replaced.
func (c *Custodian) readJob(ctx context.Context, object string) (rotationJob, error) {
	var j rotationJob
	etag, err := c.loadJob(ctx, object, &j)
	if err != nil {
		j = rotationJob{}
	}
	j.object, j.etag = object, etag
	return j, err
}

// storeJob stores a job of any kind, and gives its etag.
func (c *Custodian) storeJob(ctx context.Context, object string, job any, condition blobstore.Condition) (etag string, err error) {
	content, err := json.Marshal(job)
	if err != nil {
		return "", err
	}
	stored, err := json.Marshal(signedJob{content, c.jobMAC(object, content)})
	if err != nil {
		return "", err
	}
	info, err := c.store.Put(ctx, object, stored, condition)
	return info.ETag, err
}

// loadJob reads a job of any kind into what it points to. Also of one that does not
// authenticate it gives the etag.
func (c *Custodian) loadJob(ctx context.Context, object string, into any) (etag string, err error) {
	stored, info, err := c.store.Get(ctx, object)
	if err != nil {
		return "", err
	}
	var signed signedJob
	if json.Unmarshal(stored, &signed) != nil || !hmac.Equal(signed.MAC, c.jobMAC(object, signed.Job)) ||
		json.Unmarshal(signed.Job, into) != nil {
		return info.ETag, fault.New(fault.Corrupt, ReasonCorrupt, "a stored job does not authenticate")
	}
	return info.ETag, nil
}

func (c *Custodian) jobMAC(object string, content []byte) []byte {
	return c.secret.mac("job", []byte(object), content)
}

// jobObject names the job of rotating an institute's customers, or all.
func jobObject(institute string) string {
	if institute == "" {
		return "system/jobs/rotation"
	}
	return "system/jobs/rotation." + institute
}
