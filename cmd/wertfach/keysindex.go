package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
)

// indexReport is what a rotation of the index prints, a line of JSON.
type indexReport struct {
	Total     int            `json:"total"`     // dossiers that there were
	Done      int            `json:"done"`      // dossiers whose pointers are under the new version
	Rewritten int            `json:"rewritten"` // dossiers whose pointers were written anew
	Removed   int            `json:"removed"`   // pointers removed that nothing referred to
	Skipped   int            `json:"skipped"`   // customers who are gone
	Failures  map[string]int `json:"failures"`  // what keeps the old version, by reason
	Complete  bool           `json:"complete"`  // the old version is dropped
}

func rotateIndexCommand() *cobra.Command {
	var file string
	var grace time.Duration
	rate := 50
	cmd := &cobra.Command{
		Use:   "rotate-index --config FILE",
		Short: "rotate the secret behind look-ups, and write all pointers anew",
		Long: `Rotate-index gives the secret behind blind indexes a new version, writes the pointers
of all dossiers anew under it, and drops the old version. Servers go on meanwhile and
find everybody all the time. Pseudonyms, and so the names of objects and keys, stay.

It waits twice for --grace, so that every server has heard of a step before the next.
Ended or broken off, it goes on where it stood when it is repeated. Beginning and end
are events in the audit log; the process needs an audit.spool_file of its own.

It prints a line of JSON that counts what it did:
  total      dossiers that there were
  done       dossiers whose pointers are under the new version
  rewritten  dossiers whose pointers were written anew
  removed    pointers removed that nothing referred to
  skipped    customers who are gone
  failures   what keeps the old version, by reason: damaged dossiers, erasures that a
             sweep has yet to finish, pointers of an institute that is not configured
  complete   the old version is dropped

Exit codes: 0 done; 2 wrong command line or configuration; 7 Vault, the object store or
the audit log stayed away; 11 with failures, which the log names by pseudonym: the old
version stays and serves until it is repeated; 130 interrupted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return operate(cmd, file, manner{}, func(ctx context.Context, o operation) error {
				bar := watch(cmd, "writing pointers anew")
				r, err := o.custodian.RotateIndex(ctx, custody.IndexOptions{
					Grace: grace, Rate: rate, Recorder: o.events, Principal: operator(), Progress: bar.show,
				})
				bar.end()
				return printReport(cmd, indexReport(r), r.Failed(), err)
			})
		},
	}
	cmd.Flags().Var(perSecond{&rate}, "rate", "look at `N/s` dossiers a second at most")
	cmd.Flags().DurationVar(&grace, "grace", 5*time.Minute, "wait so long for servers to learn of a step; less than calls.timeout\nand a minute is safe only where no server runs")
	return configFlag(cmd, &file)
}
