// Package devserver is a whole wertfach in one process, for development, tests
// and examples: the embedded store, a keyring, certificates and an issuer of
// tokens of its own, sample institutes and people, in one folder and on loopback.
//
//	dev, err := devserver.Start(ctx, dir, devserver.Options{})
//	…
//	conn, err := grpc.NewClient(dev.Address(), grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
//
// What the folder holds is kept for the next start:
//
//	store.db                  all objects
//	keys/                     all keys. They lie beside the data!
//	attest.pem                the public keys that verify erasure receipts
//	pki/                      the authority, and the server's certificate
//	clients/ROLE.yaml         a client profile for each role, its certificate and
//	                          the authority's beside it
//	clients/PERSON.yaml       one for each sample agent and privacy officer, and the
//	                          person's token, which is renewed while the server runs
//	issuer/                   the key and address of the issuer of those tokens
//	audit.db, spool.db        the audit log
//
// Roles of people (hotline, privacy-officer) take a token: ROLE.yaml names that of
// the role's first person ([People]).
//
// It is the server of `wertfach dev`; deployments run `wertfach serve`.
package devserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/atomicfile"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/vault"
)

// Options change what Start starts. The zero value is right for tests.
type Options struct {
	// Listen is the address to serve on, a loopback one; a free port of
	// 127.0.0.1 where empty.
	Listen string
	// AnyPort takes a free port where the one in Listen is taken.
	AnyPort bool
	// Institutes are served in place of [Institutes].
	Institutes []config.Institute
	// Callers are the machines that may call, in place of one kind for each role
	// at all institutes.
	Callers []config.Caller
	// Limits bound what customers can store.
	Limits config.Limits
	// ShutdownTimeout is how long [Dev.Run] lets calls finish; 10s where zero.
	ShutdownTimeout time.Duration
	// SweepEvery has a sweep run again and again, as another process can't while
	// this one has the store; never where zero.
	SweepEvery time.Duration
	// Log takes what the server says; discarded where nil.
	Log *slog.Logger
	// Now is the clock; time.Now where nil. Certificates and tokens keep real
	// time.
	Now func() time.Time

	renewEvery time.Duration // for tests
}

// Institutes are the banks of a development server: one that keeps to the rule
// about card verification codes, and one that issued its cards itself.
func Institutes() []config.Institute {
	return []config.Institute{
		{ID: "musterbank"},
		{ID: "kartenbank", CardVerificationCodeReason: "issuer of the cards; sample institute"},
	}
}

// ErrInUse is a folder that another development server works in.
var ErrInUse = errors.New("another wertfach works in this folder")

// ErrNotLoopback is an address that other machines could reach.
var ErrNotLoopback = errors.New("a development server listens on loopback only, such as 127.0.0.1:0")

const (
	startTimeout    = 10 * time.Second
	shutdownTimeout = 10 * time.Second
	// keysFile holds the public keys within the folder.
	keysFile = "attest.pem"
)

// Dev is a running development server.
type Dev struct {
	node         *node.Node
	dir          string
	address      string
	certificates *certificates
	issuer       *devissuer.Issuer
	working      sync.WaitGroup // what goes on beside the server
	stopping     context.CancelFunc
}

// Start starts a server in the folder, which it makes where it is missing. The
// error wraps [ErrInUse] where another one works there. The server lives on
// after ctx, until [Dev.Stop].
func Start(ctx context.Context, dir string, o Options) (*Dev, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	d := &Dev{dir: dir, stopping: func() {}}
	err = d.start(ctx, o)
	if errors.Is(err, embedded.ErrInUse) {
		err = fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	ctx, d.stopping = context.WithCancel(context.WithoutCancel(ctx))
	d.working.Go(func() { d.renew(ctx, cmp.Or(o.renewEvery, renewEvery), logger(o)) })
	return d, nil
}

func logger(o Options) *slog.Logger { return cmp.Or(o.Log, slog.New(slog.DiscardHandler)) }

// start opens the store first: it is locked then, and so the folder is ours.
func (d *Dev) start(ctx context.Context, o Options) error {
	address, err := parseAddress(cmp.Or(o.Listen, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	c := &config.Config{
		Callers: o.Callers, Institutes: institutes(o.Institutes), Limits: o.Limits,
		Keyring:      &config.Keyring{Dir: filepath.Join(d.dir, "keys")},
		Embedded:     &config.Embedded{File: filepath.Join(d.dir, "store.db")},
		Audit:        config.Audit{SpoolFile: filepath.Join(d.dir, "spool.db"), File: filepath.Join(d.dir, "audit.db")},
		StartTimeout: startTimeout, ShutdownTimeout: cmp.Or(o.ShutdownTimeout, shutdownTimeout),
		Sweep: config.Sweep{Every: o.SweepEvery},
	}
	if len(c.Callers) == 0 {
		c.Callers = callers()
	}
	log := logger(o)
	backends, err := node.Open(ctx, c, log)
	if err != nil {
		return err
	}
	if d.certificates, err = prepare(d.dir, address.host); err == nil {
		err = d.people()
	}
	if err != nil {
		return errors.Join(err, backends.Close())
	}
	c.TLS, c.Issuers = d.certificates.server, issuers(d.issuer.URL())
	d.node, err = node.Start(ctx, node.Options{
		Config: c, Log: log, Prepare: true, Reflection: true, Backends: backends, Now: o.Now, Principal: "wertfach dev",
		Listen: func(ctx context.Context) (net.Listener, error) {
			if err := writeKeys(ctx, backends.Keys, d.KeysFile()); err != nil {
				return nil, err
			}
			return d.listen(ctx, address, o.AnyPort)
		},
	})
	return err
}

// writeKeys writes the public keys that verify receipts.
func writeKeys(ctx context.Context, keys *vault.Keys, file string) error {
	public, err := custody.PublicKeys(ctx, keys)
	if err == nil {
		err = atomicfile.Write(file, public, 0o644)
	}
	if err != nil {
		return fmt.Errorf("public keys: %w", err)
	}
	return nil
}

// Dir is the server's folder, an absolute path.
func (d *Dev) Dir() string { return d.dir }

// Address is where the server listens, host:port.
func (d *Dev) Address() string { return d.address }

// Custodian is what the server works with, for tests that look behind the API.
func (d *Dev) Custodian() *custody.Custodian { return d.node.Custodian() }

// Backends are the keys and objects themselves, likewise.
func (d *Dev) Backends() *node.Backends { return d.node.Backends() }

// KeysFile is the file of the public keys that verify erasure receipts.
func (d *Dev) KeysFile() string { return filepath.Join(d.dir, keysFile) }

// Run waits until ctx ends, and then stops the server. It returns early, with
// an error, if the server stops by itself.
func (d *Dev) Run(ctx context.Context) error {
	context.AfterFunc(ctx, d.stopping)
	err := d.node.Run(ctx)
	d.stopping()
	return errors.Join(err, d.close())
}

// Stop lets calls finish until ctx ends, and stops. It is called once, and not
// after Run.
func (d *Dev) Stop(ctx context.Context) error {
	d.stopping()
	d.working.Wait()
	return errors.Join(d.node.Stop(ctx), d.close())
}

// close ends what is beside the server.
func (d *Dev) close() error {
	d.working.Wait()
	if d.issuer == nil {
		return nil
	}
	return d.issuer.Close()
}

func institutes(given []config.Institute) []config.Institute {
	if len(given) > 0 {
		return given
	}
	return Institutes()
}
