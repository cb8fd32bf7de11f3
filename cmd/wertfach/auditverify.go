package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/audit"
)

// errLog is an audit log that does not verify.
var errLog = errors.New("the audit log does not verify")

func (c *cli) auditVerify() *cobra.Command {
	var key string
	var asOf instant
	cmd := &cobra.Command{
		Use:   "verify DIR --key FILE",
		Short: "check a downloaded audit log, without a server",
		Long: `Verify checks the log that "wertfach audit fetch" downloaded: every signature, every
link, every end. The key file is PEM as "wertfach init --keys-out" and "wertfach dev"
write it; take it from there, and not from the downloaded folder, which whoever changed
the log could have changed too.

It prints what was checked, a chain for each run of each server. Where something is
wrong, a line on standard error names the first broken segment of each chain, and the
exit code is 10:
  broken       a segment is changed, missing, or not in its place
  unclosed     a chain ended without being closed, so its end can't be told: its server
               stands still, or its disk is destroyed ("wertfach audit retire"), or the
               end was removed
  hidden       somebody tried to remove a segment; it is there
  overwritten  somebody tried to replace a segment; it is there
  foreign      an object lies among the segments that wertfach did not write

Where none of the keys signed anything of the log, it says so once.

It talks to no server.`,
		Args: takes("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := c.publicKeys(cmd.Context(), key)
			if err != nil {
				return err
			}
			folder, err := audit.OpenFolder(args[0])
			if err != nil {
				return usageError{err}
			}
			defer folder.Close()
			fetched, err := folder.Fetched()
			switch {
			case errors.Is(err, audit.ErrNotFetched):
				return usageError{err}
			case err != nil:
				return coded{fmt.Errorf("%w: %w", errLog, err), exitUnverified}
			}
			moment := fetched.Time
			if asOf.given() {
				moment = asOf.at(c.now())
			}
			log := audit.Reader{Segments: folder, Heads: folder, Keys: audit.Trust(keys)}
			report, err := log.Verify(cmd.Context(), fetched.From, moment)
			if err != nil {
				return local(err)
			}
			return c.printLog(report, fetched.From, key)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public keys, PEM, in `FILE`")
	cmd.Flags().Var(&asOf, "as-of", "chains must have been alive, or closed, at this `TIME`; that of the download where not given")
	return must(cmd, "key")
}

// logReport is what was checked, as JSON.
type logReport struct {
	Intact   bool         `json:"intact"`
	AsOf     time.Time    `json:"as_of"`
	From     string       `json:"from,omitempty"`
	Chains   []logChain   `json:"chains"`
	Findings []logFinding `json:"findings"`
}

type logChain struct {
	Chain    string    `json:"chain"`
	Server   string    `json:"server"`
	Segments int64     `json:"segments"`
	Events   int64     `json:"events"`
	First    time.Time `json:"first_time"`
	Last     time.Time `json:"last_time"`
	Closed   bool      `json:"closed"`
}

type logFinding struct {
	Kind    string `json:"kind"`
	Chain   string `json:"chain,omitempty"`
	Number  int64  `json:"number,omitempty"`
	Segment string `json:"segment,omitempty"`
	Problem string `json:"problem"`
}

// printLog writes the report, and complaints for a person.
func (c *cli) printLog(r audit.Report, from time.Time, keyFile string) error {
	if err := c.printReport(r, from); err != nil {
		return err
	}
	switch {
	case r.Intact():
		return nil
	case r.WrongKeys:
		return coded{fmt.Errorf("none of the keys in %s signed this log; is it the right key?", spoken(keyFile)), exitUnverified}
	}
	for _, f := range r.Findings {
		where := "object " + f.Segment
		switch {
		case f.Number > 0:
			where = fmt.Sprintf("chain %s, segment %d (%s)", f.Chain, f.Number, f.Segment)
		case f.Chain != "":
			where = fmt.Sprintf("chain %s (%s)", f.Chain, f.Segment)
		}
		fmt.Fprintf(c.stderr, "%s [%s]\n", printable(where+": "+f.Problem), f.Kind)
	}
	return coded{errLog, exitUnverified}
}

// since says from where on a log was checked.
func since(from time.Time) string {
	if from.IsZero() {
		return "from its beginning"
	}
	return "from " + from.Format(time.DateOnly)
}

func (c *cli) printReport(r audit.Report, from time.Time) error {
	if c.output == "table" {
		fmt.Fprintf(c.stdout, "as of %s, %s\n", r.AsOf.UTC().Format(time.RFC3339), since(from))
		return c.table(func(row func(...string)) {
			row("CHAIN", "SERVER", "SEGMENTS", "EVENTS", "FIRST", "LAST", "END")
			for _, ch := range r.Chains {
				end := "open"
				if ch.Closed {
					end = "closed"
				}
				row(ch.ID, ch.Server, fmt.Sprint(ch.Segments), fmt.Sprint(ch.Events), ch.First.Format(time.RFC3339), ch.Last.Format(time.RFC3339), end)
			}
		})
	}
	out := logReport{Intact: r.Intact(), AsOf: r.AsOf.UTC(), Chains: []logChain{}, Findings: []logFinding{}}
	if !from.IsZero() {
		out.From = from.Format(time.DateOnly)
	}
	for _, ch := range r.Chains {
		out.Chains = append(out.Chains, logChain{ch.ID, ch.Server, ch.Segments, ch.Events, ch.First, ch.Last, ch.Closed})
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, logFinding{string(f.Kind), f.Chain, f.Number, f.Segment, f.Problem})
	}
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
