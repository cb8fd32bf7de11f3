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
	// OldestDue is since when something is due that could not be done, YYYY-MM-DD.
	OldestDue string `json:"oldest_due,omitempty"`
}

func reportOf(r custody.SweepReport) sweepReport {
	return sweepReport{
		Resumed: r.Resumed, Erased: r.Erased, Shed: r.Shed, Settled: r.Settled, Removed: r.Removed, Failures: r.Failures,
		OldestDue: string(r.OldestDue),
	}
}

// dryReport is what a dry run prints, a line of JSON.
type dryReport struct {
	DryRun bool `json:"dry_run"` // nothing of it was done
	sweepReport
	Classes map[string]int `json:"classes"` // what would go, by class of data
}

func sweepCommand() *cobra.Command {
	var file string
	var every time.Duration
	var restored, dry bool
	var since day
	cmd := &cobra.Command{
		Use:   "sweep --config FILE",
		Short: "finish erasures, erase what is due, remove leftovers",
		Long: `Sweep finishes the erasures that servers began and may not finish, and those that
broke off; it erases what is due by the retention rules, and removes what broken-off
changes left. Run it each minute, by a timer or with --every 1m, beside any number of
servers and other sweeps: no two do the same.

It is the only one that destroys keys: give it credentials of its own, with the policies
deploy/vault/sweeper.hcl and deploy/s3/sweeper.json, and an audit.spool_file of its own.

It prints a line of JSON that counts what it did:
  resumed   erasures finished that somebody else had begun
  erased    customers erased because all that was kept of them was due
  shed      customers of whom something went while the rest stays
  settled   changes settled that had broken off
  removed   objects removed that nothing referred to
  failures  what could not be done now
  oldest_due  since when something is due that could not be done; not there if nothing is

With --dry-run it only says what a sweep would do: it writes nothing, destroys nothing and
leaves no record, and works beside a sweeper with the same configuration. The line has
oldest_due of all that is due, and two more:
  dry_run   true
  classes   what would go, by class of data: secrets, artefacts.bike, identity-copies.document,
            customer for each that would be erased

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
			if restored && (dry || every > 0) {
				return usageError{errors.New("--after-restore goes with neither --dry-run nor --every")}
			}
			if dry && every > 0 {
				return usageError{errors.New("--dry-run and --every don't go together")}
			}
			return operate(cmd, file, manner{lasts: every > 0, unrecorded: dry}, func(ctx context.Context, o operation) error {
				if restored {
					return sweepAfterRestore(ctx, cmd, o, since)
				}
				if every > 0 {
					return sweepOnAndOn(ctx, cmd, o, every)
				}
				if dry {
					return sweepDry(ctx, cmd, o)
				}
				bar := watch(cmd, "sweeping")
				defer bar.end()
				return sweepOnce(ctx, cmd, o, bar.show)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what a sweep would do")
	cmd.Flags().Var(&patience{&every}, "every", "go on, and sweep every `DURATION`, such as 1m")
	cmd.Flags().BoolVar(&restored, "after-restore", false, "destroy again what a restored backup brought back")
	cmd.Flags().Var(&since, "since", "with --after-restore: the `DATE` of the backup in UTC, YYYY-MM-DD")
	return configFlag(cmd, &file)
}

// sweepOnce sweeps and prints its report.
func sweepOnce(ctx context.Context, cmd *cobra.Command, o operation, progress func(done, total int)) error {
	begun := time.Now()
	report, err := o.custodian.Sweep(ctx, custody.SweepOptions{
		Grace: o.config.Sweep.Grace, Recorder: o.events, Principal: operator(), Progress: progress,
	})
	o.watched.Swept(report, time.Since(begun), err)
	return swept(cmd, reportOf(report), report.Failures, err)
}

// sweepDry says what a sweep would do.
func sweepDry(ctx context.Context, cmd *cobra.Command, o operation) error {
	bar := watch(cmd, "looking")
	report, err := o.custodian.Sweep(ctx, custody.SweepOptions{Grace: o.config.Sweep.Grace, DryRun: true, Progress: bar.show})
	bar.end()
	out := dryReport{DryRun: true, sweepReport: reportOf(report), Classes: map[string]int{}}
	if report.Found != nil {
		out.Classes = report.Found.Classes
	}
	return swept(cmd, out, report.Failures, err)
}

// swept prints a report and says how the command ends.
func swept(cmd *cobra.Command, report any, failures int, err error) error {
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(report); printed != nil {
		return coded{printed, exitInternal}
	}
	if err != nil {
		return fmt.Errorf("the sweep broke off: %w", err)
	}
	if failures > 0 {
		return coded{fmt.Errorf("%d things could not be done now; see the log", failures), exitIncomplete}
	}
	return nil
}

// sweepOnAndOn sweeps until it is told to stop. A sweep that could not do all of
// it is no reason to end: the next one tries again.
func sweepOnAndOn(ctx context.Context, cmd *cobra.Command, o operation, every time.Duration) error {
	return node.Again(ctx, every, func(ctx context.Context) error {
		var incomplete coded
		err := sweepOnce(ctx, cmd, o, nil)
		switch {
		case err == nil, ctx.Err() != nil:
		case errors.As(err, &incomplete) && incomplete.code == exitInternal:
			return err // there is nobody left to report to
		default:
			o.log.WarnContext(ctx, "sweep incomplete", "reason", fault.ReasonOf(err), "cause", fault.Cause(err))
		}
		return nil
	})
}

// closing closes the back ends when a command is done.
func closing(b *node.Backends, failed *error) {
	if err := b.Close(); *failed == nil {
		*failed = err
	}
}
