package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
)

// Options say what to run, and how.
type Options struct {
	// Config is the server's configuration. Required.
	Config *config.Config
	// Log takes what the server says; discarded where nil.
	Log *slog.Logger
	// Backends are used in place of those that the configuration names, and are
	// not waited for. The node closes them, also where Start fails.
	Backends *Backends
	// Prepare makes the back ends ready for use first, as `wertfach init` does.
	// The rights that it takes are not those of a deployed server.
	Prepare bool
	// Principal is who runs the server, for the events of its sweeps, where the
	// configuration has it sweep.
	Principal string
	// Version is the program's own, for metrics and traces.
	Version string
	// Reflection offers the schema to tools such as grpcurl.
	Reflection bool
	// Listen gives the listener to serve on, in place of one on the configured
	// address. It is called once all else is ready, so that who can connect is
	// served.
	Listen func(context.Context) (net.Listener, error)
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// Node is a running server.
type Node struct {
	backends  *Backends
	custodian *custody.Custodian
	audit     *AuditLog
	identity  *identity.Registry
	limits    *limit.Limiter
	health    *Health
	watched   *Watched
	server    *server.Server
	listener  net.Listener
	log       *slog.Logger
	patience  time.Duration
	served    chan error // what Serve gave, once
	sweeps    *sweeping  // nil where it does not sweep
}

// Start opens the back ends, waits for them if they are away, and serves. The
// error wraps [ErrAway] where they stayed away for start_timeout. The node lives
// on after ctx, until [Node.Stop].
func Start(ctx context.Context, o Options) (*Node, error) {
	n := &Node{
		backends: o.Backends,
		log:      cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		patience: o.Config.ShutdownTimeout,
		health:   NewHealth(cmp.Or(o.Log, slog.New(slog.DiscardHandler))),
		served:   make(chan error, 1),
	}
	if err := n.start(ctx, o); err != nil {
		return nil, errors.Join(err, n.close(context.WithoutCancel(ctx)))
	}
	go func() {
		err := n.server.Serve(n.listener)
		if errors.Is(err, grpc.ErrServerStopped) {
			err = nil // stopped before it had begun
		}
		n.served <- err
	}()
	n.sweep(o.Config.Sweep, o.Principal)
	n.log.Info("serving", "address", n.Address(), "institutes", len(o.Config.Institutes))
	return n, nil
}

func (n *Node) start(ctx context.Context, o Options) error {
	for _, warning := range o.Config.Warnings() {
		n.log.Warn(warning)
	}
	certificates, err := files(o.Config.TLS, n.log).Config() // a mistake in them shows before any waiting
	if err != nil {
		return err
	}
	if n.watched, err = Watch(ctx, o.Config, o.Version, n.health, n.log); err != nil {
		return err
	}
	n.log = n.watched.Logger(n.log)
	who := o.Config.Identity()
	who.Log = n.log // certificates and tokens keep real time
	if n.identity, err = identity.New(who); err != nil {
		return err
	}
	machines, people := limits(o.Config.Calls)
	n.limits = limit.New(machines, people, nil)
	if err := n.open(ctx, o); err != nil {
		return err
	}
	if n.audit, err = n.backends.Audit(ctx, n.custodian, o.Now); err != nil {
		return err
	}
	if err := n.consistent(ctx, o); err != nil {
		return err
	}
	n.health.Started(
		Check{"keys", n.backends.Keys.Ping}, Check{"objects", n.backends.Store.Ping}, Check{"receipts", n.notRestored},
		Check{"audit", func(ctx context.Context) error { return n.audit.Ready(ctx, audit.Spooled) }},
	)
	n.server, err = server.New(server.Config{
		Custodian: n.custodian, TLS: certificates, Identity: n.identity, Limits: n.limits, Timeout: o.Config.Calls.Timeout,
		Connections: connections(o.Config.Connections), Record: n.audit, Events: n.backends.Events(), Ready: n.health.Ready, Reflection: o.Reflection, Log: n.log, Now: o.Now,
		Refused: n.watched.Refused, Handshakes: n.watched.Credentials, Options: n.watched.ServerOptions(),
	})
	if err != nil {
		return err
	}
	n.watched.Serving(Served{
		Health: n.health, Backends: n.backends, Custodian: n.custodian, Audit: n.audit, TLS: certificates, Connections: n.server.Connections,
	})
	listen := o.Listen
	if listen == nil {
		listen = func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", o.Config.Listen)
		}
	}
	n.listener, err = listen(ctx)
	return err
}

