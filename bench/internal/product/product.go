// Package product runs wertfach itself for the benchmark: the built binary as a
// process of its own, so that its memory and its start are its alone, and a
// client with TLS on both sides, as portals have it.
//
// For profiles there is also a server within the benchmark's process.
package product

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/wertfach/wertfach/bench/internal/site"
	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/profile"
	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Product is a running server.
type Product struct {
	// Client talks to it.
	Client *client.Client
	// Pid is the server's process.
	Pid int
	// Started is how long it took from the start of the process to the first
	// answer of an RPC; zero for a server within this process.
	Started time.Duration

	config client.Config
	stop   func() error
}

// Stop stops the server.
func (p *Product) Stop() error { return errors.Join(p.Client.Close(), p.stop()) }

// Officers opens clients of two privacy officers: one asks for erasures, the other
// confirms them. The caller closes both.
func (p *Product) Officers(s *site.Site) (asks, confirms *client.Client, err error) {
	both := s.Officers(p.config.Address)
	if asks, err = open(both[0]); err != nil {
		return nil, nil, err
	}
	if confirms, err = open(both[1]); err != nil {
		return nil, nil, errors.Join(err, asks.Close())
	}
	return asks, confirms, nil
}

// Dial opens one more client with connections of its own.
func (p *Product) Dial() (*client.Client, error) { return open(p.config) }

// open makes a client that tries a call once only: what fails must show.
func open(c client.Config, options ...grpc.DialOption) (*client.Client, error) {
	c.Attempts = 1
	c.DialOptions = options
	return client.Open(c)
}

// Serve runs `wertfach serve` on the site. Its first answer is the list of that
// customer's artefacts; a customer who is not enrolled will do.
func Serve(ctx context.Context, bin, dir string, s *site.Site, customer string) (*Product, error) {
	return start(ctx, bin, dir, customer, func(address string) ([]string, error) {
		file := filepath.Join(dir, "wertfach.yaml")
		return []string{"serve", "--config", file}, s.Config(file, address)
	}, func(_ context.Context, address string) (client.Config, error) { return s.Client(address), nil })
}

// Dev runs `wertfach dev` in a fresh data folder.
func Dev(ctx context.Context, bin, dir string) (*Product, error) {
	return start(ctx, bin, dir, "institutes/none/customers/none", func(address string) ([]string, error) {
		return []string{"dev", "--data", filepath.Join(dir, "data"), "--listen", address}, nil
	}, func(ctx context.Context, _ string) (client.Config, error) {
		p, err := await(ctx, filepath.Join(dir, "data", "clients", "portal.yaml"))
		return client.Config{Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile}, err
	})
}

// start runs the binary and measures the time to its first answer. The clock
// begins right before the process does; args is called then.
func start(ctx context.Context, bin, dir, customer string, args func(address string) ([]string, error),
	reach func(ctx context.Context, address string) (client.Config, error)) (*Product, error) {
	p := &Product{}
	var begun time.Time
	process, err := testenv.Start(ctx, testenv.Command{
		Path:  bin,
		Dir:   dir,
		Ports: 1,
		Args: func(addresses []string) ([]string, error) {
			list, err := args(addresses[0])
			begun = time.Now()
			return list, err
		},
		Ready: func(ctx context.Context, addresses []string) (err error) {
			if p.config, err = reach(ctx, addresses[0]); err != nil {
				return err
			}
			if err := answers(ctx, p.config, customer); err != nil {
				return err
			}
			p.Started = time.Since(begun)
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	p.Pid, p.stop = process.Pid(), process.Stop
	if p.Client, err = p.Dial(); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	return p, nil
}

// eager dials a server that is about to listen again after a millisecond, not
// after the client's usual tenth of a second: what is measured is the server.
var eager = grpc.WithConnectParams(grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: time.Millisecond},
	MinConnectTimeout: time.Second,
})

// answers is nil once the server has answered a call. That it does not know the
// customer is an answer.
func answers(ctx context.Context, c client.Config, customer string) error {
	asking, err := open(c, eager, grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		return err
	}
	defer asking.Close()
	_, err = asking.Artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: customer})
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// await reads a profile as soon as it is there.
func await(ctx context.Context, file string) (profile.Profile, error) {
	for {
		p, err := profile.Read(file)
		if !errors.Is(err, os.ErrNotExist) {
			return p, err
		}
		select {
		case <-ctx.Done():
			return p, err
		case <-time.After(time.Millisecond):
		}
	}
}

// Within runs a server in this process. Samples of its work in a processor
// profile carry the label side=server.
func Within(ctx context.Context, dir string, s *site.Site) (*Product, error) {
	file := filepath.Join(dir, "wertfach.yaml")
	if err := errors.Join(os.MkdirAll(dir, 0o700), s.Config(file, "127.0.0.1:0")); err != nil {
		return nil, err
	}
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	logs, err := os.Create(filepath.Join(dir, "output.log"))
	if err != nil {
		return nil, err
	}
	var n *node.Node
	pprof.Do(ctx, pprof.Labels("side", "server"), func(ctx context.Context) {
		n, err = node.Start(ctx, node.Options{Config: c, Log: slog.New(slog.NewJSONHandler(logs, nil))})
	})
	if err != nil {
		return nil, errors.Join(err, logs.Close())
	}
	p := &Product{Pid: os.Getpid(), config: s.Client(n.Address())}
	p.stop = func() error { return errors.Join(n.Stop(context.WithoutCancel(ctx)), logs.Close()) }
	if p.Client, err = p.Dial(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}
