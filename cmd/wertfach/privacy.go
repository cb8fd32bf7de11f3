package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) privacy() *cobra.Command {
	cmd := &cobra.Command{Use: "privacy", Short: "what a customer has a right to know (GDPR)"}
	cmd.AddCommand(c.privacyExport(), c.privacyAccesses(), c.privacyDisclosures(), c.privacyDisclose())
	return cmd
}

func (c *cli) privacyExport() *cobra.Command {
	var out outFile
	var from instant
	var restricted *enum
	req := &wertfachv1.ExportCustomerRequest{}
	purpose := &enum{descriptor: wertfachv1.ExportPurpose(0).Descriptor(), prefix: "EXPORT_PURPOSE_", number: wertfachv1.ExportPurpose_EXPORT_PURPOSE_ACCESS.Number()}
	cmd := &cobra.Command{
		Use:   "export NAME --out FILE",
		Short: "fetch all that is held of a customer, for the customer",
		Long: `Export writes a ZIP archive of all that is held of a customer, to be handed to the
customer (Art. 15 and 20 GDPR), and prints its size and SHA-256. The file is there once it
is whole; where that fails, nothing is left. That it was given out is recorded.

PINs, PUKs, card numbers and logins are masked in it. Privacy officers get them with
--secrets. docs/export.md says what is in the archive.`,
		Args: takes("NAME"),
		RunE: c.asksWithin(transferTimeout, func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			req.Name, req.Purpose = args[0], wertfachv1.ExportPurpose(purpose.number)
			req.RestrictedPurpose = wertfachv1.RestrictedPurpose(restricted.number)
			if from.given() {
				req.AccessStartTime = timestamppb.New(from.at(c.now()))
			}
			return out.write(c, func(w io.Writer) (proto.Message, error) {
				bar := c.progress(filepath.Base(out.path))
				defer bar.end()
				bar.begin(-1)
				summary, err := vault.Export(ctx, req, io.MultiWriter(w, bar))
				return summary, inFlag(inFlag(err, "access_start_time", "--from"), "purpose", "--purpose")
			})
		}),
	}
	_, restricted = restrictedFlag(cmd)
	cmd.Flags().BoolVar(&req.IncludeSecrets, "secrets", false, "with PINs, PUKs, card numbers and logins in clear; for privacy officers")
	cmd.Flags().Var(purpose, "purpose", "what it is given out for: `P` is "+strings.Join(purpose.names(), " or "))
	cmd.Flags().Var(&from, "from", "tell who looked at the data from this `TIME` on; 90 days where not given")
	return out.flags(cmd, "the archive")
}

func (c *cli) privacyAccesses() *cobra.Command {
	req := &wertfachv1.ListAccessesRequest{}
	var from, to instant
	var restricted *enum
	_ = from.Set(accessesBack) // which it is a value of
	limit := 1000
	cmd := &cobra.Command{
		Use:   "accesses NAME",
		Short: "list who looked at a customer's data",
		Long: `Accesses prints who had access to a customer's data from one time to another (the last 30
days where nothing is said), what for, and what was given out. Portals see in which role
that was, privacy officers who it was. That you read it is on record too. An access is
there a second or so after its call. See "wertfach audit list" for what a TIME is.`,
		Args: takes("NAME"),
		RunE: c.asksWithin(transferTimeout, func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			req.Parent, req.StartTime = args[0], timestamppb.New(from.at(c.now()))
			req.RestrictedPurpose = wertfachv1.RestrictedPurpose(restricted.number)
			if to.given() {
				req.EndTime = timestamppb.New(to.at(c.now()))
			}
			return c.allAccesses(ctx, vault, req, limit)
		}),
	}
	_, restricted = restrictedFlag(cmd)
	cmd.Flags().Var(&from, "from", "the first `TIME` that counts")
	cmd.Flags().Var(&to, "to", "the first `TIME` that does not count any more; now where not given")
	cmd.Flags().Var(&number{&limit}, "limit", "print at most `N` accesses")
	return cmd
}

// accessesBack is how far back accesses are listed where nothing is said: 30 days.
const accessesBack = "720h"

// allAccesses fetches page after page, of which some may be empty.
func (c *cli) allAccesses(ctx context.Context, vault *client.Client, req *wertfachv1.ListAccessesRequest, limit int) (proto.Message, error) {
	list := &wertfachv1.ListAccessesResponse{}
	for {
		req.PageSize = int32(min(limit-len(list.Accesses), eventsAtOnce))
		page, err := vault.Privacy.ListAccesses(ctx, req)
		if err != nil {
			return nil, inFlag(inFlag(inFlag(err, "start_time", "--from"), "end_time", "--to"), "parent", "NAME")
		}
		list.Damaged = list.Damaged || page.GetDamaged()
		list.Accesses = append(list.Accesses, page.GetAccesses()...)
		req.PageToken = page.GetNextPageToken()
		if req.PageToken != "" && len(list.Accesses) < limit {
			continue
		}
		if req.PageToken != "" {
			fmt.Fprintf(c.stderr, "wertfach: there may be more than these %d accesses; see --limit and --from\n", limit)
		}
		if list.Damaged {
			fmt.Fprintln(c.stderr, "wertfach: something in that time is no valid segment of the log and was left out; see \"wertfach audit verify\"")
		}
		return list, nil
	}
}

