package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody/fault"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "rotate the keys of customers and of the look-up index",
		Long: `Keys gives keys new versions and moves everything under them, while servers go on.
Both commands can be ended at any time and repeated: they go on where they stood.`,
	}
	cmd.AddCommand(rotateCommand(), rotateIndexCommand())
	return cmd
}

// printReport prints a report as a line of JSON and says how the command ends.
func printReport(cmd *cobra.Command, report any, failed int, err error) error {
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(report); printed != nil {
		return printed
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err // a person has stopped it
	case slices.Contains([]fault.Kind{fault.NotFound, fault.Invalid, fault.Precondition}, fault.KindOf(err)):
		return err // to repeat it would not help
	case err != nil:
		return fmt.Errorf("it broke off, and goes on where it stood when it is repeated: %w", err)
	case failed > 0:
		return coded{fmt.Errorf("not complete: what could not be done now is in the log, by pseudonym, and is tried again when it is repeated (%d)", failed), exitIncomplete}
	}
	return nil
}

// moment is a time in a report; empty where it is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
