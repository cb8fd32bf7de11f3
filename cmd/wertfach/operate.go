package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"sync"

	"github.com/spf13/cobra"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
)

// operation is what a command works with that opens the back ends itself: sweep,
// scrub, keys and audit retire. All but scrub leave events in the audit log.
type operation struct {
	config    *config.Config
	backends  *node.Backends
	custodian *custody.Custodian
	events    *node.AuditLog
	watched   *node.Watched
	log       *slog.Logger
}

// manner is how a command works.
type manner struct {
	// lasts: it tells how it works meanwhile, as the configuration's telemetry asks.
	lasts bool
	// unrecorded: it does nothing that must be on record, and so works beside a
	// process that has the spool of its configuration. It has no events.
	unrecorded bool
}

// operate opens the back ends and the audit log for a command, and closes them
// when it is done.
func operate(cmd *cobra.Command, file string, how manner, do func(context.Context, operation) error) (failed error) {
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	if !how.lasts {
		c.Telemetry = config.Telemetry{} // nobody would come to look
	}
	ctx, log := cmd.Context(), c.Log.Logger(cmd.ErrOrStderr())
	health := node.NewHealth(log)
	o := operation{config: c}
	if o.watched, err = node.Watch(ctx, c, versionText(), health, log); err != nil {
		return started(ctx, err)
	}
	unwatch := sync.OnceValue(func() error { return o.watched.Close(context.WithoutCancel(ctx)) })
	defer func() { failed = errors.Join(failed, unwatch()) }()
	o.log = o.watched.Logger(log)
	o.backends, err = node.Await(ctx, c, o.log, func(ctx context.Context, b *node.Backends) (err error) {
		o.custodian, err = b.Custodian(ctx, nil)
		return err
	}, node.ObservedBy(o.watched.Telemetry))
	if err != nil {
		return started(ctx, err)
	}
	defer closing(o.backends, &failed)
	defer func() { failed = errors.Join(failed, unwatch()) }() // nobody asks back ends that are closed
	if how.unrecorded {
		err = do(ctx, o)
		o.explain(ctx, err)
		return err
	}
	o.events, err = o.backends.Audit(ctx, o.custodian, nil)
	if errors.Is(err, embedded.ErrInUse) {
		return coded{errors.New("audit.spool_file: another process works on it; give this command a configuration that names another file"), exitUsage}
	}
	if err != nil {
		return started(ctx, err)
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
		defer cancel()
		if err := o.events.Close(after); failed == nil && err != nil {
			failed = fmt.Errorf("closing the audit log: %w", err)
		}
	}()
	health.Started(
		node.Check{Name: "keys", Probe: o.backends.Keys.Ping}, node.Check{Name: "objects", Probe: o.backends.Store.Ping},
		node.Check{Name: "audit", Probe: func(ctx context.Context) error { return o.events.Ready(ctx, audit.Spooled) }},
	)
	defer health.Stopping()
	o.watched.Serving(node.Served{Health: health, Backends: o.backends, Custodian: o.custodian, Audit: o.events})
	err = do(ctx, o)
	o.explain(ctx, err)
	return err
}

// explain logs what stands behind an error whose message does not tell it: that a
// store refuses us, and not only that it can't be used.
func (o operation) explain(ctx context.Context, err error) {
	var known *fault.Error
	if errors.As(err, &known) && known.Err != nil && ctx.Err() == nil {
		o.log.ErrorContext(ctx, "broken off", "reason", known.Reason, "cause", fault.Cause(err))
	}
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