func (c *cli) privacyDisclosures() *cobra.Command {
	var restricted *enum
	cmd := &cobra.Command{
		Use:   "disclosures NAME",
		Short: "list to whom a customer's data was passed on",
		Long: `Disclosures prints to whom something of a customer's data was passed on, and who is to be
told of a rectification: notices without a told time.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			req := &wertfachv1.ListDisclosuresRequest{Parent: args[0], RestrictedPurpose: wertfachv1.RestrictedPurpose(restricted.number)}
			list := &wertfachv1.ListDisclosuresResponse{}
			for {
				page, err := vault.Privacy.ListDisclosures(ctx, req)
				if err != nil {
					return nil, err
				}
				list.Disclosures = append(list.Disclosures, page.GetDisclosures()...)
				if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
					return list, nil
				}
			}
		}),
	}
	_, restricted = restrictedFlag(cmd)
	return cmd
}

func (c *cli) privacyDisclose() *cobra.Command {
	req := &wertfachv1.RecordDisclosureRequest{}
	purpose := &enum{descriptor: wertfachv1.Disclosure_Purpose(0).Descriptor(), prefix: "PURPOSE_"}
	var when instant
	cmd := &cobra.Command{
		Use:   "disclose NAME --recipient TEXT --purpose P",
		Short: "record that something of a customer's data was passed on",
		Long: `Disclose records to whom something of a customer's data was passed on: which artefacts,
or which classes of data:

  customer, secrets, artefacts, artefacts.bike, artefacts.sim_card, ..., identity-copies

With --purpose rectification-notice it records that the recipient was told of what was put
right since, and takes neither. The recipient is known by the words of the first time.
Only privacy officers may do it.`,
		Args: takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			req.Name, req.Purpose = args[0], wertfachv1.Disclosure_Purpose(purpose.number)
			if when.given() {
				req.DiscloseTime = timestamppb.New(when.at(c.now()))
			}
			made, err := vault.Privacy.RecordDisclosure(ctx, req)
			for field, flag := range map[string]string{"recipient": "--recipient", "purpose": "--purpose", "classes": "--class", "disclose_time": "--time"} {
				err = inFlag(err, field, flag)
			}
			return made, err
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&req.Recipient, "recipient", "", "who got it: `TEXT` up to 200 characters")
	flags.Var(purpose, "purpose", "what for: `P` is one of "+strings.Join(purpose.names()[2:], ", "))
	flags.StringSliceVar(&req.Artefacts, "artefact", nil, "the `NAME` of an artefact that was passed on; may stand several times")
	flags.StringSliceVar(&req.Classes, "class", nil, "a `CLASS` of data that was passed on; may stand several times")
	flags.Var(&when, "time", "the `TIME` when; now where not given")
	return must(cmd, "recipient", "purpose")
}

// printAccesses writes a line for each access.
func (c *cli) printAccesses(accesses []*wertfachv1.DataAccess) error {
	return c.table(func(row func(...string)) {
		row("TIME", "ACTION", "WHO", "ROLE", "ABOUT", "WHAT")
		for _, a := range accesses {
			row(shownTime(a.GetTime()), a.GetAction(), cmp.Or(strings.Join(nonEmpty(a.GetPrincipal(), a.GetMachine()), " via "), "-"),
				cmp.Or(a.GetRole(), "-"), cmp.Or(a.GetScan(), a.GetArtefact(), "-"),
				cmp.Or(strings.Join(append(nonEmpty(a.GetPurpose()), a.GetFields()...), " "), "-"))
		}
	})
}

// printDisclosures writes a line for each disclosure.
func (c *cli) printDisclosures(disclosures []*wertfachv1.Disclosure) error {
	return c.table(func(row func(...string)) {
		row("TIME", "RECIPIENT", "PURPOSE", "TOLD", "WHAT")
		for _, d := range disclosures {
			row(shownTime(d.GetCreateTime()), cmp.Or(d.GetRecipient(), "the customer"), strings.TrimPrefix(d.GetPurpose().String(), "PURPOSE_"),
				shownTime(d.GetToldTime()), strings.Join(append(d.GetClasses(), d.GetArtefacts()...), " "))
		}
	})
}
