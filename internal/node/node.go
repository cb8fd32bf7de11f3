package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/server"
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
	server    *server.Server
	listener  net.Listener
	log       *slog.Logger
	patience  time.Duration
	served    chan error // what Serve gave, once
}

// Start opens the back ends, waits for them if they are away, and serves. The
// error wraps [ErrAway] where they stayed away for start_timeout. The node lives
// on after ctx, until [Node.Stop].
func Start(ctx context.Context, o Options) (*Node, error) {
	n := &Node{
		backends: o.Backends,
		log:      cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		patience: o.Config.ShutdownTimeout,
		served:   make(chan error, 1),
	}
	if err := n.start(ctx, o); err != nil {
		return nil, errors.Join(err, n.close())
	}
	go func() {
		err := n.server.Serve(n.listener)
		if errors.Is(err, grpc.ErrServerStopped) {
			err = nil // stopped before it had begun
		}
		n.served <- err
	}()
	n.log.Info("serving", "address", n.Address(), "institutes", len(o.Config.Institutes))
	return n, nil
}

func (n *Node) start(ctx context.Context, o Options) error {
	for _, warning := range o.Config.Warnings() {
		n.log.Warn(warning)
	}
	certificates, err := loadTLS(o.Config.TLS) // a mistake in them shows before any waiting
	if err != nil {
		return err
	}
	if err := n.open(ctx, o); err != nil {
		return err
	}
	n.server, err = server.New(server.Config{
		Custodian: n.custodian, TLS: certificates, Reflection: o.Reflection, Log: n.log, Ready: n.backends.Ready,
	})
	if err != nil {
		return err
	}
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
			if err := custody.Prepare(ctx, b.Keys, b.Store); err != nil {
				return err
			}
		}
		n.custodian, err = b.Custodian(ctx, o.Now)
		return err
	}
	if n.backends != nil {
		return first(ctx, n.backends)
	}
	n.backends, err = Await(ctx, o.Config, n.log, first)
	return err
}

// Address is where the node listens, host:port.
func (n *Node) Address() string { return n.listener.Addr().String() }

// Custodian is what the server works with.
func (n *Node) Custodian() *custody.Custodian { return n.custodian }

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
	n.server.Shutdown(ctx)
	err := errors.Join(<-n.served, n.close())
	n.log.Info("stopped")
	return err
}

// close closes what was opened.
func (n *Node) close() (err error) {
	if n.listener != nil {
		if err = n.listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil // by the server
		}
	}
	if n.backends != nil {
		err = errors.Join(err, n.backends.Close())
	}
	return err
}

// loadTLS reads who the server is and whom it lets in.
func loadTLS(c config.TLS) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file and tls.key_file: %w", err)
	}
	pem, err := os.ReadFile(c.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca_file: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(pem) {
		return nil, errors.New("tls.client_ca_file: no certificate in it")
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		Certificates: []tls.Certificate{own},
		ClientCAs:    clients,
	}, nil
}
