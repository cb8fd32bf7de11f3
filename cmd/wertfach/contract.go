package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) contract() *cobra.Command {
	cmd := &cobra.Command{Use: "contract", Short: "how a customer's contract ends"}
	cmd.AddCommand(c.contractTerminate(), c.contractCancel())
	return cmd
}

func (c *cli) contractTerminate() *cobra.Command {
	var customer, effective, reason string
	cmd := &cobra.Command{
		Use:   "terminate --customer NAME --effective DATE",
		Short: "fix the day on which a contract ends",
		Long: `Terminate fixes the first day on which the contract no longer stands: 2027-01-01 for a
contract to the end of 2026. Until then it can be cancelled. From then on nothing is
registered or revealed, and what is kept goes by the institute's retention rules: "wertfach
retention explain --terminate DATE" tells beforehand what on which day.

"today" ends the contract at once, and that can't be cancelled. It is the day that it is in
the institute's time zone.

It prints the customer, masked.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			req := &wertfachv1.TerminateContractRequest{Name: customer, EffectiveDate: effective, Reason: reason}
			var answer *wertfachv1.Customer
			err := c.onDay(&req.EffectiveDate, func() (err error) {
				answer, err = vault.Lifecycle.TerminateContract(ctx, req)
				return err
			})
			return answer, err
		}),
	}
	cmd.Flags().StringVar(&effective, "effective", "", "the first `DATE` without contract, YYYY-MM-DD or today")
	cmd.Flags().StringVar(&reason, "reason", "", "why, without naming anyone: `TEXT` up to 200 characters")
	return must(customerFlag(cmd, &customer), "effective")
}

// datePast is the rule that a day breaks which is over at the institute.
const datePast = "effective-date.past"

// onDay makes a call in whose request a day stands. Where that is "today" it is the
// day that it is at the institute, whose time zone only the server knows: the first
// day that the server does not call past, from the earliest that it can be anywhere
// (UTC-12) to the latest (UTC+14). To be refused changes nothing.
func (c *cli) onDay(date *string, call func() error) (err error) {
	if *date != "today" {
		return call()
	}
	earliest := c.now().UTC().Add(-12 * time.Hour)
	for day := range 3 {
		*date = earliest.AddDate(0, 0, day).Format(time.DateOnly)
		err = call()
		var refused *fault.Error
		if !errors.As(err, &refused) || len(refused.Violations) != 1 || refused.Violations[0].Rule != datePast {
			break
		}
	}
	return err
}

func (c *cli) contractCancel() *cobra.Command {
	var customer string
	cmd := &cobra.Command{
		Use:   "cancel --customer NAME",
		Short: "take back a termination whose day has not come",
		Args:  takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			return vault.Lifecycle.CancelTermination(ctx, &wertfachv1.CancelTerminationRequest{Name: customer})
		}),
	}
	return customerFlag(cmd, &customer)
}
