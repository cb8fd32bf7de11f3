package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
)

// backends are a keeper of keys and a store of objects.
type backends struct {
	// prepare makes them ready, as `wertfach init` does.
	prepare func(testing.TB)
	// connect gives them to a server, with the rights of a deployed one and, as it
	// sweeps and erases by itself here, those of a sweeper.
	connect func(testing.TB) (*vault.Keys, *blobstore.Store)
	// keyNames lists the keys that there are.
	keyNames func(testing.TB) []string
	// folders are where all that they keep lies, every byte of it, and what
	// they print.
	folders []string
}

// onBoth runs a test on the embedded back ends and on the real ones, at the
// same time.
func onBoth(t *testing.T, test func(*testing.T, *backends)) {
	t.Helper()
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, embeddedBackends(t))
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		test(t, realBackends(t, testenv.SharedVault(t), testenv.SharedMinio(t)))
	})
}

// embeddedBackends lie in a folder. Only one process can have it open, so all
// servers share what is open.
func embeddedBackends(t testing.TB) *backends {
	t.Helper()
	place := custodytest.Deployment{Folder: t.TempDir()}
	keys, store := place.MustOpen(t)
	front, back := vault.New(keys), blobstore.New(store)
	return &backends{
		folders: []string{place.Folder},
		prepare: func(t testing.TB) { ok(t, custody.Prepare(t.Context(), front, back)) },
		connect: func(testing.TB) (*vault.Keys, *blobstore.Store) { return front, back },
		keyNames: func(t testing.TB) []string {
			t.Helper()
			files, err := os.ReadDir(filepath.Join(place.Folder, "keys", "keys"))
			ok(t, err)
			var names []string
			for _, file := range files {
				names = append(names, file.Name())
			}
			return names
		},
	}
}

// realBackends are a mount of their own in Vault and a bucket of their own in
// MinIO. Each server connects for itself.
func realBackends(t testing.TB, v *testenv.Vault, m *testenv.Minio) *backends {
	t.Helper()
	bucket := m.FreshBucket(t)
	root := custodytest.Deployment{
		Address: v.Addr(), Mount: v.FreshMount(t), Token: v.RootToken(),
		S3: s3.Settings{
			Endpoint: m.Endpoint, Region: testenv.MinioRegion, Bucket: bucket,
			AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile,
		},
	}
	place := root
	var err error
	place.Token = ""
	place.Role, err = v.Deployed(t.Context(), bucket, place.Mount)
	ok(t, err)
	place.S3.AccessKeyFile, place.S3.SecretKeyFile, err = m.Deployed(t.Context(), bucket)
	ok(t, err)
	return &backends{
		folders: []string{v.Dir(), m.Dir()},
		prepare: func(t testing.TB) {
			keys, store := root.MustOpen(t)
			ok(t, custody.Prepare(t.Context(), vault.New(keys), blobstore.New(store)))
		},
		connect: func(t testing.TB) (*vault.Keys, *blobstore.Store) {
			t.Helper()
			keys, store := place.MustOpen(t)
			return vault.New(keys), blobstore.New(store)
		},
		keyNames: func(t testing.TB) []string { return transitKeys(t, v.Client(), place.Mount) },
	}
}

func transitKeys(t testing.TB, client *api.Client, mount string) []string {
	t.Helper()
	answer, err := client.Logical().ListWithContext(t.Context(), mount+"/keys")
	if err != nil || answer == nil {
		t.Fatalf("listing the keys: %v", err)
	}
	listed, _ := answer.Data["keys"].([]any)
	var names []string
	for _, name := range listed {
		name, _ := name.(string)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
