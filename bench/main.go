// Command bench measures wertfach beside the least that its back ends would need for the
// same work, prints a table, and writes docs/performance.md with its plot.
//
//	go run ./bench                     everything; some eight minutes
//	go run ./bench -quick              that all of it works; the figures mean little
//	go run ./bench -only P1,P2         some of the targets
//	go run ./bench -inprocess -only P1 -cpuprofile FILE
//
// It starts a Vault and a MinIO of its own (bin/, from `make tools`), runs
// bin/wertfach against them (from `make build`), and stops and removes
// everything in the end, also when it is interrupted. A call that fails ends it:
// there are no figures of something that does not work.
//
// How things are measured stands in internal/trial, one file for each target;
// the floors' calls are in internal/floor. Only a whole run writes to docs/; but what
// is counted and not measured (P7) any run writes that has it and is not quick.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wertfach/wertfach/bench/internal/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options is what the command line asks for.
type options struct {
	rounds  int
	round   time.Duration
	only    []string
	quick   bool
	inside  bool // the server within this process
	profile string
}

// whole is whether everything is measured, and in earnest.
func (o options) whole() bool { return len(o.only) == 0 && !o.quick && !o.inside }

// wants is whether a trial is asked for.
func (o options) wants(t trial.Trial) bool {
	if o.inside && t.Starts {
		return false
	}
	return len(o.only) == 0 || slices.Contains(o.only, t.Target)
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 0, "how many rounds (5; with -quick 2)")
	seconds := flags.Float64("seconds", 0, "how long each side runs in a round (3; with -quick 0.5)")
	only := flags.String("only", "", "some of the targets only: P1,P2")
	flags.BoolVar(&o.quick, "quick", false, "only see that everything works, in less than 90 seconds")
	flags.BoolVar(&o.inside, "inprocess", false, "run the server within this process and leave out floors, memory and start")
	flags.StringVar(&o.profile, "cpuprofile", "", "with -inprocess: write processor profiles FILE-001 and so on; the server's part has the label side=server")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.rounds, o.round = 5, 3*time.Second
	if o.quick {
		o.rounds, o.round = 2, time.Second/2
	}
	if *rounds != 0 {
		o.rounds = *rounds
	}
	if *seconds != 0 {
		o.round = time.Duration(*seconds * float64(time.Second))
	}
	if *only != "" {
		o.only = strings.Split(strings.ToUpper(*only), ",")
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unknown argument %s", flags.Arg(0))
	case o.rounds < 1 || o.round <= 0:
		return o, errors.New("-rounds and -seconds must be positive")
	case o.profile != "" && !o.inside:
		return o, errors.New("-cpuprofile needs -inprocess")
	}
	for _, target := range o.only {
		if !slices.ContainsFunc(trial.All(), func(t trial.Trial) bool { return t.Target == target }) {
			return o, fmt.Errorf("-only: there is no %s", target)
		}
	}
	return o, nil
}
