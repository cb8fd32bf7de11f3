package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// governing are the verbs of privacy officers that govern a customer's data. Each
// prints what it comes to, as "retention explain" does.
func (c *cli) governing() []*cobra.Command {
	return []*cobra.Command{c.restrict(), c.lift(), c.hold(), c.release()}
}

func (c *cli) restrict() *cobra.Command {
	ground := &enum{descriptor: wertfachv1.Restriction_Ground(0).Descriptor(), prefix: "GROUND_"}
	var customer string
	cmd := &cobra.Command{
		Use:   "restrict --customer NAME --ground G",
		Short: "restrict the processing of a customer's data",
		Long: `Restrict has a customer's data kept and nothing else done with it (Art. 18 GDPR): only
privacy officers read it, with --restricted-purpose, and nothing of it is changed, revealed
or erased, by rule either, until "wertfach lift". The grounds are those of Art. 18(1):

  ` + strings.Join(ground.names(), "\n  ") + `

It prints what then goes when, as "wertfach retention explain" does.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			return vault.Lifecycle.RestrictProcessing(ctx, &wertfachv1.RestrictProcessingRequest{
				Name: customer, Ground: wertfachv1.Restriction_Ground(ground.number),
			})
		}),
	}
	cmd.Flags().Var(ground, "ground", "on which ground: `G` of the list above")
	return must(customerFlag(cmd, &customer), "ground")
}

func (c *cli) lift() *cobra.Command {
	var customer string
	var told instant
	cmd := &cobra.Command{
		Use:   "lift --customer NAME --customer-told TIME",
		Short: "lift a restriction of processing",
		Long: `Lift ends the restriction of a customer's data. The customer must have been told before
(Art. 18(3) GDPR): TIME is when, after the restriction and not in the future. It is a day,
2026-11-22, or a moment, 2026-11-22T08:30:00Z, both UTC where no other zone is given, or how
long ago: 90m, 24h. What fell due meanwhile goes with the next sweep.

It prints what then goes when, as "wertfach retention explain" does.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			answer, err := vault.Lifecycle.LiftRestriction(ctx, &wertfachv1.LiftRestrictionRequest{
				Name: customer, CustomerToldTime: timestamppb.New(told.at(c.now())),
			})
			return answer, inFlag(err, "customer_told_time", "--customer-told")
		}),
	}
	cmd.Flags().Var(&told, "customer-told", "the `TIME` when the customer was told")
	return must(customerFlag(cmd, &customer), "customer-told")
}

func (c *cli) hold() *cobra.Command {
	kind := &enum{descriptor: wertfachv1.Hold_Kind(0).Descriptor(), prefix: "KIND_"}
	req := &wertfachv1.PlaceHoldRequest{}
	cmd := &cobra.Command{
		Use:   "hold --customer NAME --kind K --reason TEXT [--until DATE]",
		Short: "keep a customer's data from being erased",
		Long: `Hold keeps a customer's data from being erased, by whatever rule or request, until
"wertfach release", or the day that is given. The kinds are:

  ` + strings.Join(kind.names(), "\n  ") + `

One for a titled claim without a day lasts as long as the institute's rule for those says.

It prints what then goes when, as "wertfach retention explain" does, with the hold's id.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			req.Kind = wertfachv1.Hold_Kind(kind.number)
			answer, err := vault.Lifecycle.PlaceHold(ctx, req)
			return answer, inFlag(inFlag(err, "until_date", "--until"), "reason", "--reason")
		}),
	}
	cmd.Flags().Var(kind, "kind", "what it is for: `K` of the list above")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "why, without naming anyone, such as the number of the case: `TEXT` up to 200 characters")
	cmd.Flags().StringVar(&req.UntilDate, "until", "", "the first `DATE` on which it holds no more, YYYY-MM-DD, after today")
	return must(customerFlag(cmd, &req.Name), "kind", "reason")
}

func (c *cli) release() *cobra.Command {
	req := &wertfachv1.ReleaseHoldRequest{}
	cmd := &cobra.Command{
		Use:   "release --customer NAME --hold ID",
		Short: "release a hold",
		Long: `Release ends a hold, whose id "wertfach retention explain" shows. What fell due
meanwhile goes with the next sweep, and is gone for good then.

It prints what then goes when, as "wertfach retention explain" does.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			answer, err := vault.Lifecycle.ReleaseHold(ctx, req)
			return answer, inFlag(err, "hold_id", "--hold")
		}),
	}
	cmd.Flags().StringVar(&req.HoldId, "hold", "", "the hold's `ID`")
	return must(customerFlag(cmd, &req.Name), "hold")
}

// restrictedFlag adds --restricted-purpose to a verb that reads.
func restrictedFlag(cmd *cobra.Command) (*cobra.Command, *enum) {
	purpose := &enum{descriptor: wertfachv1.RestrictedPurpose(0).Descriptor(), prefix: "RESTRICTED_PURPOSE_"}
	cmd.Flags().Var(purpose, "restricted-purpose", "read restricted data, as a privacy officer, for the purpose `P` of Art. 18(2) GDPR:\n"+
		strings.Join(purpose.names(), ", "))
	return cmd, purpose
}
