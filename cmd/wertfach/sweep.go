package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/node"
)

// sweepReport is what a sweep prints, a line of JSON.
type sweepReport struct {
	Resumed  int `json:"resumed"`  // erasures finished that somebody else had begun
	Erased   int `json:"erased"`   // customers erased because all that was kept of them was due
	Shed     int `json:"shed"`     // customers of whom something went while the rest stays
	Settled  int `json:"settled"`  // changes settled that had broken off
	Removed  int `json:"removed"`  // objects removed that nothing referred to
	Failures int `json:"failures"` // what could not be done now; the log names it
}

func sweepCommand() *cobra.Command {
	var file string
	var every time.Duration
	var restored bool
	var since day
	cmd := &cobra.Command{
		Use:   "sweep --config FILE",
		Short: "finish erasures, erase what is due, remove leftovers",
		Long: `Sweep finishes the erasures that servers began and may not finish, and those that
broke off; it erases what is due by the retention rules, and removes what broken-off
changes left. Run it each minute, by a timer or with --every 1m, beside any number of
servers and other sweeps.

It is the only one that destroys keys: give it credentials of its own, with the policies
deploy/vault/sweeper.hcl and deploy/s3/sweeper.json, and an audit.spool_file of its own.

It prints a line of JSON that counts what it did:
  resumed   erasures finished that somebody else had begun
  erased    customers erased because all that was kept of them was due
  shed      customers of whom something went while the rest stays
  settled   changes settled that had broken off
  removed   objects removed that nothing referred to
  failures  what could not be done now

After a backup of the store or of Vault was restored, --after-restore comes first: it puts
the receipts of erasures back that the store lacks, from their copies beside the audit
log, and destroys again what came back. Until then servers do not begin to serve, and
other sweeps end with exit code 7. --since DATE, the day of the backup, saves looking at
older erasures. Its line of JSON counts receipts, put_back, came_back, destroyed and
failures.

With --every it tells its metrics where the configuration's telemetry.listen says.

With failures it ends with exit code 11; the log, on standard error, names them,
and the next sweep tries them again. With --every it goes on and prints a line for each
sweep, until SIGTERM or SIGINT, and then ends with 0. Other exit codes: 2 wrong command
line or configuration; 7 Vault or the object store stayed away at the start.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return operate(cmd, file, every > 0, func(ctx context.Context, o operation) error {
				if restored {
					return sweepAfterRestore(ctx, cmd, o, since)
				}
				if every > 0 {
					return sweepOnAndOn(ctx, cmd, o, every)
				}
				return sweepOnce(ctx, cmd, o)
			})
		},
	}
	cmd.Flags().Var(&patience{&every}, "every", "go on, and sweep every `DURATION`, such as 1m")
	cmd.Flags().BoolVar(&restored, "after-restore", false, "destroy again what a restored backup brought back")
	cmd.Flags().Var(&since, "since", "with --after-restore: the `DATE` of the backup in UTC, YYYY-MM-DD")
	cmd.MarkFlagsMutuallyExclusive("after-restore", "every")
	return configFlag(cmd, &file)
}

// sweepOnce sweeps and prints its report.
func sweepOnce(ctx context.Context, cmd *cobra.Command, o operation) error {
	begun := time.Now()
	report, err := o.custodian.Sweep(ctx, custody.SweepOptions{
		Grace: o.config.Sweep.Grace, Recorder: o.events, Principal: operator(),
	})
	o.watched.Swept(report, time.Since(begun), err)
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(sweepReport(report)); printed != nil {
		return coded{printed, exitInternal}
	}
	if err != nil {
		return fmt.Errorf("the sweep broke off: %w", err)
	}
	if report.Failures > 0 {
		return coded{fmt.Errorf("%d things could not be done now; see the log", report.Failures), exitIncomplete}
	}
	return nil
}

// sweepOnAndOn sweeps until it is told to stop. A sweep that could not do all of
// it is no reason to end: the next one tries again.
func sweepOnAndOn(ctx context.Context, cmd *cobra.Command, o operation, every time.Duration) error {
	for timer := time.NewTimer(0); ; timer.Reset(every) {
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		var incomplete coded
		err := sweepOnce(ctx, cmd, o)
		switch {
		case err == nil, ctx.Err() != nil:
		case errors.As(err, &incomplete) && incomplete.code == exitInternal:
			return err // there is nobody left to report to
		default:
			o.log.WarnContext(ctx, "sweep incomplete", "reason", fault.ReasonOf(err), "cause", fault.Cause(err))
		}
	}
}

// closing closes the back ends when a command is done.
func closing(b *node.Backends, failed *error) {
	if err := b.Close(); *failed == nil {
		*failed = err
	}
}
