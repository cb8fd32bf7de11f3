package privilege_test

import (
	"context"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/testenv"
)

// attempt is something that is tried on an object of the log.
type attempt struct {
	what string
	may  bool
	do   func(context.Context) error
	// locked is whether the lock may be what forbids it. Everything else is to be
	// forbidden for want of a right, so that it is of what is not locked too.
	locked bool
}

// attempts are all that could take something back from the log, and what writers
// need. Only who prepares the deployment may lock the bucket more strictly.
func attempts(c *minio.Client, id deploy.Identity, bucket, name, version string) []attempt {
	writes := id != deploy.Init
	compliance, governance := minio.Compliance, minio.Governance
	soon, later := time.Now().Add(2*time.Second), time.Now().Add(48*time.Hour)
	days, unit, hold := uint(1), minio.Days, minio.LegalHoldDisabled
	remove := func(o minio.RemoveObjectOptions) func(context.Context) error {
		return func(ctx context.Context) error { return c.RemoveObject(ctx, bucket, name, o) }
	}
	retain := func(o minio.PutObjectRetentionOptions) func(context.Context) error {
		o.VersionID = version
		return func(ctx context.Context) error { return c.PutObjectRetention(ctx, bucket, name, o) }
	}
	return []attempt{
		{"reading", writes, func(ctx context.Context) error { return get(ctx, c, bucket, name) }, false},
		{"asking for the lock", true, func(ctx context.Context) error {
			_, _, _, _, err := c.GetObjectLockConfig(ctx, bucket)
			return err
		}, false},
		{"deleting", false, remove(minio.RemoveObjectOptions{}), false},
		{"deleting the version", false, remove(minio.RemoveObjectOptions{VersionID: version}), false},
		{"deleting past the lock", false, remove(minio.RemoveObjectOptions{VersionID: version, GovernanceBypass: true}), false},
		{"shortening the lock", false, retain(minio.PutObjectRetentionOptions{Mode: &compliance, RetainUntilDate: &soon}), true},
		{"shortening past the lock", false, retain(minio.PutObjectRetentionOptions{Mode: &compliance, RetainUntilDate: &soon, GovernanceBypass: true}), true},
		{"weakening the lock", false, retain(minio.PutObjectRetentionOptions{Mode: &governance, RetainUntilDate: &later, GovernanceBypass: true}), true},
		{"taking the lock away", false, retain(minio.PutObjectRetentionOptions{GovernanceBypass: true}), true},
		{"making the lock longer", writes, retain(minio.PutObjectRetentionOptions{Mode: &compliance, RetainUntilDate: &later}), true},
		{"changing a legal hold", false, func(ctx context.Context) error {
			return c.PutObjectLegalHold(ctx, bucket, name, minio.PutObjectLegalHoldOptions{VersionID: version, Status: &hold})
		}, false},
		{"changing the bucket's lock", !writes, func(ctx context.Context) error {
			return c.SetObjectLockConfig(ctx, bucket, &compliance, &days, &unit)
		}, false},
		{"letting objects expire", false, func(ctx context.Context) error {
			rules := lifecycle.NewConfiguration()
			rules.Rules = []lifecycle.Rule{{ID: "x", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 1}}}
			return c.SetBucketLifecycle(ctx, bucket, rules)
		}, false},
		{"letting all the world in", false, func(ctx context.Context) error { return c.SetBucketPolicy(ctx, bucket, "") }, false},
		{"deleting the bucket", false, func(ctx context.Context) error { return c.RemoveBucket(ctx, bucket) }, false},
		{"making a bucket", false, func(ctx context.Context) error {
			return c.MakeBucket(ctx, "another", minio.MakeBucketOptions{Region: testenv.MinioRegion})
		}, false},
		// Writing a name again is what no policy forbids, and every version stays.
		{"writing past the archive", writes, func(ctx context.Context) error { return write(ctx, c, bucket, name) }, false},
	}
}

// testLog: who may write the log may take nothing back.
func (s *site) testLog(t *testing.T) {
	bucket := s.config.Audit.Bucket
	_, _, root := s.open(t, s.config)
	for _, id := range everybody {
		c, name := s.client(t, id), "segments/"+string(id)
		_, _, archive := s.open(t, s.config)
		if id != deploy.Init {
			_, _, archive = s.open(t, s.as(id))
		}
		if err := archive.Create(t.Context(), name, []byte("first")); err != nil {
			t.Errorf("%s: writing: %v", id, err)
		}
		version := s.oldest(t, name)
		for _, try := range attempts(c, id, bucket, name, version) {
			err := try.do(t.Context())
			if try.locked && minio.ToErrorResponse(err).Code == "InvalidRequest" {
				continue // "WORM protected"
			}
			if got := allowed(t, err); got != try.may {
				t.Errorf("%s: %s is allowed: %t", id, try.what, got)
			}
		}
		if content, err := root.Read(t.Context(), name, version, 1<<10); err != nil || string(content) != "first" {
			t.Errorf("%s: afterwards there is %q, %v", id, content, err)
		}
		if s.oldest(t, name) != version {
			t.Errorf("%s: the first version is not the oldest any more", id)
		}
	}
}

// testGovernance: in this mode MinIO lets whoever has credentials take a
// lock away, even without any right to the object. docs/operations.md says so;
// should a later MinIO be stricter, this is where it shows.
func (s *site) testGovernance(t *testing.T) {
	weak := *s
	c := *s.config
	c.Audit = config.Audit{Bucket: "weak-log", RetentionDays: 1, Mode: "governance"}
	weak.config = &c
	_, _, archive := weak.open(t, &c)
	if err := archive.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := archive.Create(t.Context(), "segments/1", []byte("first")); err != nil {
		t.Fatal(err)
	}
	version := weak.oldest(t, "segments/1")
	err := s.client(t, deploy.Server).PutObjectRetention(t.Context(), c.Audit.Bucket, "segments/1",
		minio.PutObjectRetentionOptions{VersionID: version, GovernanceBypass: true})
	if err != nil {
		t.Errorf("governance has become a lock: %v", err)
	}
}

// oldest is the oldest version of an object of the log.
func (s *site) oldest(t *testing.T, name string) string {
	t.Helper()
	_, _, archive := s.open(t, s.config)
	for v, err := range archive.Versions(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		return v.ID
	}
	t.Fatal("no version of " + name)
	return ""
}
