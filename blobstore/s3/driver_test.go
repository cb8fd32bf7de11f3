package s3

import (
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/blobstoretest"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestConformance(t *testing.T) {
	blobstoretest.Run(t, func(t *testing.T) blobstore.Driver {
		return openBucket(t, testenv.SharedMinio(t))
	})
}

// settings are those of a bucket of the test's own, which is not made yet.
func settings(t testing.TB, m *testenv.Minio, bucket string) Settings {
	t.Helper()
	return Settings{
		Endpoint: m.Endpoint, Region: testenv.MinioRegion, Bucket: bucket,
		AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile,
	}
}

// openBucket opens a driver on an empty bucket.
func openBucket(t testing.TB, m *testenv.Minio) *Driver {
	t.Helper()
	return mustOpen(t, settings(t, m, m.FreshBucket(t)))
}

func mustOpen(t testing.TB, s Settings) *Driver {
	t.Helper()
	d, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
