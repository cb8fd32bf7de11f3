package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
)

// rotateReport is what a rotation prints, a line of JSON.
type rotateReport struct {
	Total     int            `json:"total"`                  // customers that it was about
	Done      int            `json:"done"`                   // customers all of whose data keys are under the newest version
	Rotated   int            `json:"rotated"`                // customers whose key got a new version
	Rewrapped int            `json:"rewrapped"`              // data keys that were wrapped anew
	Retired   int            `json:"retired"`                // customers whose old versions the next sweep destroys
	Deferred  int            `json:"deferred"`               // customers whose old versions an upload may still need
	Skipped   int            `json:"skipped"`                // customers who are being erased, or gone
	Failures  map[string]int `json:"failures"`               // customers who could not be done, by reason
	Resumed   string         `json:"resumed_from,omitempty"` // when the rotation was begun that this one went on with
}

type rotateFlags struct {
	config, customer, institute string
	all, rewrapOnly, retireOld  bool
	rate                        int
}

// perSecond is the value of --rate: 50/s.
type perSecond struct{ n *int }

// Set takes a number, with or without "/s".
func (p perSecond) Set(text string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "/s"))
	if err != nil || n < 1 || n > 100_000 {
		return rule("must be a number from 1 to 100000, customers a second, such as 50/s")
	}
	*p.n = n
	return nil
}

// String is the value as it is typed.
func (p perSecond) String() string {
	if p.n == nil || *p.n == 0 {
		return ""
	}
	return strconv.Itoa(*p.n) + "/s"
}

// Type names the value in the help.
func (perSecond) Type() string { return "rate" }

func rotateCommand() *cobra.Command {
	f := rotateFlags{rate: 50}
	cmd := &cobra.Command{
		Use:   "rotate --config FILE --customer NAME | --institute ID | --all",
		Short: "rotate customers' keys, and wrap their data keys anew",
		Long: `Rotate gives the key of a customer, of all customers of an institute, or of all, a
new version in the keeper of keys, and then wraps the data keys of dossier, secrets and
scans anew under it. Servers go on meanwhile: what is not wrapped anew yet opens as
before. It opens dossiers, and no secret and no scan.

Ended or broken off, it goes on where it stood when it is repeated within 7 days. Each
customer whose key changes leaves an event in the audit log. The process needs an
audit.spool_file of its own.

  --rewrap-only  gives no new versions: for keys that were rotated in Vault by hand
  --retire-old   gives up, in a second round a minute later, the versions under
                 which nothing is left, and the next sweep destroys them. Backups of
                 the store from before then don't open any more, not even to restore
                 a single customer, and nobody can undo that

It prints a line of JSON that counts what it did:
  total      customers that it was about
  done       customers all of whose data keys are under the newest version
  rotated    customers whose key got a new version
  rewrapped  data keys that were wrapped anew
  retired    customers whose old versions the next sweep destroys
  deferred   customers whose old versions stay, because an upload may need them
  skipped    customers who are being erased, or gone
  failures   customers who could not be done now, by reason

Exit codes: 0 done; 2 wrong command line or configuration; 3 no name of a customer or
institute; 4 no such customer or institute; 5 the customer is being erased; 7 Vault, the
object store or the audit log stayed away, or refused; 11 with failures, which the log
names by pseudonym and the next rotation tries again; 130 interrupted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return rotate(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.customer, "customer", "", "rotate the key of the customer with this `NAME`: institutes/musterbank/customers/4711")
	flags.StringVar(&f.institute, "institute", "", "rotate the keys of all customers of the institute with this `ID` or NAME: musterbank or institutes/musterbank")
	flags.BoolVar(&f.all, "all", false, "rotate the keys of all customers")
	flags.BoolVar(&f.rewrapOnly, "rewrap-only", false, "give no new versions")
	flags.BoolVar(&f.retireOld, "retire-old", false, "have the next sweep destroy old versions")
	flags.Var(perSecond{&f.rate}, "rate", "begin at most `N/s` customers a second")
	return configFlag(cmd, &f.config)
}

// instituteName takes an institute's id for its name.
func instituteName(text string) string {
	if strings.Contains(text, "/") {
		return text
	}
	return resource.Institute{ID: text}.String()
}

func rotate(cmd *cobra.Command, f rotateFlags) error {
	chosen := 0
	for _, given := range []bool{f.customer != "", f.institute != "", f.all} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return usageError{errors.New("one of --customer, --institute and --all is needed, and only one")}
	}
	options := custody.RotateOptions{
		RewrapOnly: f.rewrapOnly, RetireOld: f.retireOld, Rate: f.rate, Principal: operator(),
	}
	if f.institute != "" {
		institute, err := resource.ParseInstitute("--institute", instituteName(f.institute))
		if err != nil {
			return err
		}
		options.Institute = institute.ID
	}
	if f.customer != "" {
		var err error
		if options.Customer, err = resource.ParseCustomer("--customer", f.customer); err != nil {
			return err
		}
	}
	return operate(cmd, f.config, manner{}, func(ctx context.Context, o operation) error {
		bar := watch(cmd, "rotating keys")
		options.Recorder, options.Progress = o.events, bar.show
		options.Grace = time.Minute + o.config.Calls.Timeout // nobody holds longer what he has read
		r, err := o.custodian.Rotate(ctx, options)
		bar.end()
		return printReport(cmd, rotateReport{
			Total: r.Total, Done: r.Done, Rotated: r.Rotated, Rewrapped: r.Rewrapped, Retired: r.Retired,
			Deferred: r.Deferred, Skipped: r.Skipped, Failures: r.Failures, Resumed: moment(r.Resumed),
		}, r.Failed(), err)
	})
}
