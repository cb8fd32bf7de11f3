package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/atomicfile"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/vault"
)

type initOptions struct {
	config, tokenFile, keysFile string
}

func initCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init --config FILE",
		Short: "prepare Vault and S3 for a deployment, once",
		Long: `Init makes what a deployment needs before its first start: the transit engine
with a bounded cache, the key that signs receipts, the bucket, and the secret behind
pseudonyms and blind indexes. Keys, bucket and secret that are there it leaves alone,
so it can be repeated; it says of each of them whether it was there. Each time it sets
the engine's cache to the size that the configuration wants, without a word, and writes
the public keys that verify receipts to the store.

Where the store holds data but no index secret, it refuses to make a new one: nothing
would be found any more. Restore system/index-secret from a backup of the bucket.

It needs rights in Vault that the server does not have, see deploy/vault/init.hcl.
Give it a token of its own with --vault-token-file.

Exit codes: 0 done; 1 not done, the message says why; 2 wrong command line or
configuration; 7 Vault or the object store stayed away.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return initialise(cmd, o) },
	}
	cmd.Flags().StringVar(&o.tokenFile, "vault-token-file", "", "log in to Vault with the token in `FILE`, not as the server does")
	cmd.Flags().StringVar(&o.keysFile, "keys-out", "", "write the public keys that verify receipts to `FILE`")
	return configFlag(cmd, &o.config)
}

func initialise(cmd *cobra.Command, o initOptions) (failed error) {
	c, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	if o.tokenFile != "" {
		if c.Vault == nil {
			return coded{fmt.Errorf("--vault-token-file: the configuration has no vault"), exitUsage}
		}
		c.Vault.Auth = config.VaultAuth{TokenFile: o.tokenFile}
	}
	ctx := cmd.Context()
	var before []part
	b, err := node.Await(ctx, c, c.Log.Logger(cmd.ErrOrStderr()), func(ctx context.Context, b *node.Backends) error {
		before = parts(ctx, b)
		return custody.Prepare(ctx, b.Keys, b.Store)
	})
	if err != nil {
		return started(ctx, err)
	}
	defer closing(b, &failed)
	report(cmd.OutOrStdout(), before, parts(ctx, b))
	if o.keysFile == "" {
		return nil
	}
	keys, err := custody.PublicKeys(ctx, b.Keys)
	if err != nil {
		return err
	}
	return atomicfile.Write(o.keysFile, keys, 0o644)
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
	bucket := b.Store.Ping(ctx)
	_, secret := custody.LoadIndexSecret(ctx, b.Keys, b.Store)
	return []part{
		{"key that signs receipts", attest == nil},
		{"key of the system", system == nil},
		{"object store", bucket == nil},
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
