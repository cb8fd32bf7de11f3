// Package node turns a configuration into a running server: it opens the back
// ends, loads the index secret, serves the API, and takes it all down again.
//
// [Start] gives a running [Node] and [Node.Run] keeps it until it is told to
// stop; `wertfach serve`, `wertfach dev` and tests all go this way.
// [Open] gives only the back ends, for the commands that need no server:
// `wertfach init` and `wertfach sweep`.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/telemetry"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
	"github.com/wertfach/wertfach/vault/transit"
)

// Backends are the keeper of keys, the store of objects and the locked store of
// the audit log of a deployment.
type Backends struct {
	Keys    *vault.Keys
	Store   *blobstore.Store
	Archive *blobstore.Archive

	config    *config.Config
	log       *slog.Logger
	telemetry *telemetry.Telemetry
	// tokenEnds is when the token for Vault ends, if it does; nil with a keyring.
	tokenEnds func() (time.Time, bool)
}

// Open opens the back ends that the configuration names, and tells of each what
// its operator should know. With Vault it logs in, so that the error wraps
// [vault.ErrUnavailable] while Vault is away.
func Open(ctx context.Context, c *config.Config, log *slog.Logger, options ...Option) (*Backends, error) {
	b := &Backends{config: c, log: log}
	for _, o := range options {
		o(b)
	}
	var err error
	if b.Store, err = openStore(c, blobstore.WithObserver(b.telemetry.Observer(telemetry.Store))); err != nil {
		return nil, err
	}
	if b.Archive, err = openArchive(c, blobstore.WithArchiveObserver(b.telemetry.Observer(telemetry.Archive))); err != nil {
		return nil, errors.Join(err, b.Store.Close())
	}
	if err = b.openKeys(ctx, vault.WithObserver(b.telemetry.Observer(telemetry.Vault))); err != nil {
		return nil, errors.Join(err, b.Store.Close(), b.Archive.Close())
	}
	return b, nil
}

func (b *Backends) openKeys(ctx context.Context, observed vault.Option) error {
	c, log := b.config, b.log
	if c.Keyring != nil {
		log.WarnContext(ctx, keyring.Warning)
		d, err := keyring.Open(keyring.Config{Dir: c.Keyring.Dir, MasterKeyFile: c.Keyring.MasterKeyFile})
		if err != nil {
			return fmt.Errorf("opening keyring.dir: %w", err)
		}
		b.Keys = vault.New(d, observed)
		return nil
	}
	v := c.Vault
	login := transit.Login{TokenFile: v.Auth.TokenFile}
	if r := v.Auth.AppRole; r != nil {
		login = transit.Login{RoleIDFile: r.RoleIDFile, SecretIDFile: r.SecretIDFile, AppRoleMount: r.Mount}
	}
	d, err := transit.New(ctx, transit.Config{
		Address: v.Address, Namespace: v.Namespace, Mount: v.TransitMount, CAFile: v.CAFile, Login: login, Log: log,
	})
	if err != nil {
		return fmt.Errorf("logging in to Vault: %w", err)
	}
	b.Keys = vault.New(d, observed)
	b.tokenEnds = func() (time.Time, bool) {
		ends := d.TokenEnds()
		return ends, !ends.IsZero()
	}
	return nil
}

func openStore(c *config.Config, observed blobstore.Option) (*blobstore.Store, error) {
	limits := blobstore.WithLimits(blobstore.Limits{Object: objectSize(c.Limits.DossierSize)})
	if c.Embedded != nil {
		d, err := embedded.Open(c.Embedded.File)
		if err != nil {
			return nil, fmt.Errorf("opening embedded.file: %w", err)
		}
		return blobstore.New(d, limits, observed), nil
	}
	d, err := s3.Open(settings(c.S3, c.S3.Bucket))
	if err != nil {
		return nil, fmt.Errorf("opening s3: %w", err)
	}
	return blobstore.New(d, limits, observed), nil
}

// openArchive opens the locked store of the audit log, which is of the same kind
// as the store of objects.
func openArchive(c *config.Config, observed blobstore.ArchiveOption) (*blobstore.Archive, error) {
	if c.Embedded != nil {
		d, err := embedded.OpenArchive(c.Audit.File)
		if err != nil {
			return nil, fmt.Errorf("opening audit.file: %w", err)
		}
		return blobstore.NewArchive(d, observed), nil
	}
	d, err := s3.OpenArchive(s3.ArchiveSettings{
		Settings: settings(c.S3, c.Audit.Bucket), Retention: c.Audit.Retention(), Mode: c.Audit.Mode,
	})
	if err != nil {
		return nil, fmt.Errorf("opening s3 for audit.bucket: %w", err)
	}
	return blobstore.NewArchive(d, observed), nil
}

func settings(s *config.S3, bucket string) s3.Settings {
	return s3.Settings{
		Endpoint: s.Endpoint, Region: s.Region, Bucket: bucket, CAFile: s.CAFile,
		AccessKeyFile: s.AccessKeyFile, SecretKeyFile: s.SecretKeyFile,
	}
}

// Prepare makes what a deployment needs before its first use; repeated, it leaves
// alone what is there.
func (b *Backends) Prepare(ctx context.Context) error {
	if err := custody.Prepare(ctx, b.Keys, b.Store); err != nil {
		return err
	}
	if err := b.Archive.Prepare(ctx); err != nil {
		return fmt.Errorf("preparing the locked store of the audit log: %w", err)
	}
	return nil
}

// objectSize is how large an object the store must take for dossiers of that
// size: sealing pads them by up to an eighth and adds a header. The default of
// blobstore is enough for the default.
func objectSize(dossier config.Size) int64 {
	const enough, header = 8 << 20, 64 << 10
	return max(enough, int64(dossier)*9/8+header)
}

// Ready is nil if keys and objects could be used just now.
func (b *Backends) Ready(ctx context.Context) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return b.Keys.Ping(ctx) })
	both.Go(func() error { return b.Store.Ping(ctx) })
	return both.Wait()
}

// Custodian loads the index secret and gives the custodian of these back ends.
// The clock is time.Now where nil.
func (b *Backends) Custodian(ctx context.Context, now func() time.Time) (*custody.Custodian, error) {
	secret, err := custody.LoadIndexSecret(ctx, b.Keys, b.Store)
	if err != nil {
		return nil, err
	}
	l := b.config.Limits
	c := custody.Config{
		Keys: b.Keys, Store: b.Store, Log: b.log, Now: now,
		Limits: custody.Limits{
			Artefacts: l.Artefacts, Scans: l.Scans, ScanBytes: int64(l.ScanSize), DossierBytes: int(l.DossierSize),
		},
		CacheBytes: int(l.CacheSize),
		Evidence:   b.Archive,
	}
	for _, i := range b.config.Institutes {
		zone, err := time.LoadLocation(cmp.Or(i.TimeZone, config.DefaultTimeZone))
		if err != nil {
			return nil, err
		}
		c.Institutes = append(c.Institutes, custody.Institute{
			ID: i.ID, Location: zone, CardVerificationCode: i.CardVerificationCodeReason, Retention: b.config.RetentionFor(i.ID),
		})
	}
	return custody.New(c, secret)
}

// Close closes them. Nothing uses them any more.
func (b *Backends) Close() error {
	return errors.Join(b.Store.Close(), b.Archive.Close(), b.Keys.Close())
}
