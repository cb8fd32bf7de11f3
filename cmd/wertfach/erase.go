package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) erase() *cobra.Command {
	cmd := &cobra.Command{Use: "erase", Short: "erase a customer at once: one privacy officer asks, another confirms"}
	cmd.AddCommand(c.eraseRequest(), c.eraseConfirm(), c.eraseCancel())
	return cmd
}

func (c *cli) eraseRequest() *cobra.Command {
	ground := &enum{descriptor: wertfachv1.ErasureRequest_Ground(0).Descriptor(), prefix: "GROUND_"}
	var reason string
	cmd := &cobra.Command{
		Use:   "request NAME --ground G --reason TEXT",
		Short: "ask for a customer to be erased",
		Long: `Request asks for a customer to be erased at once, on a ground of Art. 17(1) GDPR:

  ` + strings.Join(ground.names(), "\n  ") + `

Nothing happens until another privacy officer confirms it with "wertfach erase confirm";
after 30 days it lapses. It is refused where a hold, a restriction or a retention rule
stands against it; "wertfach retention explain" says which. The reason is kept for ever,
in the receipt, and must not name anyone.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			return vault.Lifecycle.RequestErasure(ctx, &wertfachv1.RequestErasureRequest{
				Name: args[0], Ground: wertfachv1.ErasureRequest_Ground(ground.number), Reason: reason,
			})
		}),
	}
	cmd.Flags().Var(ground, "ground", "on which ground: `G` of the list above")
	cmd.Flags().StringVar(&reason, "reason", "", "why, without naming anyone: `TEXT` up to 200 characters")
	return must(cmd, "ground", "reason")
}

func (c *cli) eraseConfirm() *cobra.Command {
	var reason, etag string
	cmd := &cobra.Command{
		Use:   "confirm NAME",
		Short: "have a customer erased whose erasure another officer has requested, for good",
		Long: `Confirm destroys the customer's key, and so everything that was sealed under it, here and
in every backup. NOTHING BRINGS IT BACK. It takes another privacy officer than the one
who asked for it.

It prints the receipt; "wertfach receipt get" fetches the signed file. Repeated, it gives
the same receipt. A customer who was enrolled anew meanwhile is out of its reach.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			return vault.Lifecycle.EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: args[0], Reason: reason, Etag: etag})
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why it is confirmed, without naming anyone: `TEXT` up to 200 characters, kept in the receipt")
	cmd.Flags().StringVar(&etag, "etag", "", "only if the customer is as when this `ETAG` was read")
	return cmd
}

func (c *cli) eraseCancel() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel NAME",
		Short: "take back a request that nobody has confirmed",
		Args:  takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			return vault.Lifecycle.CancelErasure(ctx, &wertfachv1.CancelErasureRequest{Name: args[0]})
		}),
	}
}
