package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
)

// Exit codes. Scripts rely on them: see the help that exitCodesTopic gives.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitNotFound    = 4
	exitState       = 5
	exitDenied      = 6
	exitUnavailable = 7
	exitCorrupt     = 8
	exitExhausted   = 9
	exitUnverified  = 10
	exitInterrupted = 130
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "what a script can rely on",
		Long: `Exit codes of the verbs that talk to a server, and of "receipt verify" and "audit verify":

    0  done
    1  an error that nobody foresaw; the message names the call for the operator
    2  wrong command line or profile, or a file here that can't be read or written
    3  invalid input: each line names a field and the rule that it broke
    4  not found
    5  exists already, or does not fit the present state, or lost against another
       change: CUSTOMER_EXISTS, CONTRACT_ENDED, PROCESSING_RESTRICTED, HELD, STALE_ETAG
    6  not allowed
    7  the server or its stores can't be reached, or server and client don't accept each
       other's certificates, or the time was up: try again later. ERASURE_PENDING is an
       erasure that can't be undone and that the next sweep finishes
    8  what was stored or transferred is damaged
    9  a limit of number, size or rate was reached
   10  the receipt, or the audit log, does not verify
  130  interrupted

What is asked for goes to standard output, and nothing else does. Messages go to
standard error, a line for each:

  artefact.sim_card.puk: a PUK has 8 digits [puk.length]
  wertfach: the customer is not enrolled [CUSTOMER_NOT_FOUND]

The word in brackets is stable: the rule that a field broke, or the reason. The text
before it may be reworded. No message repeats the value of a field or a flag.

A change that was interrupted, or for which the time was up, may have been made or not:
look, or make it again. The commands that run or tend a server (dev, serve, init, sweep,
scrub, keys, audit fetch, audit retire) tell their codes in their own help.`,
	}
}

// usageError is a mistake in the command line or with a file on this machine.
type usageError struct{ error }

// Unwrap gives the mistake.
func (e usageError) Unwrap() error { return e.error }

// errInterrupted is a command that a signal ended.
var errInterrupted = errors.New("interrupted")

// exitCode is what the process ends with.
func exitCode(err error) int {
	var usage usageError
	var own interface{ ExitCode() int }
	var known *fault.Error
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &own):
		return own.ExitCode()
	case errors.Is(err, receipt.ErrInvalid):
		return exitUnverified
	case errors.As(err, &known):
		return exitOf(known.Kind)
	default:
		return exitInternal
	}
}

func exitOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return exitInvalid
	case fault.NotFound:
		return exitNotFound
	case fault.Exists, fault.Precondition, fault.Aborted:
		return exitState
	case fault.Denied, fault.Unauthenticated:
		return exitDenied
	case fault.Unavailable:
		return exitUnavailable
	case fault.Corrupt:
		return exitCorrupt
	case fault.Exhausted:
		return exitExhausted
	default:
		return exitInternal
	}
}

// complain tells what went wrong, a line for each broken rule.
func (c *cli) complain(cmd *cobra.Command, err error) {
	if err == nil {
		return
	}
	var known *fault.Error
	if !errors.As(err, &known) {
		lines := strings.Split(err.Error(), "\n") // a configuration may have several mistakes
		for i := range lines {
			lines[i] = printable(lines[i])
		}
		fmt.Fprintf(c.stderr, "wertfach: %s\n", strings.Join(lines, "\n"))
		if usage := (usageError{}); errors.As(err, &usage) && cmd != nil {
			fmt.Fprintf(c.stderr, "See \"%s --help\".\n", cmd.CommandPath())
		}
		return
	}
	// What was added to the error on its way here, such as a file's name.
	about, found := strings.CutSuffix(err.Error(), known.Error())
	if !found {
		about = ""
	}
	for _, v := range known.Violations {
		fmt.Fprintf(c.stderr, "%s%s%s\n", printable(about), printable(v.Field+": "+v.Description), bracketed(v.Rule))
	}
	if len(known.Violations) == 0 {
		fmt.Fprintf(c.stderr, "wertfach: %s%s\n", printable(about+known.Message), bracketed(known.Reason))
	}
}

func bracketed(word string) string {
	if word == "" {
		return ""
	}
	return " [" + printable(word) + "]"
}
