package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
)

// exitIncomplete is the exit code of a command that could not do all of it. The
// other codes of the server commands are those of the verbs.
const exitIncomplete = 11

// coded is an error with an exit code.
type coded struct {
	error
	code int
}

// ExitCode is what the process ends with.
func (c coded) ExitCode() int { return c.code }

func (c coded) Unwrap() error { return c.error }

// serverCommands are the commands that run a server or tend one.
func serverCommands() []*cobra.Command {
	return []*cobra.Command{devCommand(), serveCommand(), initCommand(), sweepCommand(), scrubCommand(), keysCommand()}
}

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "serve the API on Vault and S3",
		Long: `Serve runs a server on the back ends that the configuration names, which
"wertfach init" has prepared. deploy/wertfach.yaml explains the configuration.

Callers, issuers and the bounds of calls are read again when the file changes, and on
SIGHUP; the rest of it takes a restart. Renewed certificates are taken up by themselves.

Where Vault or the object store is away at the start, serve waits for
start_timeout, says so in the log, and then ends with exit code 7. Until they are
there it does not listen. On SIGTERM or SIGINT it takes no further calls and lets
those under way finish for shutdown_timeout; a second signal ends it at once.

Exit codes: 0 stopped as it was told; 1 not started or failed, the message says why;
2 wrong command line or configuration; 7 Vault or the object store stayed away.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(file)
			if err != nil {
				return err
			}
			boundMemory(int64(c.Limits.CacheSize))
			ctx := cmd.Context() // ends with SIGTERM and SIGINT
			log := c.Log.Logger(cmd.ErrOrStderr())
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP) // before the start, which may wait: else it would end the process
			defer signal.Stop(again)
			n, err := node.Start(ctx, node.Options{Config: c, Log: log, Principal: operator(), Version: versionText()})
			if err != nil {
				return started(ctx, err)
			}
			watching, stop := context.WithCancel(ctx)
			defer stop()
			go config.Watcher{File: file, Running: c, Apply: n.Update, Now: again, Log: log}.Run(watching)
			return n.Run(ctx)
		},
	}
	return configFlag(cmd, &file)
}

// working is the memory, in bytes, that may be taken besides the cache before
// the garbage collector works harder. It is meant to lie well above what is
// alive in normal work: a limit near that keeps the collector running all the
// time (with 40 MiB here and a full cache of 32, a listing took 6 ms of processor
// time one at a time, in place of 0.9).
const working = 72 << 20

// boundMemory makes the garbage collector work harder once the cache and what is
// under way fill their share. GOMEMLIMIT, where it is set, holds instead.
func boundMemory(cache int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cache + working)
	}
}

func configFlag(cmd *cobra.Command, file *string) *cobra.Command {
	cmd.Flags().StringVar(file, "config", "", "configuration `FILE` (needed)")
	return must(cmd, "config")
}

func loadConfig(file string) (*config.Config, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, coded{err, exitUsage}
	}
	return c, nil
}

// started says what it means that something did not start. To be stopped while
// starting is no failure.
func started(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, node.ErrAway):
		return coded{err, exitUnavailable}
	default:
		return fmt.Errorf("not started: %w", err)
	}
}
