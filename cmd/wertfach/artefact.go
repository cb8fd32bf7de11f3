package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) artefact() *cobra.Command {
	cmd := &cobra.Command{Use: "artefact", Short: "what customers register"}
	cmd.AddCommand(c.artefactRegister(), c.artefactList(), c.artefactGet(), c.artefactUpdate(), c.artefactDelete(), c.artefactReveal())
	return cmd
}

// customerFlag adds --customer, which is needed.
func customerFlag(cmd *cobra.Command, customer *string) *cobra.Command {
	cmd.Flags().StringVar(customer, "customer", "", "the customer's `NAME`: institutes/musterbank/customers/4711")
	return must(cmd, "customer")
}

func (c *cli) artefactList() *cobra.Command {
	var customer string
	cmd, purpose := restrictedFlag(&cobra.Command{
		Use:   "list --customer NAME",
		Short: "list what a customer registered, masked",
		Args:  takes(),
	})
	cmd.RunE = c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
		list := &wertfachv1.ListArtefactsResponse{}
		for artefact, err := range vault.AllArtefacts(ctx, customer, client.ListRestricted(wertfachv1.RestrictedPurpose(purpose.number))) {
			if err != nil {
				return nil, err
			}
			list.Artefacts = append(list.Artefacts, artefact)
		}
		return list, nil
	})
	return customerFlag(cmd, &customer)
}

func (c *cli) artefactGet() *cobra.Command {
	cmd, purpose := restrictedFlag(&cobra.Command{
		Use:   "get NAME",
		Short: "print an artefact, masked",
		Args:  takes("NAME"),
	})
	cmd.RunE = c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
		return vault.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{
			Name: args[0], RestrictedPurpose: wertfachv1.RestrictedPurpose(purpose.number),
		})
	})
	return cmd
}

func (c *cli) artefactUpdate() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "update NAME -f FILE",
		Short: "change what stands in a file",
		Long: `Update changes the fields that stand in the file. One that stands there empty, as ""
or null, is cleared; what does not stand there stays. See "wertfach help files".

  {"simCard": {"puk": "87654321", "pin2": ""}}

It prints the artefact, masked.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			artefact := &wertfachv1.Artefact{}
			mask, err := c.readUpdate(ctx, file, args[0], artefact, "artefact.")
			if err != nil {
				return nil, err
			}
			artefact.Name = args[0]
			return vault.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{Artefact: artefact, UpdateMask: mask})
		}),
	}
	return fileFlag(cmd, &file, "the changes")
}

func (c *cli) artefactDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "remove an artefact with its secrets and scans",
		Args:  takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			_, err := vault.Artefacts.DeleteArtefact(ctx, &wertfachv1.DeleteArtefactRequest{Name: args[0]})
			return nil, err
		}),
	}
}
