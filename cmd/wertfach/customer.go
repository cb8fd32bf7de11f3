package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) customer() *cobra.Command {
	cmd := &cobra.Command{Use: "customer", Short: "who a customer is and what was booked"}
	cmd.AddCommand(c.customerEnrol(), c.customerGet(), c.customerUpdate())
	return cmd
}

func (c *cli) customerEnrol() *cobra.Command {
	var file string
	var returning bool
	cmd := &cobra.Command{
		Use:   "enrol -f FILE [--returning]",
		Short: "open a dossier for a new customer",
		Long: `Enrol opens a dossier, under a key of its own, for the customer in the file. The
customer's name in it says which institute's, and under which number:

  {"name": "institutes/musterbank/customers/4711", "familyName": "Muster", "dateOfBirth":
   "1984-05-17", "iban": "DE89 3704 0044 0532 0130 00", "address": {"postalCode": "10115"},
   "services": ["SERVICE_SIM_CARD_PROTECTION"]}

See "wertfach help files". It prints the customer, masked.

Where something of a contract that has ended must still be kept of the customer, it is
refused ([FORMER_CONTRACT_KEPT]). With --returning a new contract begins, and what is
kept of the former one stays restricted until its day.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			v, err := c.read(ctx, file)
			if err != nil {
				return nil, err
			}
			customer := &wertfachv1.Customer{}
			if err := v.Into(customer, "customer."); err != nil {
				return nil, err
			}
			name, err := resource.ParseCustomer("customer.name", customer.GetName())
			if err != nil {
				return nil, err
			}
			customer.Name = "" // the API wants it in two parts
			return vault.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
				Parent: name.Institute.String(), CustomerId: name.ID, Customer: customer, Returning: returning,
			})
		}),
	}
	cmd.Flags().BoolVar(&returning, "returning", false, "enrol also a customer of whom a former contract is kept")
	return fileFlag(cmd, &file, "the customer")
}

func (c *cli) customerGet() *cobra.Command {
	cmd, purpose := restrictedFlag(&cobra.Command{
		Use:   "get NAME",
		Short: "print a customer, masked",
		Args:  takes("NAME"),
	})
	cmd.RunE = c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
		return vault.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{
			Name: args[0], RestrictedPurpose: wertfachv1.RestrictedPurpose(purpose.number),
		})
	})
	return cmd
}

func (c *cli) customerUpdate() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "update NAME -f FILE",
		Short: "change what stands in a file",
		Long: `Update changes the fields that stand in the file. One that stands there empty, as ""
or null, is cleared; what does not stand there stays. See "wertfach help files". Services
are withdrawn by "wertfach service withdraw".

  {"email": "anna@example.com", "address": {"street": "Lindenallee 8", "supplement": ""}}

It prints the customer, masked.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			customer := &wertfachv1.Customer{}
			mask, err := c.readUpdate(ctx, file, args[0], customer, "customer.")
			if err != nil {
				return nil, err
			}
			customer.Name = args[0]
			return vault.Customers.UpdateCustomer(ctx, &wertfachv1.UpdateCustomerRequest{Customer: customer, UpdateMask: mask})
		}),
	}
	return fileFlag(cmd, &file, "the changes")
}
