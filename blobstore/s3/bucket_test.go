package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestPrepareMakesTheBucketOnce(t *testing.T) {
	t.Parallel()
	s := blobstore.New(mustOpen(t, settings(t, testenv.SharedMinio(t), "prepare-"+strings.ToLower(rand.Text()))))
	if err := s.Ping(t.Context()); !isUnavailable(err) {
		t.Fatalf("Ping without a bucket: %v", err)
	}
	for range 2 {
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A bucket that is missing is a fault of the installation; that its objects
// are not found would be the wrong conclusion.
func TestMissingBucketIsNotAMissingObject(t *testing.T) {
	t.Parallel()
	s := blobstore.New(mustOpen(t, settings(t, testenv.SharedMinio(t), "nobody-made-this")))
	for call, do := range everyCall(s, "a/b") {
		err := do(t.Context())
		if !isUnavailable(err) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// The library ends such a listing without an error, like a complete one.
func TestListingThatIsCutShortIsAnError(t *testing.T) {
	t.Parallel()
	d := openBucket(t, testenv.SharedMinio(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, last = range d.List(ctx, "") {
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("List: %v", last)
	}
}

func TestPrepareRefusesABucketThatKeepsVersions(t *testing.T) {
	t.Parallel()
	m := testenv.SharedMinio(t)
	c, err := m.Client()
	if err != nil {
		t.Fatal(err)
	}
	bucket := m.FreshBucket(t)
	s := blobstore.New(mustOpen(t, settings(t, m, bucket)))
	for _, status := range []string{"Enabled", "Suspended"} {
		if err := c.SetBucketVersioning(t.Context(), bucket, minio.BucketVersioningConfiguration{Status: status}); err != nil {
			t.Fatal(err)
		}
		if err := s.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), status) {
			t.Fatalf("versioning %s: %v", status, err)
		}
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	m := testenv.SharedMinio(t)
	set := settings(t, m, m.FreshBucket(t))
	set.SecretKeyFile = filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(set.SecretKeyFile, []byte("n0t-the-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := blobstore.New(mustOpen(t, set))
	for call, do := range everyCall(s, "a/b") {
		err := do(t.Context())
		if !isUnavailable(err) {
			t.Errorf("%s: %v", call, err)
			continue
		}
		for _, secret := range []string{"n0t-the-secret", m.AccessKey, m.SecretKey, "a/b"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells what it should not: %v", call, err)
			}
		}
	}
}
