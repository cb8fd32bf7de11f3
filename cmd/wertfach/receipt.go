package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// maxReceipt bounds a receipt or key file, in bytes.
const maxReceipt = 1 << 20

func (c *cli) receipt() *cobra.Command {
	cmd := &cobra.Command{Use: "receipt", Short: "the signed evidence of an erasure"}
	cmd.AddCommand(c.receiptGet(), c.receiptList(), c.receiptVerify())
	return cmd
}

func (c *cli) receiptGet() *cobra.Command {
	var out outFile
	cmd := &cobra.Command{
		Use:   "get NAME --out FILE",
		Short: "fetch a signed receipt",
		Long: `Get writes the signed receipt to the file and prints what it says. The signature is
checked by "wertfach receipt verify", which needs no server.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			return out.write(c, func(w io.Writer) (proto.Message, error) {
				answer, err := vault.Lifecycle.GetErasureReceipt(ctx, &wertfachv1.GetErasureReceiptRequest{Name: args[0]})
				if err != nil {
					return nil, err
				}
				_, err = w.Write(answer.GetEnvelope())
				answer.Envelope = nil // it is in the file
				return answer, err
			})
		}),
	}
	return out.flags(cmd, "the receipt")
}

func (c *cli) receiptList() *cobra.Command {
	var parent string
	cmd := &cobra.Command{
		Use:   "list --parent INSTITUTE",
		Short: "list the receipts of an institute",
		Long: `List prints what the receipts of an institute say, in the order of their names. A receipt
does not tell whose it is.`,
		Args: takes(),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			all, req := &wertfachv1.ListErasureReceiptsResponse{}, &wertfachv1.ListErasureReceiptsRequest{Parent: parent}
			for {
				page, err := vault.Lifecycle.ListErasureReceipts(ctx, req)
				if err != nil {
					return nil, inFlag(err, "parent", "--parent")
				}
				for _, r := range page.GetReceipts() {
					r.Envelope = nil // "receipt get" fetches it
					all.Receipts = append(all.Receipts, r)
				}
				if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
					return all, nil
				}
			}
		}),
	}
	cmd.Flags().StringVar(&parent, "parent", "", "the institute's `NAME`: institutes/musterbank")
	return must(cmd, "parent")
}

func (c *cli) receiptVerify() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE --key FILE",
		Short: "check a receipt's signature, without a server",
		Long: `Verify checks that the receipt was signed by one of the keys in the key file, PEM as
"wertfach init --keys-out" and "wertfach dev" write it, and prints what it states. Where
it was not, it prints nothing and ends with exit code 10. It talks to no server.`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := c.contentOf(cmd.Context(), args[0], maxReceipt)
			if err != nil {
				return err
			}
			keys, err := c.publicKeys(cmd.Context(), key)
			if err != nil {
				return err
			}
			statement, err := receipt.Verify(file, keys)
			if err != nil {
				return err
			}
			return c.printStatement(statement)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public keys, PEM, in `FILE`")
	return must(cmd, "key")
}

// publicKeys reads the keys that verify receipts and the audit log.
func (c *cli) publicKeys(ctx context.Context, file string) ([]ed25519.PublicKey, error) {
	content, err := c.contentOf(ctx, file, maxReceipt)
	if err != nil {
		return nil, err
	}
	keys, err := receipt.ParseKeys(content)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "KEY_FILE", err.Error())
	}
	return keys, nil
}

func (c *cli) printStatement(s receipt.Statement) error {
	if c.output != "table" {
		out := json.NewEncoder(c.stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	return c.table(func(row func(...string)) {
		row("receipt", s.Receipt)
		row("key_name", s.KeyName)
		row("key_version", fmt.Sprint(s.KeyVersion))
		for _, kind := range slices.Sorted(maps.Keys(s.Destroyed)) {
			row("destroyed."+kind, fmt.Sprint(s.Destroyed[kind]))
		}
		row("policy", s.Policy)
		row("reason", s.Reason)
		row("requested_time", s.Requested.Format(time.RFC3339))
		row("key_destroyed_time", s.KeyDestroyed.Format(time.RFC3339))
		row("completed_time", s.Completed.Format(time.RFC3339))
	})
}
