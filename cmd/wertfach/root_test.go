package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The verbs are a contract: scripts and documentation rely on them.
func TestTheVerbs(t *testing.T) {
	t.Parallel()
	var got []string
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if !cmd.HasSubCommands() {
			got = append(got, strings.TrimPrefix(cmd.CommandPath(), "wertfach "))
		}
	}
	walk((&cli{}).root())
	slices.Sort(got)
	want := []string{
		"artefact delete", "artefact get", "artefact list", "artefact register", "artefact reveal", "artefact update",
		"audit fetch", "audit list", "audit retire", "audit verify",
		"contract cancel", "contract terminate",
		"customer enrol", "customer get", "customer update",
		"dev", "erase cancel", "erase confirm", "erase request", "exit-codes", "files", "hold", "init",
		"keys rotate", "keys rotate-index", "lift",
		"privacy accesses", "privacy disclose", "privacy disclosures", "privacy export",
		"receipt get", "receipt list", "receipt verify", "release", "restrict", "retention explain",
		"scan delete", "scan download", "scan upload",
		"scrub", "serve", "service withdraw", "sweep",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the verbs are\n%q\nwant\n%q", got, want)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                        "customer enrol -f customer.json",
		"--help":                  "Available Commands",
		"help exit-codes":         "10  the receipt, or the audit log, does not verify",
		"exit-codes":              "10  the receipt, or the audit log, does not verify",
		"help files":              `"simCard"`,
		"help":                    "Available Commands",
		"help erase confirm":      "NOTHING BRINGS IT BACK",
		"erase request --help":    "consent-withdrawn",
		"--version":               "wertfach " + versionText() + "\n",
		"customer enrol --help":   `"familyName"`,
		"artefact reveal --help":  "police-report",
		"restrict --help":         "\n  needed-for-claims\n",
		"hold --help":             "\n  titled-claim\n",
		"customer get --help":     "protection-of-others",
		"service withdraw --help": "device-insurance",
	} {
		r := command(context.Background(), "", false, strings.Fields(line)...)
		if r.code != exitOK || !strings.Contains(r.out, want) || r.err != "" {
			t.Errorf("wertfach %s: exit code %d, want %q\n%s%s", line, r.code, want, r.err, r.out)
		}
	}
}

// Lines of the help fit a terminal of 100 columns and do not promise flags that
// there are not.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
				t.Errorf("%s: a line of the help has %d characters: %s", cmd.CommandPath(), n, line)
			}
		}
		for word := range strings.FieldsSeq(cmd.Use) {
			flag, isFlag := strings.CutPrefix(word, "--")
			if isFlag && cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", cmd.CommandPath(), flag)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&cli{}).root())
}
