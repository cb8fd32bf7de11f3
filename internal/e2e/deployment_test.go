package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/vault"
)

// The institutes that are served: one that keeps no card verification codes,
// and one that issued its cards and may.
const (
	bank   = "institutes/musterbank"
	issuer = "institutes/kartenbank"
)

// deployment is a server at work on back ends.
type deployment struct {
	*backends
	custodian *custody.Custodian
	keys      *vault.Keys
	store     *blobstore.Store
	edge      *servertest.Edge
	server    *server.Server
	address   string
	log       *journal
	authority *pki.Authority
}

// deploy prepares the back ends where they are fresh and starts a server on a
// free port of loopback. It is shut down when the test ends.
func deploy(t testing.TB, b *backends, limits custody.Limits) *deployment {
	t.Helper()
	d := &deployment{backends: b, log: newJournal()}
	b.prepare(t)
	d.keys, d.store = b.connect(t)
	secret, err := custody.LoadIndexSecret(t.Context(), d.keys, d.store)
	if err != nil {
		t.Fatal(err)
	}
	d.custodian, err = custody.New(custody.Config{
		Keys: d.keys, Store: d.store, Limits: limits, Log: d.log.logger(),
		Institutes: []custody.Institute{
			{ID: strings.TrimPrefix(bank, "institutes/"), Retention: custodytest.AtContractEnd()},
			{
				ID: strings.TrimPrefix(issuer, "institutes/"), CardVerificationCode: "issuing bank, recurring payments",
				Retention: custodytest.AtContractEnd(),
			},
		},
	}, secret)
	if err != nil {
		t.Fatal(err)
	}
	if d.authority, err = pki.Open(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	d.start(t)
	return d
}

// start serves on a free port.
func (d *deployment) start(t testing.TB) {
	t.Helper()
	pair, err := d.authority.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if d.edge == nil {
		d.edge = servertest.New(t, d.custodian, d.keys, d.store)
	}
	d.server, err = server.New(d.edge.Into(server.Config{
		Custodian: d.custodian,
		TLS:       &tls.Config{Certificates: []tls.Certificate{load(t, pair)}, ClientCAs: pool(t, d.authority)},
		Ready:     func(ctx context.Context) error { return errors.Join(d.keys.Ping(ctx), d.store.Ping(ctx)) },
		Log:       d.log.logger(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = listener.Addr().String()
	started, served := d.server, make(chan error, 1)
	go func() { served <- started.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		started.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func load(t testing.TB, pair pki.Pair) tls.Certificate {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pool(t testing.TB, a *pki.Authority) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's file holds no certificate")
	}
	return pool
}

// client opens the Go client as that role.
func (d *deployment) client(t testing.TB, role string) *client.Client {
	t.Helper()
	pair, err := d.authority.Client(role, "e2e")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(client.Config{
		Address: d.address, CertFile: pair.CertFile, KeyFile: pair.KeyFile, CAFile: d.authority.CAFile(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// dial opens a bare connection, which adds nothing to requests and repeats
// none. Each RPC is called by somebody who may call it.
func (d *deployment) dial(t testing.TB, options ...grpc.DialOption) grpc.ClientConnInterface {
	t.Helper()
	return servertest.Anybody(t, d.edge, func(role string) *grpc.ClientConn { return d.dialAs(t, role, options...) })
}

// officers are two privacy officers: one asks for erasures, the other confirms.
func (d *deployment) officers(t testing.TB) wertfachv1.LifecycleServiceClient {
	t.Helper()
	return wertfachv1.NewLifecycleServiceClient(d.dial(t))
}

// dialAs opens a bare connection as that role.
func (d *deployment) dialAs(t testing.TB, role string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	pair, err := d.authority.Client(role, "bare")
	if err != nil {
		t.Fatal(err)
	}
	secure := credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool(t, d.authority), Certificates: []tls.Certificate{load(t, pair)},
	})
	conn, err := grpc.NewClient(d.address, append(options, grpc.WithTransportCredentials(secure))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// snapshot is all that is kept: every object with its etag, and every key.
func (d *deployment) snapshot(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for info, err := range d.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(info.Name, segment.HeadFolder) { // of the audit log, which goes on
			fmt.Fprintln(&all, "object", info.Name, info.Size, info.ETag)
		}
	}
	for _, name := range d.keyNames(t) {
		fmt.Fprintln(&all, "key", name)
	}
	return all.String()
}

// unchanged runs something and complains where anything that is kept is not as
// it was.
func (d *deployment) unchanged(t testing.TB, what string, run func()) {
	t.Helper()
	before := d.snapshot(t)
	run()
	if after := d.snapshot(t); after != before {
		t.Errorf("%s changed what is kept:\n%s", what, difference(before, after))
	}
}

// difference is what is only in one of two snapshots.
func difference(before, after string) string {
	var out strings.Builder
	for line := range strings.Lines(before) {
		if !strings.Contains(after, line) {
			out.WriteString("- " + line)
		}
	}
	for line := range strings.Lines(after) {
		if !strings.Contains(before, line) {
			out.WriteString("+ " + line)
		}
	}
	return out.String()
}

// objects counts the objects whose names begin with a prefix.
func (d *deployment) objects(t testing.TB, prefix string) int {
	t.Helper()
	n := 0
	for _, err := range d.store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
