package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) audit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "what is on record of who did what"}
	cmd.AddCommand(c.auditList(), c.auditFetch(), c.auditVerify(), auditRetire())
	return cmd
}

// eventsAtOnce is how many events a request asks for.
const eventsAtOnce = 1000

func (c *cli) auditList() *cobra.Command {
	req := &wertfachv1.ListEventsRequest{}
	var from, to instant
	limit := 1000
	cmd := &cobra.Command{
		Use:   "list --parent institutes/ID --from TIME",
		Short: "list an institute's events in the order of their time",
		Long: `List prints the events of an institute from one time to another, or to now, those
about one customer or of one principal only if asked. Only privacy officers may do it,
and that you read them is on record too. An event is there a second or so after its call.

A TIME is a day, 2026-11-22, or a moment, 2026-11-22T08:30:00Z, both UTC where no
other zone is given, or how long ago: 90m, 24h.

A PRINCIPAL is a person, ISSUER#subject as the person's token has them, or a machine,
spiffe://dev.wertfach.example/portal/1 as its certificate has it. With -o table a person
who used a machine is shown as PERSON via MACHINE.`,
		Args: takes(),
		RunE: c.asksWithin(transferTimeout, func(ctx context.Context, vault *client.Client, _ []string) (proto.Message, error) {
			req.StartTime = timestamppb.New(from.at(c.now()))
			if to.given() {
				req.EndTime = timestamppb.New(to.at(c.now()))
			}
			return c.events(ctx, vault, req, limit)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&req.Parent, "parent", "", "the institute's `NAME`: institutes/musterbank")
	flags.Var(&from, "from", "the first `TIME` that counts")
	flags.Var(&to, "to", "the first `TIME` that does not count any more; now where not given")
	flags.StringVar(&req.Customer, "customer", "", "only about the customer with this `NAME`")
	flags.StringVar(&req.Principal, "principal", "", "only of this `PRINCIPAL`, or through this machine: ISSUER#subject or spiffe://...")
	flags.Var(&number{&limit}, "limit", "print at most `N` events")
	return must(cmd, "parent", "from")
}

// events fetches page after page, of which some may be empty.
func (c *cli) events(ctx context.Context, vault *client.Client, req *wertfachv1.ListEventsRequest, limit int) (proto.Message, error) {
	list := &wertfachv1.ListEventsResponse{}
	defer func() {
		if list.Damaged {
			fmt.Fprintln(c.stderr, "wertfach: something in that time is no valid segment of the log and was left out; see \"wertfach audit verify\"")
		}
	}()
	for {
		req.PageSize = int32(min(limit-len(list.Events), eventsAtOnce))
		page, err := vault.Audit.ListEvents(ctx, req)
		if err != nil {
			return nil, inListFlags(err, req)
		}
		list.Damaged = list.Damaged || page.GetDamaged()
		list.Events = append(list.Events, page.GetEvents()...)
		req.PageToken = page.GetNextPageToken()
		switch {
		case req.PageToken == "":
			return list, nil
		case len(list.Events) >= limit:
			fmt.Fprintf(c.stderr, "wertfach: there may be more than these %d events; see --limit and --from\n", limit)
			return list, nil
		}
	}
}

// inListFlags tells of a mistake in the request as of one in the flags.
func inListFlags(err error, req *wertfachv1.ListEventsRequest) error {
	to := "--to"
	if req.GetEndTime() == nil {
		to = "--to (now, since it is not given)"
	}
	for field, flag := range map[string]string{
		"parent": "--parent", "customer": "--customer", "principal": "--principal", "start_time": "--from", "end_time": to,
	} {
		err = inFlag(err, field, flag)
	}
	var known *fault.Error
	if errors.As(err, &known) {
		words := strings.NewReplacer("start_time", "--from", "end_time", "--to", "of parent", "of --parent")
		for i, v := range known.Violations { // inFlag has made them ours
			known.Violations[i].Description = words.Replace(v.Description)
		}
	}
	return err
}

// printEvents writes a line for each event.
func (c *cli) printEvents(events []*wertfachv1.Event) error {
	return c.table(func(row func(...string)) {
		row("TIME", "ACTION", "OUTCOME", "PRINCIPAL", "ROLE", "ABOUT", "WHAT")
		for _, e := range events {
			row(e.GetTime().AsTime().Format("2006-01-02 15:04:05.000"), e.GetAction(), outcome(e), caller(e),
				cmp.Or(e.GetRole(), "-"), about(e), cmp.Or(strings.Join(slices.Concat(nonEmpty(e.GetPurpose()), e.GetFields(), e.GetClasses()), " "), "-"))
		}
	})
}

// caller is who called; a person by the machine that was used.
func caller(e *wertfachv1.Event) string {
	return cmp.Or(strings.Join(nonEmpty(e.GetPrincipal(), e.GetMachine()), " via "), "-")
}

func outcome(e *wertfachv1.Event) string {
	if e.GetReason() == "" {
		return e.GetCode()
	}
	return e.GetCode() + " " + e.GetReason()
}

// about is what an event is about: customer by the random id, artefact, scan or
// receipt.
func about(e *wertfachv1.Event) string {
	return cmp.Or(strings.Join(nonEmpty(e.GetSubject(), e.GetArtefact(), e.GetScan(), e.GetReceipt()), " "), "-")
}

func nonEmpty(all ...string) []string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// instant is a flag that takes a time: a day, a moment, or how long ago.
type instant struct {
	text   string
	moment time.Time
	ago    time.Duration
}

// String is the value as it was typed.
func (i *instant) String() string { return i.text }

// Type is for the help.
func (i *instant) Type() string { return "time" }

// Set takes a value.
func (i *instant) Set(text string) error {
	var err error
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if i.moment, err = time.ParseInLocation(layout, text, time.UTC); err == nil {
			i.text = text
			return nil
		}
	}
	if i.ago, err = time.ParseDuration(text); err != nil || i.ago <= 0 {
		return rule("must be a day such as 2026-11-22, a moment such as 2026-11-22T08:30:00Z, or how long ago, such as 24h")
	}
	i.text, i.moment = text, time.Time{}
	return nil
}

// given says whether there is a value.
func (i *instant) given() bool { return i.text != "" }

// at is the moment, zero where none is given.
func (i *instant) at(now time.Time) time.Time {
	if i.given() && i.moment.IsZero() {
		return now.Add(-i.ago).UTC()
	}
	return i.moment
}

// day is the moment of a flag that takes days only.
func (i *instant) day(flag string) (time.Time, error) {
	if i.given() && (i.moment.IsZero() || !i.moment.Equal(i.moment.Truncate(24*time.Hour))) {
		return time.Time{}, usageError{errors.New(flag + ": must be a day such as 2026-11-22")}
	}
	return i.moment, nil
}

// number is a flag that takes a number from 1 on.
type number struct{ value *int }

// String is the value.
func (n *number) String() string {
	if n.value == nil {
		return ""
	}
	return fmt.Sprint(*n.value)
}

// Type is for the help.
func (n *number) Type() string { return "number" }

// Set takes a value.
func (n *number) Set(text string) error {
	var v int
	if _, err := fmt.Sscanf(text, "%d", &v); err != nil || fmt.Sprint(v) != text || v < 1 || v > 1_000_000 {
		return rule("must be a number from 1 to 1000000")
	}
	*n.value = v
	return nil
}
