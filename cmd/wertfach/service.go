package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) service() *cobra.Command {
	cmd := &cobra.Command{Use: "service", Short: "what a customer has booked"}
	cmd.AddCommand(c.serviceWithdraw())
	return cmd
}

func (c *cli) serviceWithdraw() *cobra.Command {
	service := &enum{descriptor: wertfachv1.Service(0).Descriptor(), prefix: "SERVICE_"}
	var customer string
	cmd := &cobra.Command{
		Use:   "withdraw --customer NAME --service S",
		Short: "end one service; all its data goes, the others stay",
		Long: `Withdraw ends one service of a customer. ALL DATA OF THAT SERVICE GOES with the same
step; the other services stay. The services are:

  ` + strings.Join(service.names(), "\n  ") + `

It prints the customer, masked.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			return withdraw(ctx, vault, customer, wertfachv1.Service(service.number))
		}),
	}
	cmd.Flags().Var(service, "service", "the service `S` of the list above")
	return must(customerFlag(cmd, &customer), "service")
}

// withdraw takes a service from a customer. Where somebody changes the customer
// between the two calls that it needs, it begins again, once.
func withdraw(ctx context.Context, vault *client.Client, name string, service wertfachv1.Service) (*wertfachv1.Customer, error) {
	customer, err := withdrawOnce(ctx, vault, name, service)
	if fault.ReasonOf(err) == custody.ReasonStaleETag {
		return withdrawOnce(ctx, vault, name, service)
	}
	return customer, err
}

// withdrawOnce takes a service out of the set that the customer has now.
func withdrawOnce(ctx context.Context, vault *client.Client, name string, service wertfachv1.Service) (*wertfachv1.Customer, error) {
	customer, err := vault.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: name})
	if err != nil {
		return nil, err
	}
	if !slices.Contains(customer.GetServices(), service) {
		return nil, fault.New(fault.Precondition, custody.ReasonServiceNotBooked, "the customer does not have this service")
	}
	left := slices.DeleteFunc(customer.GetServices(), func(s wertfachv1.Service) bool { return s == service })
	return vault.Customers.SetServices(ctx, &wertfachv1.SetServicesRequest{Name: name, Services: left, Etag: customer.GetEtag()})
}
