package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// MinioRegion is the region that every [Minio] answers for.
const MinioRegion = "us-east-1"

// Minio is a real MinIO server on one drive, speaking plain HTTP on loopback.
// Stop, Kill, Restart, Pause and Resume are those of its [Process]; its address
// and keys stay the same over a restart.
type Minio struct {
	*Process

	// Endpoint is the server's URL, "http://127.0.0.1:port".
	Endpoint string
	// AccessKey and SecretKey are the root credentials, random for each server.
	AccessKey, SecretKey string
	// AccessKeyFile and SecretKeyFile hold the two, as settings want them.
	AccessKeyFile, SecretKeyFile string
	// Drive is the folder in which the server keeps all that it stores, for
	// tests that search every byte of it.
	Drive string
}

// StartMinio starts a server in that folder and returns once it serves. The
// folder may hold what an earlier server in it stored; the keys are new.
func StartMinio(ctx context.Context, dir string) (*Minio, error) {
	bin, err := Bin("minio")
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("testenv: folder of the server: %w", err)
	}
	m := &Minio{
		AccessKey:     "test-" + strings.ToLower(rand.Text()[:12]),
		SecretKey:     rand.Text(),
		AccessKeyFile: filepath.Join(dir, "access-key"),
		SecretKeyFile: filepath.Join(dir, "secret-key"),
		Drive:         filepath.Join(dir, "drive"),
	}
	if err := m.writeKeys(dir); err != nil {
		return nil, err
	}
	m.Process, err = Start(ctx, Command{
		Path:  bin,
		Dir:   dir,
		Ports: 2, // the second is for its web console, which cannot be left without
		Args: func(addrs []string) ([]string, error) {
			return []string{
				"server", "--quiet", "--certs-dir", filepath.Join(dir, "certs"),
				"--address", addrs[0], "--console-address", addrs[1], m.Drive,
			}, nil
		},
		Env: []string{
			"MINIO_ROOT_USER=" + m.AccessKey,
			"MINIO_ROOT_PASSWORD=" + m.SecretKey,
			"MINIO_BROWSER=off",
			"MINIO_UPDATE=off",
		},
		Ready: m.ready,
	})
	if err != nil {
		return nil, err
	}
	m.Endpoint = "http://" + m.Addr(0)
	return m, nil
}

// NewMinio starts a server for one test, which may stop, kill or pause it.
func NewMinio(t testing.TB) *Minio {
	t.Helper()
	m, err := StartMinio(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Error(err)
		}
	})
	return m
}

var sharedMinio lazy[*Minio]

// SharedMinio is the server that all tests of the package share, for those
// that leave it running; each makes a bucket of its own with
// [Minio.FreshBucket]. The package's TestMain must be [Main].
func SharedMinio(t testing.TB) *Minio {
	t.Helper()
	m, err := sharedMinio.get("minio", func(dir string) (*Minio, error) {
		return StartMinio(context.Background(), dir) // outlives the test that comes first
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Client is a plain client with the root credentials.
func (m *Minio) Client() (*minio.Client, error) { return m.client(m.Addr(0)) }

// Bucket makes a bucket of that name; one that is there already is no error.
func (m *Minio) Bucket(ctx context.Context, name string) error {
	c, err := m.Client()
	if err != nil {
		return err
	}
	err = c.MakeBucket(ctx, name, minio.MakeBucketOptions{Region: MinioRegion})
	if err != nil && minio.ToErrorResponse(err).Code != minio.BucketAlreadyOwnedByYou {
		return fmt.Errorf("testenv: make bucket: %w", err)
	}
	return nil
}

// FreshBucket makes a bucket with a name of its own and returns the name.
func (m *Minio) FreshBucket(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	if err := m.Bucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

// ready asks for the list of buckets: MinIO answers its health checks before
// it serves signed requests.
func (m *Minio) ready(ctx context.Context, addrs []string) error {
	c, err := m.client(addrs[0])
	if err != nil {
		return err
	}
	_, err = c.ListBuckets(ctx)
	return err
}

func (m *Minio) client(addr string) (*minio.Client, error) {
	c, err := minio.New(addr, &minio.Options{
		Creds:      credentials.NewStaticV4(m.AccessKey, m.SecretKey, ""),
		Region:     MinioRegion,
		MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("testenv: client: %w", err)
	}
	return c, nil
}

func (m *Minio) writeKeys(dir string) error {
	err := errors.Join(
		os.MkdirAll(m.Drive, 0o700),
		os.MkdirAll(filepath.Join(dir, "certs"), 0o700),
		os.WriteFile(m.AccessKeyFile, []byte(m.AccessKey+"\n"), 0o600),
		os.WriteFile(m.SecretKeyFile, []byte(m.SecretKey+"\n"), 0o600),
	)
	if err != nil {
		return fmt.Errorf("testenv: folder of the server: %w", err)
	}
	return nil
}
