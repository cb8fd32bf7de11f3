package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/internal/node"
)

func (c *cli) auditFetch() *cobra.Command {
	var file, dir string
	var from instant
	cmd := &cobra.Command{
		Use:   "fetch --config FILE --out DIR",
		Short: "download the audit log for checking it elsewhere",
		Long: `Fetch downloads the segments of the audit log, the heads of its chains and the public
keys into a folder, with a signed inventory of them, for "wertfach audit verify". It
checks nothing itself. A download
that broke off goes on where it was when it is repeated.

Exit codes: 0 done; 2 wrong command line or configuration, or a folder that can't be
written; 7 Vault or the object store stayed away; 130 interrupted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			day, err := from.day("--from")
			if err != nil {
				return err
			}
			return c.fetchLog(cmd, file, dir, day)
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "the folder `DIR`, readable by you alone")
	cmd.Flags().Var(&from, "from", "the first `DAY` (UTC) to download; the whole log where not given")
	return must(configFlag(cmd, &file), "out")
}

func (c *cli) fetchLog(cmd *cobra.Command, file, dir string, from time.Time) (failed error) {
	conf, err := loadConfig(file)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	b, err := node.Await(ctx, conf, conf.Log.Logger(cmd.ErrOrStderr()), func(ctx context.Context, b *node.Backends) error {
		return b.Ready(ctx)
	})
	if err != nil {
		return started(ctx, err)
	}
	defer closing(b, &failed)
	bar := c.progress("downloading the audit log")
	bar.begin(-1)
	err = b.Events().Fetch(ctx, dir, from, c.now(), audit.SignWith(b.Keys), bar.count)
	bar.end()
	return local(err)
}
