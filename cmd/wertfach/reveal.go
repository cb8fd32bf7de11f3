package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) artefactReveal() *cobra.Command {
	purpose := &enum{descriptor: wertfachv1.RevealPurpose(0).Descriptor(), prefix: "REVEAL_PURPOSE_"}
	var fields []string
	cmd := &cobra.Command{
		Use:   "reveal NAME --purpose P",
		Short: "print an artefact with its secrets in clear",
		Long: `Reveal prints the artefact with its secrets in clear, for a purpose:

  ` + strings.Join(purpose.names(), "\n  ") + `

Ask for no more than the purpose needs: --field sim_card.puk reveals the PUK and leaves
the rest masked. It may stand several times.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			req := &wertfachv1.RevealArtefactRequest{Name: args[0], Purpose: wertfachv1.RevealPurpose(purpose.number)}
			if len(fields) > 0 {
				req.Fields = &fieldmaskpb.FieldMask{Paths: schemaPaths((*wertfachv1.Artefact)(nil), fields)}
			}
			artefact, err := vault.Artefacts.RevealArtefact(ctx, req)
			return artefact, inFlag(err, "fields", "--field")
		}),
	}
	cmd.Flags().Var(purpose, "purpose", "what the secrets are needed for: `P` of the list above")
	cmd.Flags().StringSliceVar(&fields, "field", nil, "reveal only the `FIELD`, such as sim_card.puk")
	return must(cmd, "purpose")
}

// schemaPaths writes paths in the names of the schema where they are in those of
// JSON: simCard.puk is sim_card.puk. What is unknown stays for the server to
// judge.
func schemaPaths(m proto.Message, paths []string) []string {
	var all []string
	for _, path := range paths {
		md := m.ProtoReflect().Descriptor()
		parts := strings.Split(path, ".")
		for i, part := range parts {
			if md == nil {
				break
			}
			fd := md.Fields().ByJSONName(part)
			if fd == nil {
				fd = md.Fields().ByName(protoreflect.Name(part))
			}
			if fd == nil {
				break
			}
			parts[i], md = string(fd.Name()), fd.Message()
		}
		all = append(all, strings.Join(parts, "."))
	}
	return all
}
