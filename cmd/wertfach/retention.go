package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) retention() *cobra.Command {
	cmd := &cobra.Command{Use: "retention", Short: "what of a customer's data goes when"}
	cmd.AddCommand(c.retentionExplain())
	return cmd
}

func (c *cli) retentionExplain() *cobra.Command {
	req := &wertfachv1.ExplainRetentionRequest{}
	cmd := &cobra.Command{
		Use:   "explain --customer NAME [--terminate DATE]",
		Short: "say what goes on which day, by which rule, and what stands against it",
		Long: `Explain says what is held of a customer, by class of data, and the first day without it,
with the rule and its legal basis; and what stands against it: restrictions and holds. It
shows no data and changes nothing. -o table is for reading.

With --terminate it explains it as if the contract ended so: the DATE is the first day
without contract, or today, as for "wertfach contract terminate".`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			var answer *wertfachv1.Retention
			err := c.onDay(&req.EffectiveDate, func() (err error) {
				answer, err = vault.Lifecycle.ExplainRetention(ctx, req)
				return err
			})
			if err != nil {
				return nil, inFlag(err, "effective_date", "--terminate")
			}
			return answer, nil
		}),
	}
	cmd.Flags().StringVar(&req.EffectiveDate, "terminate", "", "as if the contract ended: the first `DATE` without it, YYYY-MM-DD or today")
	return customerFlag(cmd, &req.Name)
}

// printRetention writes what goes when as a table for reading, and below it what
// governs that.
func (c *cli) printRetention(r *wertfachv1.Retention) error {
	err := c.table(func(row func(...string)) {
		row("CONTRACT", "CLASS", "KIND", "COUNT", "GOES ON", "RULE", "BASIS")
		for _, h := range r.GetHoldings() {
			contract := "present"
			if h.GetFormerEffectiveDate() != "" {
				contract = "ended " + h.GetFormerEffectiveDate()
			}
			row(contract, h.GetClass(), cmp.Or(h.GetKind(), "-"), fmt.Sprint(h.GetCount()), cmp.Or(h.GetDueDate(), "-"),
				strings.Join(nonEmpty(h.GetAnchor(), h.GetPeriod(), h.GetAlignment()), " "), cmp.Or(h.GetBasis(), "-"))
		}
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.stdout); err != nil {
		return err
	}
	return c.table(func(row func(...string)) {
		row("contract", contractLine(r.GetContract()))
		for _, s := range r.GetRestrictions() {
			row("restriction", restrictionLine(s))
		}
		for _, h := range r.GetHolds() {
			row("hold "+h.GetId(), holdLine(h))
		}
		for _, recipient := range r.GetRecipients() {
			row("to be told", recipient)
		}
		if r.GetErasureRequest() != nil {
			row("erasure requested", requestLine(r.GetErasureRequest()))
		}
		row("next something goes", cmp.Or(r.GetNextDate(), "-"))
		row("nothing is left", cmp.Or(r.GetEraseDate(), "-"))
	})
}

func contractLine(contract *wertfachv1.Contract) string {
	state := shortName(contract.GetState().Descriptor(), contract.GetState().Number(), "STATE_")
	if contract.GetEffectiveDate() == "" {
		return state
	}
	return state + ", first day without: " + contract.GetEffectiveDate()
}

func restrictionLine(r *wertfachv1.Restriction) string {
	ground := shortName(r.GetGround().Descriptor(), r.GetGround().Number(), "GROUND_")
	return ground + ", " + span(r.GetCreateTime(), "lifted", r.GetLiftTime())
}

func holdLine(h *wertfachv1.Hold) string {
	kind := shortName(h.GetKind().Descriptor(), h.GetKind().Number(), "KIND_")
	until := "until it is released"
	if h.GetUntilDate() != "" {
		until = "first day without: " + h.GetUntilDate()
	}
	return strings.Join(nonEmpty(kind, h.GetReason(), until, span(h.GetCreateTime(), "released", h.GetReleaseTime())), ", ")
}

func requestLine(r *wertfachv1.ErasureRequest) string {
	ground := shortName(r.GetGround().Descriptor(), r.GetGround().Number(), "GROUND_")
	return strings.Join(nonEmpty(ground, r.GetReason(), "by "+r.GetRequestedBy(), "lapses "+shownTime(r.GetLapseTime())), ", ")
}

// span says since when something is in force, or how long it was.
func span(begun *timestamppb.Timestamp, ended string, end *timestamppb.Timestamp) string {
	if end == nil {
		return "since " + shownTime(begun)
	}
	return "since " + shownTime(begun) + ", " + ended + " " + shownTime(end)
}
