package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/vault"
)

func auditRetire() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "retire CHAIN --config FILE",
		Short: "close the audit chain of a server that never comes back",
		Long: `Retire closes a chain whose server's disk is destroyed, so that "wertfach audit verify"
does not find it ended without being closed for ever. The last routine events of that
server, which were in its spool only, are lost: a second's worth in normal work. That
the chain was closed by hand is on record.

It prints "closed", or "was closed already". It refuses a chain that is broken, and one
of which there was a sign in the last five minutes. Should the server come back
nonetheless, what its spool holds goes to a new chain. The process needs an
audit.spool_file of its own.

Exit codes: 0 done; 2 wrong command line or configuration; 4 no such chain; 5 the chain
can't be retired; 7 Vault, the object store or the audit log stayed away.`,
		Args: takes("CHAIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd, file, manner{}, func(ctx context.Context, o operation) error {
				event := audit.Event{
					ID: strings.ToLower(rand.Text()), Action: "audit/Retire", Principal: operator(), Role: "operator", Code: "OK",
				}
				if err := o.events.Ready(ctx, audit.Locked); err != nil {
					return coded{err, exitUnavailable}
				}
				b := o.backends
				closed, err := b.Events().Retire(ctx, b.Archive, b.Store, audit.SignWith(b.Keys), args[0], time.Now())
				switch {
				case errors.Is(err, audit.ErrNoChain):
					event.Code, event.Reason = "NOT_FOUND", "CHAIN_NOT_FOUND"
				case err != nil:
					event.Code, event.Reason = "FAILED_PRECONDITION", "CHAIN_NOT_RETIRED"
				}
				if recorded := o.events.Record(ctx, event, audit.Locked); recorded != nil {
					return coded{errors.Join(err, recorded), exitUnavailable}
				}
				switch {
				case errors.Is(err, audit.ErrNoChain):
					return coded{err, exitNotFound}
				case errors.Is(err, audit.ErrRetire):
					return coded{err, exitState}
				case errors.Is(err, blobstore.ErrUnavailable), errors.Is(err, vault.ErrUnavailable):
					return coded{err, exitUnavailable}
				case err != nil:
					return err
				}
				state := "was closed already"
				if closed {
					state = "closed"
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), state)
				return err
			})
		},
	}
	return configFlag(cmd, &file)
}
