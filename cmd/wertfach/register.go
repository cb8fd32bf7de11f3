package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/cmd/wertfach/internal/apijson"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) artefactRegister() *cobra.Command {
	var customer, file string
	cmd := &cobra.Command{
		Use:   "register --customer NAME -f FILE",
		Short: "register an artefact, or several at once",
		Long: `Register registers the artefact in the file: one of bike, simCard, paymentCard, device
and document.

  {"label": "telephone", "simCard": {"iccid": "8949 0200 0000 0000 014", "puk": "12345678"}}

Several artefacts, [{...}, {...}] or {"artefacts": [{...}, {...}]}, are registered as a
whole or not at all, at most 100 at once. See "wertfach help files".

It prints what was registered, masked, with its name.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			v, err := c.read(ctx, file)
			if err != nil {
				return nil, err
			}
			if list, several := v.Elements("artefacts"); several {
				artefacts, err := readArtefacts(list)
				if err != nil {
					return nil, err
				}
				return vault.Artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{Parent: customer, Artefacts: artefacts})
			}
			artefact := &wertfachv1.Artefact{}
			if err := v.Into(artefact, "artefact."); err != nil {
				return nil, err
			}
			return vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: customer, Artefact: artefact})
		}),
	}
	return fileFlag(customerFlag(cmd, &customer), &file, "the artefact, or a list of artefacts,")
}

func readArtefacts(list []apijson.Value) ([]*wertfachv1.Artefact, error) {
	var artefacts []*wertfachv1.Artefact
	for i, v := range list {
		artefact := &wertfachv1.Artefact{}
		if err := v.Into(artefact, fmt.Sprintf("artefacts[%d].", i)); err != nil {
			return nil, err
		}
		artefacts = append(artefacts, artefact)
	}
	return artefacts, nil
}
