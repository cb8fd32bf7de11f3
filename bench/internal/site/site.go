// Package site sets up what wertfach runs on for the length of a benchmark: a
// real Vault on raft storage and a real MinIO on one drive, both in a folder of
// their own, prepared as `wertfach init` would, with certificates for server and
// client and an identity of the server's in Vault.
package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

const (
	// Bucket holds the product's objects.
	Bucket = "wertfach"
	// AuditBucket is the locked store of the product's audit log.
	AuditBucket = "wertfach-audit"
	// FloorBucket holds those of the floors, apart from the product's.
	FloorBucket = "floor"
	// Mount is the transit engine that both use, the floors' keys under names of
	// their own, so that no engine is larger than the other.
	Mount = "transit"
)

// loopback is where everything listens.
const loopback = "127.0.0.1"

// Site is the two servers and what is needed to use them.
type Site struct {
	Vault *testenv.Vault
	Minio *testenv.Minio

	dir        string
	institutes []string
	role       testenv.AppRoleFiles
	authority  *pki.Authority
	server     pki.Pair
	client     pki.Pair
	desk       pki.Pair // the privacy officers' machine
	issuer     *devissuer.Issuer
}

// Start starts both servers in dir and prepares them for the institutes. What
// was started is stopped again where it fails.
func Start(ctx context.Context, dir string, institutes ...string) (s *Site, err error) {
	s = &Site{dir: dir, institutes: institutes}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
			s = nil
		}
	}()
	if s.Vault, err = testenv.StartVault(ctx, filepath.Join(dir, "vault")); err != nil {
		return s, err
	}
	if s.Minio, err = testenv.StartMinio(ctx, filepath.Join(dir, "minio")); err != nil {
		return s, err
	}
	if err = s.Minio.Bucket(ctx, FloorBucket); err != nil {
		return s, err
	}
	if err = s.prepare(ctx); err != nil {
		return s, fmt.Errorf("preparing the servers: %w", err)
	}
	return s, s.identities(ctx)
}

// Stop stops both.
func (s *Site) Stop() error {
	var errs []error
	if s.issuer != nil {
		errs = append(errs, s.issuer.Close())
	}
	if s.Vault != nil {
		errs = append(errs, s.Vault.Stop())
	}
	if s.Minio != nil {
		errs = append(errs, s.Minio.Stop())
	}
	return errors.Join(errs...)
}

// prepare does what `wertfach init` does, with an operator's rights.
func (s *Site) prepare(ctx context.Context) (err error) {
	driver, err := transit.New(ctx, transit.Config{
		Address: s.Vault.Addr(), Mount: Mount, Login: transit.Login{Token: s.Vault.RootToken()},
	})
	if err != nil {
		return err
	}
	keys := vault.New(driver)
	defer func() { err = errors.Join(err, keys.Close()) }()
	settings := s3.Settings{
		Endpoint: s.Minio.Endpoint, Region: testenv.MinioRegion, Bucket: Bucket,
		AccessKeyFile: s.Minio.AccessKeyFile, SecretKeyFile: s.Minio.SecretKeyFile,
	}
	objects, err := s3.Open(settings)
	if err != nil {
		return err
	}
	store := blobstore.New(objects)
	defer func() { err = errors.Join(err, store.Close()) }()
	settings.Bucket = AuditBucket
	locked, err := s3.OpenArchive(s3.ArchiveSettings{Settings: settings, Retention: config.Audit{}.Retention()})
	if err != nil {
		return err
	}
	archive := blobstore.NewArchive(locked)
	defer func() { err = errors.Join(err, archive.Close()) }()
	return errors.Join(custody.Prepare(ctx, keys, store), archive.Prepare(ctx))
}

// identities makes the server known to Vault, with the rights that a deployed
// one has, and server and client to each other.
func (s *Site) identities(ctx context.Context) (err error) {
	if err := s.LetErase(ctx, false); err != nil {
		return err
	}
	if s.authority, err = pki.Open(filepath.Join(s.dir, "pki"), time.Now()); err != nil {
		return err
	}
	if s.server, err = s.authority.Server(loopback); err != nil {
		return err
	}
	if s.client, err = s.authority.Client("portal", "bench"); err != nil {
		return err
	}
	if s.desk, err = s.authority.Client("privacy-officer", "bench"); err != nil {
		return err
	}
	if s.issuer, err = devissuer.Start(filepath.Join(s.dir, "issuer")); err != nil {
		return err
	}
	return s.issuer.Renew(s.dir, time.Now())
}

// LetErase gives the server the rights of a sweeper too, so that it erases in one
// call, or takes them away. A deployed server has none of them; the rules for them
// would add to what every other call costs Vault.
func (s *Site) LetErase(ctx context.Context, may bool) (err error) {
	const role = "wertfach-server"
	if may {
		s.role, err = s.Vault.Deployed(ctx, role, Mount)
		return err
	}
	s.role, err = s.Vault.AppRole(ctx, testenv.AppRole{
		Name: role, Policy: deploy.Vault{Transit: Mount}.Policy(deploy.Server), TokenTTL: time.Hour,
	})
	return err
}

// Client is how to reach a server at that address with TLS on both sides.
func (s *Site) Client(address string) client.Config {
	return client.Config{
		Address: address, CAFile: s.authority.CAFile(), CertFile: s.client.CertFile, KeyFile: s.client.KeyFile,
	}
}

// Officers are how two privacy officers reach it. Their tokens last for an hour.
func (s *Site) Officers(address string) (all [2]client.Config) {
	for i, name := range []string{"officer-ines", "officer-paul"} {
		all[i] = client.Config{
			Address: address, CAFile: s.authority.CAFile(), CertFile: s.desk.CertFile, KeyFile: s.desk.KeyFile,
			TokenFile: devissuer.TokenFile(s.dir, name),
		}
	}
	return all
}

// Config writes a server's configuration to a file: limits and everything else
// that has a default is left at it.
func (s *Site) Config(file, listen string) error {
	c := map[string]any{
		"listen": listen,
		"tls":    config.TLS{CertFile: s.server.CertFile, KeyFile: s.server.KeyFile, ClientCAFile: s.authority.CAFile()},
		"vault": map[string]any{
			"address": s.Vault.Addr(), "transit_mount": Mount,
			"auth": map[string]any{"approle": map[string]any{"role_id_file": s.role.RoleID, "secret_id_file": s.role.SecretID}},
		},
		"s3": map[string]any{
			"endpoint": s.Minio.Endpoint, "region": testenv.MinioRegion, "bucket": Bucket,
			"access_key_file": s.Minio.AccessKeyFile, "secret_key_file": s.Minio.SecretKeyFile,
		},
	}
	c["audit"] = map[string]any{"spool_file": filepath.Join(filepath.Dir(file), "spool.db"), "bucket": AuditBucket}
	c["callers"] = []map[string]any{{
		"uri": "spiffe://" + pki.TrustDomain + "/portal/bench", "roles": []string{"portal", "core-banking"}, "institutes": []string{"*"},
	}, {
		"uri": "spiffe://" + pki.TrustDomain + "/privacy-officer/bench", "roles": []string{"privacy-officer"}, "institutes": []string{"*"},
	}}
	c["issuers"] = []map[string]any{{
		"url": s.issuer.URL(), "audience": devissuer.Audience,
		"groups": []map[string]any{{"group": devissuer.Officers, "roles": []string{"privacy-officer"}, "institutes": []string{"*"}}},
	}}
	var institutes []map[string]any
	for _, id := range s.institutes {
		institutes = append(institutes, map[string]any{"id": id})
	}
	c["institutes"] = institutes
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
