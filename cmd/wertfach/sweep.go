package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/node"
)

// sweepReport is what a sweep prints, a line of JSON.
type sweepReport struct {
	Resumed  int `json:"resumed"`  // erasures finished that had broken off
	Erased   int `json:"erased"`   // customers erased because their contract had ended
	Settled  int `json:"settled"`  // changes settled that had broken off
	Removed  int `json:"removed"`  // objects removed that nothing referred to
	Failures int `json:"failures"` // what could not be done now; the log names it
}

func sweepCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "sweep --config FILE",
		Short: "finish erasures, erase what is due, remove leftovers",
		Long: `Sweep finishes erasures that broke off, erases the customers whose contract has
ended, and removes what broken-off changes left. Run it at least daily, beside any
number of servers and other sweeps.

It prints a line of JSON that counts what it did:
  resumed   erasures finished that had broken off
  erased    customers erased because their contract had ended
  settled   changes settled that had broken off
  removed   objects removed that nothing referred to
  failures  what could not be done now

With failures it ends with exit code 11; the log, on standard error, names them,
and the next sweep tries them again. Other exit codes: 2 wrong command line or
configuration; 7 Vault or the object store stayed away.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return sweep(cmd, file) },
	}
	return configFlag(cmd, &file)
}

func sweep(cmd *cobra.Command, file string) (failed error) {
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	var custodian *custody.Custodian
	b, err := node.Await(ctx, c, c.Log.Logger(cmd.ErrOrStderr()), func(ctx context.Context, b *node.Backends) (err error) {
		custodian, err = b.Custodian(ctx, nil)
		return err
	})
	if err != nil {
		return started(ctx, err)
	}
	defer closing(b, &failed)
	report, err := custodian.Sweep(ctx, custody.SweepOptions{Grace: c.Sweep.Grace})
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(sweepReport(report)); printed != nil {
		return printed
	}
	if err != nil {
		return fmt.Errorf("the sweep broke off: %w", err)
	}
	if report.Failures > 0 {
		return coded{fmt.Errorf("%d things could not be done now; see the log", report.Failures), exitIncomplete}
	}
	return nil
}

// closing closes the back ends when a command is done.
func closing(b *node.Backends, failed *error) {
	if err := b.Close(); *failed == nil {
		*failed = err
	}
}
