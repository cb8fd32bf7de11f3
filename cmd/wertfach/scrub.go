package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
)

// scrubReport is what a scrub prints, a line of JSON.
type scrubReport struct {
	Total    int                    `json:"total"`                  // dossiers that there were
	Done     int                    `json:"done"`                   // dossiers that were looked at
	Scans    int                    `json:"scans"`                  // scans that were read, or measured
	Bytes    int64                  `json:"scan_bytes"`             // how many bytes of scans were read
	Remarked int                    `json:"remarked"`               // dossiers that got another mark
	Skipped  int                    `json:"skipped"`                // customers who are being erased, or gone
	Problems map[string]int         `json:"problems"`               // what is wrong, by kind
	Found    []custody.ScrubProblem `json:"found"`                  // the first thousand of it, by place
	Failures map[string]int         `json:"failures"`               // dossiers that could not be looked at, by reason
	Resumed  string                 `json:"resumed_from,omitempty"` // when the scrub was begun that this one went on with
}

func scrubCommand() *cobra.Command {
	var file, institute string
	options := custody.ScrubOptions{Rate: 20}
	cmd := &cobra.Command{
		Use:   "scrub --config FILE",
		Short: "prove that everything stored is there, opens, and is marked by today's rules",
		Long: `Scrub looks at all dossiers, at a set rate and beside servers: that each opens, that its
secrets are under the customer's key, that its scans are there, open and are what was
uploaded, and that it is found by its numbers and on the day when something of it is due.
Where the retention rules have changed it marks the dossier by those of today: run it after
each change of them. It opens no secret, and changes nothing but marks.

It needs the identity of a server. Under the operator's, which opens no scans, give
--no-scans: of those it then looks at the size and the beginning.

Stopped or broken off, it goes on where it stood when it is repeated within 7 days with the
same flags, and counts on; --restart begins anew.

It prints a line of JSON:
  total       dossiers that there were
  done        dossiers that were looked at, with what belongs to them
  scans       scans that were read, or with --no-scans measured
  scan_bytes  how many bytes of scans were read
  remarked    dossiers that got another mark: the rules have changed, or it was missing
  skipped     customers who are being erased, or gone
  problems    what is wrong, by kind: dossier-corrupt, key-gone, compartment-foreign,
              scan-corrupt, scan-differs, scan-missing, pointer-missing, mark-missing
  found       the first thousand of it: institute, pseudonym and problem. The dossier is
              the object INSTITUTE/dossiers/PSEUDONYM
  failures    dossiers that could not be looked at now, by reason

Exit codes: 0 all is whole; 2 wrong command line or configuration; 3 no name of an
institute; 4 no such institute; 5 another scrub is at the same; 7 Vault or the object store
stayed away, or refused; 8 something is wrong; 11 some could not be looked at; 130
interrupted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if institute != "" {
				name, err := resource.ParseInstitute("--institute", instituteName(institute))
				if err != nil {
					return err
				}
				options.Institute = name.ID
			}
			return operate(cmd, file, manner{unrecorded: true}, func(ctx context.Context, o operation) error {
				return scrub(ctx, cmd, o, options)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&institute, "institute", "", "only the dossiers of the institute with this `ID` or NAME: musterbank or institutes/musterbank")
	flags.Var(perSecond{&options.Rate}, "rate", "begin at most `N/s` dossiers a second")
	flags.BoolVar(&options.NoScans, "no-scans", false, "read no scan")
	flags.BoolVar(&options.Restart, "restart", false, "begin anew")
	return configFlag(cmd, &file)
}

// scrub scrubs and prints its report.
func scrub(ctx context.Context, cmd *cobra.Command, o operation, options custody.ScrubOptions) error {
	bar := watch(cmd, "scrubbing")
	options.Progress = bar.show
	r, err := o.custodian.Scrub(ctx, options)
	bar.end()
	err = printReport(cmd, scrubReport{
		Total: r.Total, Done: r.Done, Scans: r.Scans, Bytes: r.Bytes, Remarked: r.Remarked, Skipped: r.Skipped,
		Problems: r.Problems, Found: append([]custody.ScrubProblem{}, r.Found...), Failures: r.Failures, Resumed: moment(r.Resumed),
	}, r.Failed(), err)
	if wrong := r.Wrong(); wrong > 0 && (err == nil || exitCode(err) == exitIncomplete) {
		return coded{fmt.Errorf("%d things are wrong; the report and the log say where", wrong), exitCorrupt}
	}
	return err
}
