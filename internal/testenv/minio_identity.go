package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/minioadmin"
)

// Deployed makes a user with the shipped policies of a server and of a sweeper for
// that bucket, and for one of its name with -audit at its end: for tests and
// measurements of one process that does the work of both. It gives the files with
// the user's keys.
func (m *Minio) Deployed(ctx context.Context, bucket string) (accessKeyFile, secretKeyFile string, err error) {
	admin, err := minioadmin.New(minioadmin.Config{
		Endpoint: m.Endpoint, Region: MinioRegion, AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile,
	})
	if err != nil {
		return "", "", fmt.Errorf("testenv: %w", err)
	}
	user, secret := strings.ToLower(rand.Text()[:20]), rand.Text()
	err = admin.PutUser(ctx, user, secret)
	for _, id := range []deploy.Identity{deploy.Server, deploy.Sweeper} {
		name := bucket + "-" + string(id)
		if err == nil {
			err = admin.PutPolicy(ctx, name, []byte(deploy.Buckets{Data: bucket, Audit: bucket + "-audit"}.Policy(id)))
		}
		if err == nil {
			err = admin.Attach(ctx, name, user)
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("testenv: user: %w", err)
	}
	dir := filepath.Join(m.Dir(), "users", user)
	accessKeyFile, secretKeyFile = filepath.Join(dir, "access-key"), filepath.Join(dir, "secret-key")
	return accessKeyFile, secretKeyFile, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(accessKeyFile, []byte(user+"\n"), 0o600),
		os.WriteFile(secretKeyFile, []byte(secret+"\n"), 0o600),
	)
}
