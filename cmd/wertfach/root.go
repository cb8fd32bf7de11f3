package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// profileVariable stands in for --profile.
const profileVariable = "WERTFACH_PROFILE"

// cli is what the commands work with: the process's surroundings, and the flags
// that all verbs share.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	watched        bool // a person sees what goes to stderr
	getenv         func(string) string
	now            func() time.Time

	profile string
	output  string
	timeout time.Duration
}

// run does what the arguments say and gives the exit code.
func run(ctx context.Context, c *cli, args []string) int {
	root := c.root()
	started := false
	watchStart(root, &started)
	root.SetArgs(args)
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !started {
		// Whatever fails before a verb begins is in the command line.
		err = usageError{err}
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	c.complain(cmd, err)
	return exitCode(err)
}

// watchStart notes when the command line was understood and a verb begins.
func watchStart(cmd *cobra.Command, started *bool) {
	if verb := cmd.RunE; verb != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return verb(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		watchStart(sub, started)
	}
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "wertfach",
		Short: "the vault for what bank customers register",
		Long: `Wertfach keeps what a bank's customers register with value-added services: bikes,
SIM cards, payment cards, insured devices, scans of documents. It lies sealed under a
key of each customer's own, and is gone when that key is destroyed.

The verbs talk to a server, whose address and certificates stand in a client profile:

  wertfach dev --data DIR &                 runs a server here and writes DIR/clients/ROLE.yaml
  export WERTFACH_PROFILE=DIR/clients/portal.yaml
  wertfach customer enrol -f customer.json
  wertfach artefact register --customer institutes/musterbank/customers/4711 -f bike.json
  wertfach artefact list --customer institutes/musterbank/customers/4711 -o table

Answers come as JSON, the API's own messages, whether or not a person watches; -o table
is for reading. See "wertfach help files" for input files and "wertfach help exit-codes"
for what a script can rely on.`,
		Version:           versionText(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("wertfach {{.Version}}\n")
	c.output = "json"
	flags := root.PersistentFlags()
	flags.StringVar(&c.profile, "profile", "", "client profile `FILE`; "+profileVariable+" stands in for it")
	flags.VarP(&choice{&c.output, []string{"json", "table"}}, "output", "o", "`FORM` of answers: json or table")
	flags.Var(&patience{&c.timeout}, "timeout", "give up after `DURATION` (default 1m, for the transfer of files 30m)")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(c.customer(), c.artefact(), c.scan(), c.service(), c.contract(), c.erase(), c.receipt())
	root.AddCommand(c.privacy(), c.retention(), c.audit())
	root.AddCommand(c.governing()...)
	root.AddCommand(serverCommands()...)
	root.AddCommand(exitCodesTopic(), filesTopic())
	return nested(root)
}

// nested makes commands that only hold others refuse what is none of them.
func nested(cmd *cobra.Command) *cobra.Command {
	if cmd.HasAvailableSubCommands() && cmd.RunE == nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			case cmd.HasParent():
				return fmt.Errorf("a command is missing: one of %s", strings.Join(verbs(cmd), ", "))
			}
			return nil
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() } // of the root
	}
	for _, sub := range cmd.Commands() {
		nested(sub)
	}
	return cmd
}

// helpCommand is `help`. The library's own takes a name that there is not for
// success.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "tell about a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return errors.New("there is no such command")
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag() // so that it is listed
			return about.Help()
		},
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2 // letters that differ
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		return fmt.Errorf("there is no such command; is %s meant?", strings.Join(similar, " or "))
	}
	return errors.New("there is no such command")
}

func verbs(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// takes wants exactly these arguments.
func takes(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", names[len(args)])
		case len(names) == 0 && len(args) > 0:
			return errors.New("too many arguments: it takes flags only")
		case len(args) > len(names):
			return fmt.Errorf("too many arguments: %s is all it takes", strings.Join(names, " "))
		}
		return nil
	}
}

// must marks flags as needed.
func must(cmd *cobra.Command, flags ...string) *cobra.Command {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // a mistake in this program: there is no such flag
		}
	}
	return cmd
}
