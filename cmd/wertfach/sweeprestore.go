package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
)

// restoreReport is what a sweep after a restore prints, a line of JSON.
type restoreReport struct {
	Receipts  int `json:"receipts"`  // copies of receipts in the locked store that were looked at
	PutBack   int `json:"put_back"`  // receipts that the store lacked
	CameBack  int `json:"came_back"` // erased customers of whom something was there again
	Destroyed int `json:"destroyed"` // of them, those who are erased again
	Failures  int `json:"failures"`  // what could not be done now; the log names it
}

// sweepAfterRestore erases again what a backup brought back.
func sweepAfterRestore(ctx context.Context, cmd *cobra.Command, o operation, since day) error {
	report, err := o.custodian.AfterRestore(ctx, since.Time, custody.SweepOptions{
		Grace: o.config.Sweep.Grace, Recorder: o.events, Principal: operator(),
	})
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(restoreReport(report)); printed != nil {
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

// day is a flag with a day in UTC.
type day struct{ time.Time }

// Set takes YYYY-MM-DD.
func (d *day) Set(text string) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, text); err != nil {
		return fmt.Errorf("must be a day such as 2026-11-28")
	}
	return nil
}

// String gives it back.
func (d *day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// Type is what help calls it.
func (d *day) Type() string { return "DATE" }
