package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devserver"
)

const (
	devAddress    = "127.0.0.1:7443"
	devSweepEvery = time.Minute
)

type devOptions struct {
	data, listen string
	sample       bool
}

func devCommand() *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev --data DIR",
		Short: "run everything in one process on this machine, to try it out",
		Long: `Dev runs a whole wertfach in one process on loopback: objects in one file, keys in
files beside it, certificates and tokens of its own, two sample institutes. All of it
lies in the folder and is there again at the next start. One process at a time uses a
folder.

DIR/clients/ROLE.yaml is a client profile for each role, DIR/attest.pem the public
keys that verify erasure receipts. Agents of the hotline and privacy officers are
people: DIR/clients/PERSON.yaml is a profile for each of the sample ones, with a token
that is renewed while dev runs.

THE KEYS LIE BESIDE THE DATA: it is not for real customers.

Exit codes: 0 stopped as it was told; 1 not started or failed, the message says why;
2 wrong command line.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return dev(cmd, o) },
	}
	cmd.Flags().StringVar(&o.data, "data", "", "`DIR` for keys, objects, certificates and profiles (needed)")
	cmd.Flags().StringVar(&o.listen, "listen", "", "loopback `ADDR` to listen on ("+devAddress+", or a free port where that is taken)")
	cmd.Flags().BoolVar(&o.sample, "sample", false, "enrol two sample customers, where they are missing")
	return must(cmd, "data")
}

func dev(cmd *cobra.Command, o devOptions) error {
	ctx := cmd.Context()
	options := devserver.Options{
		Listen: o.listen, SweepEvery: devSweepEvery,
		Log: config.Log{Format: "text", Level: "info"}.Logger(cmd.ErrOrStderr()),
	}
	if o.listen == "" {
		options.Listen, options.AnyPort = devAddress, true
	}
	d, err := devserver.Start(ctx, o.data, options)
	switch {
	case errors.Is(err, devserver.ErrNotLoopback):
		return usageError{fmt.Errorf("--listen: %w", err)}
	case err != nil:
		return started(ctx, err)
	}
	var samples []devserver.Sample
	if o.sample {
		samples, err = d.Samples(ctx)
	}
	if err == nil {
		guide(cmd.OutOrStdout(), d, samples)
		return d.Run(ctx)
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if stopped := d.Stop(patience); stopped != nil {
		return stopped
	}
	return started(ctx, err)
}

// guide tells how to talk to the server. Its commands can be pasted into any
// shell on this machine.
func guide(out io.Writer, d *devserver.Dev, samples []devserver.Sample) {
	fmt.Fprintf(out, `
wertfach is ready on %s.

  !!  THE KEYS LIE BESIDE THE DATA, in %s.
  !!  Whoever has this folder can read everything in it.
  !!  This is for trying out, not for real customers.

Institutes:`, d.Address(), d.Dir())
	for _, i := range devserver.Institutes() {
		fmt.Fprintf(out, " institutes/%s", i.ID)
		if i.CardVerificationCodeReason != "" {
			fmt.Fprint(out, " (issuer: may keep card verification codes)")
		}
	}
	fmt.Fprintf(out, "\nProfiles:   %s for ROLE in %s\n", filepath.Join(d.Dir(), "clients", "ROLE.yaml"), strings.Join(devserver.Roles(), ", "))
	for _, role := range devserver.Roles() {
		if people := devserver.People(role); len(people) > 0 {
			fmt.Fprintf(out, "            %s is of people, with tokens of their own: %s\n", role, strings.Join(people, ", "))
		}
	}
	fmt.Fprintf(out, "Receipts:   verify with --key %s\n", d.KeysFile())
	fmt.Fprint(out, "\nTalk to it from another terminal:\n\n")
	fmt.Fprintf(out, "  export WERTFACH_PROFILE=%s\n", quoted(d.Profile("portal")))
	for _, line := range commands(quoted(program()), samples) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	fmt.Fprint(out, "\nStop it with Ctrl-C.\n\n")
}

// commands are what to try: on the samples, or to begin with.
func commands(program string, samples []devserver.Sample) []string {
	if len(samples) == 0 {
		const customer = "institutes/musterbank/customers/4711"
		return []string{
			`echo '{"name": "` + customer + `", "familyName": "Muster", "dateOfBirth": "1984-05-17",`,
			`  "address": {"postalCode": "10115"}, "iban": "DE89 3704 0044 0532 0130 00",`,
			`  "services": ["SERVICE_SIM_CARD_PROTECTION"]}' | ` + program + ` customer enrol -f -`,
			`echo '{"simCard": {"iccid": "8949 0200 0000 0000 014", "puk": "12345678"}}' |`,
			`  ` + program + ` artefact register --customer ` + customer + ` -f -`,
			program + ` artefact list --customer ` + customer + ` -o table`,
		}
	}
	var lines []string
	for _, s := range samples {
		lines = append(lines, program+" customer get "+s.Customer, program+" artefact list --customer "+s.Customer+" -o table")
		for _, artefact := range s.Artefacts[:min(1, len(s.Artefacts))] {
			lines = append(lines, program+" artefact reveal "+artefact+" --purpose customer-request")
		}
	}
	return lines
}

// program is how a shell in any folder starts this program.
func program() string {
	if !strings.ContainsRune(os.Args[0], filepath.Separator) {
		return os.Args[0] // found by PATH
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