// open opens the back ends, where they are not given, and what stands on them.
func (n *Node) open(ctx context.Context, o Options) (err error) {
	first := func(ctx context.Context, b *Backends) (err error) {
		if o.Prepare {
			if err := b.Prepare(ctx); err != nil {
				return err
			}
		}
		n.custodian, err = b.Custodian(ctx, o.Now)
		return err
	}
	if n.backends != nil {
		return first(ctx, n.backends)
	}
	n.backends, err = Await(ctx, o.Config, n.log, first, ObservedBy(n.watched.Telemetry))
	return err
}

// notRestored is whether the back ends are as new as the last erasures. That it
// can't be told, because the locked store is away, is no reason not to serve.
func (n *Node) notRestored(ctx context.Context) error {
	err := n.custodian.Consistent(ctx)
	if errors.Is(err, custody.ErrRestored) {
		return err
	}
	if err != nil {
		n.log.DebugContext(ctx, "whether a backup was restored can't be told now", "cause", fault.Cause(err))
	}
	return nil
}

// restoredTime is how long the start waits at most to hear whether a backup was
// restored: a locked store that stands still must not keep a server from serving.
const restoredTime = 5 * time.Second

// consistent refuses to serve what a restored backup has brought back. A node that
// prepares its own back ends, on one machine, destroys it again by itself.
func (n *Node) consistent(ctx context.Context, o Options) error {
	asking, cancel := context.WithTimeout(ctx, restoredTime)
	defer cancel()
	err := n.notRestored(asking)
	if err == nil || !o.Prepare {
		return err
	}
	n.log.Warn("a backup from before the last erasures was restored: what was erased is destroyed again")
	report, err := n.custodian.AfterRestore(ctx, time.Time{}, custody.SweepOptions{Recorder: n.audit, Principal: "process://wertfach"})
	if err != nil {
		return err
	}
	n.log.Info("destroyed again what came back", "receipts", report.PutBack, "customers", report.Destroyed, "failures", report.Failures)
	return n.notRestored(ctx)
}

// Address is where the node listens, host:port.
func (n *Node) Address() string { return n.listener.Addr().String() }

// Update takes callers, issuers and limits of a configuration that has changed;
// the rest of it takes a restart. With an error nothing changes.
func (n *Node) Update(c *config.Config) error {
	if err := n.identity.Update(c.Identity()); err != nil {
		return err
	}
	n.limits.Set(limits(c.Calls))
	n.server.SetTimeout(c.Calls.Timeout)
	return nil
}

// Custodian is what the server works with.
func (n *Node) Custodian() *custody.Custodian { return n.custodian }

// Watched is what tells how the node works.
func (n *Node) Watched() *Watched { return n.watched }

// Audit is the audit log of the node.
func (n *Node) Audit() *AuditLog { return n.audit }

// Backends are what the custodian works with.
func (n *Node) Backends() *Backends { return n.backends }

// Run waits until ctx ends, and then stops the node within its shutdown_timeout.
// It returns early, with an error, if the server stops by itself.
func (n *Node) Run(ctx context.Context) error {
	var failed error
	select {
	case <-ctx.Done():
		n.log.Info("stopping", "at_most", n.patience)
	case err := <-n.served:
		failed = fmt.Errorf("serving: %w", cmp.Or(err, errors.New("the server stopped")))
		n.served <- nil
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.patience)
	defer cancel()
	return errors.Join(failed, n.Stop(patience))
}

// Stop takes no further calls, lets those under way finish, cuts them off when
// ctx ends, and closes the back ends after the last. It is called once.
func (n *Node) Stop(ctx context.Context) error {
	n.health.Stopping()
	n.sweeps.halt()
	n.server.Shutdown(ctx)
	n.sweeps.end(ctx)
	err := errors.Join(<-n.served, n.close(ctx))
	n.log.Info("stopped")
	return err
}

// closing is how long a log may take to ship what is left, even where nothing is
// left of the time to stop.
const closing = 2 * time.Second

// close closes what was opened.
func (n *Node) close(ctx context.Context) (err error) {
	if n.listener != nil {
		if err = n.listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil // by the server
		}
	}
	if n.audit != nil {
		// What can't be shipped now is by the next start: no reason to fail.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		if late := n.audit.Close(ctx); late != nil {
			n.log.Warn("the audit log was not closed", "cause", late)
		}
	}
	if n.watched != nil {
		err = errors.Join(err, n.watched.Close(ctx))
	}
	if n.backends != nil {
		err = errors.Join(err, n.backends.Close())
	}
	return err
}

// files are who the server is and whom it lets in.
func files(c config.TLS, log *slog.Logger) identity.Files {
	return identity.Files{Cert: c.CertFile, Key: c.KeyFile, ClientCA: c.ClientCAFile, Log: log}
}
