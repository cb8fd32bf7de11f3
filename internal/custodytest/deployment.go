package custodytest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
	"github.com/wertfach/wertfach/vault/transit"
)

// Deployment says where the keys and objects of a deployment lie. It is plain
// data, which a test can hand to another process as JSON.
type Deployment struct {
	// Folder holds the keyring and the embedded store; empty for the real servers.
	Folder string
	// Address, Mount and Token, or the files of an AppRole, lead to a transit
	// engine of a Vault.
	Address, Mount, Token string
	Role                  testenv.AppRoleFiles
	// S3 leads to a bucket.
	S3 s3.Settings
}

// Open opens the drivers of the deployment. An embedded one can be open in a
// single process at a time.
func (d Deployment) Open(ctx context.Context) (vault.Driver, blobstore.Driver, error) {
	if d.Folder != "" {
		return d.openEmbedded()
	}
	keys, err := transit.New(ctx, transit.Config{
		Address: d.Address, Mount: d.Mount, Login: transit.Login{Token: d.Token, RoleIDFile: d.Role.RoleID, SecretIDFile: d.Role.SecretID},
	})
	if err != nil {
		return nil, nil, err
	}
	blobs, err := s3.Open(d.S3)
	if err != nil {
		return nil, nil, errors.Join(err, keys.Close())
	}
	return keys, blobs, nil
}

func (d Deployment) openEmbedded() (vault.Driver, blobstore.Driver, error) {
	blobs, err := embedded.Open(filepath.Join(d.Folder, "objects.db"))
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyring.Open(keyring.Config{Dir: filepath.Join(d.Folder, "keys")})
	if err != nil {
		return nil, nil, errors.Join(err, blobs.Close())
	}
	return keys, blobs, nil
}

// Backend is a pair of a keeper of keys and a store of objects.
type Backend struct {
	// Name is "embedded" or "real".
	Name string

	deploy func(testing.TB) Deployment
}

// Backends are the two pairs: a keyring with the embedded store, and a real
// Vault with a real MinIO, which the tests of a package share and which need
// [testenv.Main] as the package's TestMain.
func Backends() []Backend { return []Backend{Embedded(), Real()} }

// Embedded is the pair that needs no server.
func Embedded() Backend {
	return Backend{"embedded", func(t testing.TB) Deployment { return Deployment{Folder: t.TempDir()} }}
}

// Real is the pair of real servers. A missing server fails the test.
func Real() Backend {
	return Backend{"real", func(t testing.TB) Deployment {
		v, m := testenv.SharedVault(t), testenv.SharedMinio(t)
		return Deployment{
			Address: v.Addr(), Mount: v.FreshMount(t), Token: v.RootToken(),
			S3: s3.Settings{
				Endpoint: m.Endpoint, Region: testenv.MinioRegion, Bucket: m.FreshBucket(t),
				AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile,
			},
		}
	}}
}

// Deploy gives a deployment of the test's own in which nothing is prepared yet.
func (b Backend) Deploy(t testing.TB) Deployment { return b.deploy(t) }

// Open deploys and opens the drivers; they are closed when the test ends.
func (b Backend) Open(t testing.TB) (vault.Driver, blobstore.Driver) {
	t.Helper()
	return b.Deploy(t).MustOpen(t)
}

// MustOpen is Open for a test: what fails ends it, and when it is over the
// drivers are closed.
func (d Deployment) MustOpen(t testing.TB) (vault.Driver, blobstore.Driver) {
	t.Helper()
	keys, blobs, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(blobs.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	return keys, blobs
}
