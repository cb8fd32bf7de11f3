package privilege_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/privilege"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestIdentities installs a deployment once and tries out in it what each of its
// identities can and can't do.
func TestIdentities(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	// First and alone, because it writes over what the others stand on.
	t.Run("objects", s.testObjects)
	for name, test := range map[string]func(*site, *testing.T){
		"in Vault":                 (*site).testVault,
		"tokens":                   (*site).testTokens,
		"the log stays":            (*site).testLog,
		"governance is no lock":    (*site).testGovernance,
		"nobody is administrator":  (*site).testAdministration,
		"erasure by two":           (*site).testErasure,
		"rotation by the operator": (*site).testRotation,
		"shedding by the sweeper":  (*site).testShedding,
		"scrubbing":                (*site).testScrub,
		"reading by the hotline":   (*site).testHotline,
		"installed again":          (*site).testAgain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(s, t)
		})
	}
}

// site is a Vault and a MinIO on which a deployment was installed: the two
// servers know its identities, and nothing else of it was made by root.
type site struct {
	vault  *testenv.Vault
	minio  *testenv.Minio
	config *config.Config // of who installs
	dir    string         // the credentials, a folder for each identity
}

// newSite installs a deployment in a mount and buckets of its own.
func newSite(t *testing.T) *site {
	t.Helper()
	v, m := testenv.NewVault(t), testenv.NewMinio(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(v.RootToken()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{vault: v, minio: m, dir: t.TempDir(), config: &config.Config{
		Vault: &config.Vault{Address: v.Addr(), TransitMount: "bank/transit", Auth: config.VaultAuth{TokenFile: token}},
		S3: &config.S3{
			Endpoint: m.Endpoint, Region: testenv.MinioRegion, Bucket: "vault-of-banks",
			AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile,
		},
		Audit:      config.Audit{Bucket: "log-of-banks", RetentionDays: 1},
		Institutes: []config.Institute{{ID: "musterbank"}},
	}}
	keys, store, archive := s.open(t, s.config)
	if err := custody.Prepare(t.Context(), keys, store); err != nil {
		t.Fatal(err)
	}
	if err := archive.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.install(t)
	return s
}

// installer works as an administrator.
func (s *site) installer(t *testing.T) *privilege.Installer {
	t.Helper()
	i, err := privilege.Open(t.Context(), s.config, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

// install installs everything and gives out credentials.
func (s *site) install(t *testing.T) {
	t.Helper()
	i := s.installer(t)
	for _, step := range []func(context.Context) error{
		i.Vault, i.Store,
		func(ctx context.Context) error { return i.IssueVault(ctx, s.dir) },
		func(ctx context.Context) error { return i.IssueStore(ctx, s.dir) },
	} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// as is the configuration of a process with the identity.
func (s *site) as(id deploy.Identity) *config.Config {
	c, v, o := *s.config, *s.config.Vault, *s.config.S3
	folder := privilege.Folder(s.dir, id)
	v.Auth = config.VaultAuth{AppRole: &config.AppRole{
		RoleIDFile: filepath.Join(folder, "vault-role-id"), SecretIDFile: filepath.Join(folder, "vault-secret-id"),
	}}
	o.AccessKeyFile, o.SecretKeyFile = filepath.Join(folder, "s3-access-key"), filepath.Join(folder, "s3-secret-key")
	c.Vault, c.S3 = &v, &o
	return &c
}

// open logs in to both servers.
func (s *site) open(t *testing.T, c *config.Config) (*vault.Keys, *blobstore.Store, *s3.Archive) {
	t.Helper()
	login := transit.Login{TokenFile: c.Vault.Auth.TokenFile}
	if r := c.Vault.Auth.AppRole; r != nil {
		login = transit.Login{RoleIDFile: r.RoleIDFile, SecretIDFile: r.SecretIDFile}
	}
	keys, err := transit.New(t.Context(), transit.Config{Address: c.Vault.Address, Mount: c.Vault.TransitMount, Login: login})
	if err != nil {
		t.Fatal(err)
	}
	settings := s3.Settings{
		Endpoint: c.S3.Endpoint, Region: c.S3.Region, Bucket: c.S3.Bucket,
		AccessKeyFile: c.S3.AccessKeyFile, SecretKeyFile: c.S3.SecretKeyFile,
	}
	objects, err := s3.Open(settings)
	if err != nil {
		t.Fatal(err)
	}
	settings.Bucket = c.Audit.Bucket
	archive, err := s3.OpenArchive(s3.ArchiveSettings{Settings: settings, Retention: 24 * time.Hour, Mode: c.Audit.Mode})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = archive.Close()
		_ = objects.Close()
		_ = keys.Close()
	})
	return vault.New(keys), blobstore.New(objects), archive
}

// custodian is one that works as the identity, for an institute of the test's own.
func (s *site) custodian(t *testing.T, id deploy.Identity, institute string) *custody.Custodian {
	t.Helper()
	keys, store, _ := s.open(t, s.as(id))
	secret, err := custody.LoadIndexSecret(t.Context(), keys, store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := custody.New(custody.Config{
		Keys: keys, Store: store, Institutes: []custody.Institute{{ID: institute}},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}, secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
