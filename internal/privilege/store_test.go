package privilege_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/privilege"
	"github.com/wertfach/wertfach/internal/testenv"
)

// rights are what an identity may do to the objects of a kind: read, write and
// delete them. Whoever has an identity may list names.
type rights map[deploy.Identity]string

// kinds are all kinds of objects in the bucket of data, by a name of each.
var kinds = map[string]rights{
	"elsebank/dossiers/p":         {deploy.Server: "rwd", deploy.Sweeper: "rwd", deploy.Hotline: "rw", deploy.Operator: "rw"},
	"elsebank/scans/p/s":          {deploy.Server: "rwd", deploy.Sweeper: "rwd", deploy.Hotline: "d", deploy.Operator: "rw"},
	"elsebank/pending/p.c":        {deploy.Server: "rwd", deploy.Sweeper: "rwd", deploy.Hotline: "rwd", deploy.Operator: "rwd"},
	"elsebank/requests/p":         {deploy.Server: "rwd", deploy.Sweeper: "rwd"},
	"elsebank/erasing/p":          {deploy.Server: "rwd", deploy.Sweeper: "rwd"},
	"elsebank/due/2199-01-01/p.e": {deploy.Server: "wd", deploy.Sweeper: "rwd", deploy.Hotline: "wd", deploy.Operator: "wd"},
	"elsebank/receipts/p-e":       {deploy.Server: "rw", deploy.Sweeper: "rw", deploy.Hotline: "r", deploy.Operator: "r"},
	"elsebank/unused/p.e":         {deploy.Server: "w", deploy.Sweeper: "rd"},
	"index/iccid/b/i.p.a.e":       {deploy.Server: "wd", deploy.Sweeper: "d", deploy.Hotline: "wd", deploy.Operator: "wd"},
	"system/index-secret":         {deploy.Server: "r", deploy.Sweeper: "r", deploy.Hotline: "r", deploy.Operator: "rw", deploy.Init: "rw"},
	"system/attest.pem":           {deploy.Server: "r", deploy.Sweeper: "r", deploy.Hotline: "r", deploy.Operator: "r", deploy.Init: "rw"},
	"system/audit/c":              {deploy.Server: "rw", deploy.Sweeper: "rw", deploy.Hotline: "rw", deploy.Operator: "rw", deploy.Init: "rw"},
	"system/jobs/rotation":        {deploy.Server: "r", deploy.Sweeper: "r", deploy.Hotline: "r", deploy.Operator: "rwd", deploy.Init: "rw"},
	"system/jobs/scrub":           {deploy.Server: "rwd", deploy.Sweeper: "r", deploy.Hotline: "r", deploy.Operator: "rwd", deploy.Init: "rw"},
	"elsebank/elsewhere":          {},
	"elsewhere":                   {},
}

// testObjects tries each kind of object as each identity.
func (s *site) testObjects(t *testing.T) {
	root := s.s3(t, s.config.S3.AccessKeyFile, s.config.S3.SecretKeyFile)
	bucket := s.config.S3.Bucket
	_, store, _ := s.open(t, s.config)
	const secret = "system/index-secret"
	kept, _, err := store.Get(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := store.Put(t.Context(), secret, kept, blobstore.Condition{}); err != nil {
			t.Error(err)
		}
	}()
	for _, id := range everybody {
		c := s.client(t, id)
		for name, may := range kinds {
			put(t, root, bucket, name)
			for right, try := range map[string]func(context.Context) error{
				"r": func(ctx context.Context) error { return get(ctx, c, bucket, name) },
				"w": func(ctx context.Context) error { return write(ctx, c, bucket, name) },
				"d": func(ctx context.Context) error {
					return c.RemoveObject(ctx, bucket, name, minio.RemoveObjectOptions{})
				},
			} {
				if got, want := allowed(t, try(t.Context())), strings.Contains(may[id], right); got != want {
					t.Errorf("%s: %s of %s is allowed: %t", id, right, name, got)
				}
				if right == "d" {
					put(t, root, bucket, name)
				}
			}
		}
	}
}

// testAdministration: none of the identities can give itself more.
func (s *site) testAdministration(t *testing.T) {
	for _, id := range deploy.Lasting() {
		folder := privilege.Folder(s.dir, id)
		c, err := minioadmin.New(minioadmin.Config{
			Endpoint: s.config.S3.Endpoint, AccessKeyFile: filepath.Join(folder, "s3-access-key"), SecretKeyFile: filepath.Join(folder, "s3-secret-key"),
		})
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"a policy":         c.PutPolicy(t.Context(), id.Name(), []byte(`{"Version":"2012-10-17","Statement":[]}`)),
			"a user":           c.PutUser(t.Context(), "another", "long-enough"),
			"more for oneself": c.Attach(t.Context(), "consoleAdmin", id.Name()),
		} {
			if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
				t.Errorf("%s: %s: got %v", id, what, err)
			}
		}
	}
}

// client logs in to S3 as the identity. Init has credentials that an administrator
// made for it.
func (s *site) client(t *testing.T, id deploy.Identity) *minio.Client {
	t.Helper()
	folder := privilege.Folder(s.dir, id)
	if id == deploy.Init {
		admin, err := minioadmin.New(minioadmin.Config{
			Endpoint: s.config.S3.Endpoint, AccessKeyFile: s.config.S3.AccessKeyFile, SecretKeyFile: s.config.S3.SecretKeyFile,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(
			admin.PutPolicy(t.Context(), id.Name(), []byte(privilege.StorePolicy(s.config, id))),
			admin.PutUser(t.Context(), id.Name(), "for-the-occasion"),
			admin.Attach(t.Context(), id.Name(), id.Name()),
			os.MkdirAll(folder, 0o700),
			os.WriteFile(filepath.Join(folder, "s3-access-key"), []byte(id.Name()), 0o600),
			os.WriteFile(filepath.Join(folder, "s3-secret-key"), []byte("for-the-occasion"), 0o600),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.s3(t, filepath.Join(folder, "s3-access-key"), filepath.Join(folder, "s3-secret-key"))
}

func (s *site) s3(t *testing.T, accessFile, secretFile string) *minio.Client {
	t.Helper()
	access, err := os.ReadFile(accessFile)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(secretFile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := minio.New(strings.TrimPrefix(s.config.S3.Endpoint, "http://"), &minio.Options{
		Creds:  credentials.NewStaticV4(strings.TrimSpace(string(access)), strings.TrimSpace(string(secret)), ""),
		Region: testenv.MinioRegion, MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(ctx context.Context, c *minio.Client, bucket, name string) error {
	o, err := c.GetObject(ctx, bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer o.Close()
	_, err = io.Copy(io.Discard, o)
	return err
}

func write(ctx context.Context, c *minio.Client, bucket, name string) error {
	content := []byte("content")
	_, err := c.PutObject(ctx, bucket, name, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func put(t *testing.T, c *minio.Client, bucket, name string) {
	t.Helper()
	if err := write(t.Context(), c, bucket, name); err != nil {
		t.Fatal(err)
	}
}

// allowed is whether a request was not refused for want of a right.
func allowed(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return true
	}
	if code := minio.ToErrorResponse(err).Code; code != minio.AccessDenied {
		t.Errorf("an error that says nothing of rights: %v (%s)", err, code)
	}
	return false
}
