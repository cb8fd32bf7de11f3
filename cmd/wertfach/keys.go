package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "rotate the keys of customers and of the look-up index",
		Long: `Keys gives keys new versions and moves everything under them, while servers go on.
Both commands can be ended at any time and repeated: they go on where they stood.`,
	}
	cmd.AddCommand(rotateCommand(), rotateIndexCommand())
	return cmd
}

// operation is what a command that tends keys works with.
type operation struct {
	config    *config.Config
	backends  *node.Backends
	custodian *custody.Custodian
	log       *node.AuditLog
	watched   *node.Watched
}

// operate opens the back ends and the audit log for a command, and closes them
// when it is done.
func operate(cmd *cobra.Command, file string, do func(context.Context, operation) error) error {
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	return operateOn(cmd, operation{config: c, watched: &node.Watched{}}, node.NewHealth(c.Log.Logger(cmd.ErrOrStderr())), do)
}

// operateWatched is operate for a command that goes on and on, and tells how it
// works as the configuration's telemetry asks.
func operateWatched(cmd *cobra.Command, file string, do func(context.Context, operation) error) (failed error) {
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	log := c.Log.Logger(cmd.ErrOrStderr())
	health := node.NewHealth(log)
	watched, err := node.Watch(cmd.Context(), c, versionText(), health, log)
	if err != nil {
		return started(cmd.Context(), err)
	}
	defer func() { failed = errors.Join(failed, watched.Close(context.WithoutCancel(cmd.Context()))) }()
	return operateOn(cmd, operation{config: c, watched: watched}, health, do)
}

func operateOn(cmd *cobra.Command, o operation, health *node.Health, do func(context.Context, operation) error) (failed error) {
	ctx, c := cmd.Context(), o.config
	log := o.watched.Logger(c.Log.Logger(cmd.ErrOrStderr()))
	var err error
	o.backends, err = node.Await(ctx, c, log, func(ctx context.Context, b *node.Backends) (err error) {
		o.custodian, err = b.Custodian(ctx, nil)
		return err
	}, node.ObservedBy(o.watched.Telemetry))
	if err != nil {
		return started(ctx, err)
	}
	defer closing(o.backends, &failed)
	health.Started(node.Check{Name: "keys", Probe: o.backends.Keys.Ping}, node.Check{Name: "objects", Probe: o.backends.Store.Ping})
	defer health.Stopping()
	o.log, err = o.backends.Audit(ctx, o.custodian, nil)
	if errors.Is(err, embedded.ErrInUse) {
		return coded{errors.New("audit.spool_file: another process works on it; give this command a configuration that names another file"), exitUsage}
	}
	if err != nil {
		return started(ctx, err)
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
		defer cancel()
		if err := o.log.Close(after); failed == nil && err != nil {
			failed = fmt.Errorf("closing the audit log: %w", err)
		}
	}()
	return do(ctx, o)
}

// operator is who runs this process, for the audit log.
func operator() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	name := fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return "process://" + host + "/" + name
}

// printReport prints a report as a line of JSON and says how the command ends.
func printReport(cmd *cobra.Command, report any, failed int, err error) error {
	if printed := json.NewEncoder(cmd.OutOrStdout()).Encode(report); printed != nil {
		return printed
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err // a person has stopped it
	case err != nil:
		return fmt.Errorf("it broke off, and goes on where it stood when it is repeated: %w", err)
	case failed > 0:
		return coded{fmt.Errorf("not complete: what could not be done now is in the log, by pseudonym, and is tried again when it is repeated (%d)", failed), exitIncomplete}
	}
	return nil
}

// moment is a time in a report; empty where it is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
