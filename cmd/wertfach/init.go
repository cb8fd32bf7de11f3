package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/atomicfile"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/privilege"
	"github.com/wertfach/wertfach/vault"
)

type initOptions struct {
	config, tokenFile, keysFile string
	accessFile, secretFile      string
	policies                    bool
	credentialsDir, policiesDir string
}

func initCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init --config FILE",
		Short: "prepare Vault and S3 for a deployment, once",
		Long: `Init makes what a deployment needs before its first start: the transit engine
with a bounded cache, the key that signs receipts and the audit log, the bucket of
data, the bucket of the audit log with its lock, and the secret behind pseudonyms and
blind indexes. Keys, buckets and secret that are there it leaves alone, so it can be
repeated; it says of each of them whether it was there. Each time it sets the engine's
cache to the size that the configuration wants, without a word, and writes the public
keys that verify receipts to the store.

With --policies it also writes what each process may do, and no more, to Vault
(policies and AppRoles) and to MinIO (policies): server, sweeper, hotline, operator.
With --credentials-out DIR it gives each of them what it logs in with, a folder each in
DIR, which nobody else can read; what is there stays, and goes on being good.
--policies-out DIR writes the policies to files instead, for who installs them
otherwise, such as on another S3 server than MinIO.

Where the store holds data but no index secret, it refuses to make a new one: nothing
would be found any more. Restore system/index-secret from a backup of the bucket.

It needs rights that no server has, see deploy/vault/init.hcl and deploy/s3/init.json.
Give it a token of its own with --vault-token-file, and keys of its own with
--s3-access-key-file and --s3-secret-key-file.

Exit codes: 0 done; 1 not done, the message says why; 2 wrong command line or
configuration; 7 Vault or the object store stayed away; 130 interrupted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.undone(initialise(cmd, o)) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.tokenFile, "vault-token-file", "", "log in to Vault with the token in `FILE`, not as the server does")
	flags.StringVar(&o.accessFile, "s3-access-key-file", "", "log in to S3 with the access key in `FILE`, not as the server does")
	flags.StringVar(&o.secretFile, "s3-secret-key-file", "", "and with the secret key in `FILE`")
	flags.StringVar(&o.keysFile, "keys-out", "", "write the public keys that verify receipts to `FILE`")
	flags.BoolVar(&o.policies, "policies", false, "install policies and AppRoles in Vault, and policies in MinIO")
	flags.StringVar(&o.credentialsDir, "credentials-out", "", "install them, and write what each process logs in with to `DIR`")
	flags.StringVar(&o.policiesDir, "policies-out", "", "write the policies to `DIR`, and do nothing else")
	cmd.MarkFlagsRequiredTogether("s3-access-key-file", "s3-secret-key-file")
	return configFlag(cmd, &o.config)
}

// undone says what it means that not everything was done.
func (o initOptions) undone(err error) error {
	switch {
	case err == nil || exitCode(err) == exitUsage:
		return err
	case errors.Is(err, node.ErrAway):
		return coded{err, exitUnavailable}
	case errors.Is(err, vault.ErrDenied) && o.tokenFile == "":
		return fmt.Errorf("not done: %w; init needs rights of its own: --vault-token-file", err)
	case errors.Is(err, vault.ErrDenied):
		return fmt.Errorf("not done: %w; the token in --vault-token-file needs the rights of deploy/vault/init.hcl", err)
	default:
		return fmt.Errorf("not done: %w", err)
	}
}

func initialise(cmd *cobra.Command, o initOptions) (failed error) {
	c, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	if o.policiesDir != "" {
		return privilege.Write(c, o.policiesDir)
	}
	appRole, err := o.logIn(c)
	if err != nil {
		return err
	}
	ctx, log := cmd.Context(), c.Log.Logger(cmd.ErrOrStderr())
	var before []part
	b, err := node.Await(ctx, c, log, func(ctx context.Context, b *node.Backends) error {
		before = parts(ctx, b)
		return b.Prepare(ctx)
	})
	if err != nil {
		return err
	}
	defer closing(b, &failed)
	report(cmd.OutOrStdout(), before, parts(ctx, b))
	if o.keysFile != "" {
		keys, err := custody.PublicKeys(ctx, b.Keys)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(o.keysFile, keys, 0o644); err != nil {
			return err
		}
	}
	if o.policies || o.credentialsDir != "" {
		return install(cmd, c, appRole, o.credentialsDir)
	}
	return nil
}

// logIn has the configuration log in as who prepares the deployment. It gives the
// mount of the AppRole method, which the servers' way to log in may name.
func (o initOptions) logIn(c *config.Config) (appRole string, err error) {
	if c.Vault != nil && c.Vault.Auth.AppRole != nil {
		appRole = c.Vault.Auth.AppRole.Mount
	}
	if o.tokenFile != "" {
		if c.Vault == nil {
			return "", coded{errors.New("--vault-token-file: the configuration has no vault"), exitUsage}
		}
		c.Vault.Auth = config.VaultAuth{TokenFile: o.tokenFile}
	}
	if o.accessFile != "" {
		if c.S3 == nil {
			return "", coded{errors.New("--s3-access-key-file: the configuration has no s3"), exitUsage}
		}
		c.S3.AccessKeyFile, c.S3.SecretKeyFile = o.accessFile, o.secretFile
	}
	return appRole, nil
}

// install makes the processes of the deployment known to Vault and to MinIO, and
// gives out their credentials where a folder is given. It does as much of that as
// it can.
func install(cmd *cobra.Command, c *config.Config, appRole, dir string) (failed error) {
	ctx := cmd.Context()
	i, err := privilege.Open(ctx, c, appRole, c.Log.Logger(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, i.Close()) }()
	for _, step := range []struct {
		what    string
		used    bool
		install func(context.Context) error
		issue   func(context.Context, string) error
	}{
		{"Vault", c.Vault != nil, i.Vault, i.IssueVault},
		{"S3", c.S3 != nil, i.Store, i.IssueStore},
	} {
		if !step.used {
			continue
		}
		err, what := step.install(ctx), "policies"
		if err == nil && dir != "" {
			err, what = step.issue(ctx, dir), "policies and credentials"
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("policies in %s: %w", step.what, err))
			if errors.Is(err, minioadmin.ErrNotMinIO) {
				failed = errors.Join(failed, errors.New("write them with --policies-out DIR and install them with the tools of the S3 server"))
			}
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%-25s written\n", what+" in "+step.what)
	}
	return failed
}

// part is a thing that a deployment needs, and whether it is there.
type part struct {
	name  string
	there bool
}

// parts looks at what init makes. What can't be asked for yet is not there.
func parts(ctx context.Context, b *node.Backends) []part {
	_, attest := b.Keys.Info(ctx, vault.AttestKey)
	_, system := b.Keys.Info(ctx, vault.SystemKey)
	bucket, locked := b.Store.Ping(ctx), b.Archive.Ping(ctx)
	_, secret := custody.LoadIndexSecret(ctx, b.Keys, b.Store)
	return []part{
		{"key that signs", attest == nil},
		{"key of the system", system == nil},
		{"object store", bucket == nil},
		{"locked store of the log", locked == nil},
		{"index secret", secret == nil},
	}
}

func report(out io.Writer, before, after []part) {
	for i, p := range after {
		state := "made"
		switch {
		case before[i].there:
			state = "was there"
		case !p.there:
			state = "can't be seen with these rights"
		}
		fmt.Fprintf(out, "%-25s %s\n", p.name, state)
	}
}
