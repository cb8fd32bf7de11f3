package node_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/pki"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// What a node says of TLS files that it finds changed.
const (
	renewed  = `"msg":"renewed TLS files are in force"`
	unusable = `"level":"WARN","msg":"renewed TLS files can't be used; the old ones stay in force"`
)

// renewing is a node whose TLS files a test replaces.
type renewing struct {
	node *node.Node
	tls  config.TLS
	log  *journal
	// trusted are the authorities of all servers, old and new: what is tried is
	// whom the server takes.
	trusted *x509.CertPool
}

// renew starts a node with the files of the first identity, in a folder of its own.
func renew(t *testing.T, first identity, others ...identity) *renewing {
	t.Helper()
	dir := t.TempDir()
	r := &renewing{
		tls: config.TLS{
			CertFile: filepath.Join(dir, "server.pem"), KeyFile: filepath.Join(dir, "server-key.pem"), ClientCAFile: filepath.Join(dir, "clients.pem"),
		},
		log: newJournal(), trusted: x509.NewCertPool(),
	}
	for _, id := range append(others, first) {
		r.trusted.AppendCertsFromPEM(content(t, id.ca))
	}
	put(t, r.tls.CertFile, content(t, first.server.CertFile))
	put(t, r.tls.KeyFile, content(t, first.server.KeyFile))
	put(t, r.tls.ClientCAFile, content(t, first.ca))
	c := embedded(t, first)
	c.TLS = r.tls
	r.node = start(t, node.Options{Config: c, Prepare: true, Log: r.log.logger})
	return r
}

func put(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// connection is one of a caller.
type connection struct{ *grpc.ClientConn }

// connect makes a connection that begins with its first call.
func (r *renewing) connect(t *testing.T, as pki.Pair) connection {
	t.Helper()
	return connection{dial(t, r.node, as, r.trusted)}
}

// call reads a customer that is not there, and gives the certificate with which
// the connection began. NOT_FOUND is the answer for a caller who may ask.
func (c connection) call(t *testing.T) (server *x509.Certificate, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var from peer.Peer
	_, err = wertfachv1.NewCustomerServiceClient(c).GetCustomer(ctx,
		&wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/4711"}, grpc.Peer(&from))
	if info, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
		server = info.State.PeerCertificates[0]
	}
	return server, err
}

// serves wants a caller to be served on a connection that began, or begins, with
// the certificate of that server.
func (c connection) serves(t *testing.T, what string, server pki.Pair) {
	t.Helper()
	got, err := c.call(t)
	if status.Code(err) != codes.NotFound {
		t.Fatalf("%s: %v", what, err)
	}
	if !got.Equal(leaf(t, server)) {
		t.Fatalf("%s: the server shows another certificate", what)
	}
}

func leaf(t *testing.T, p pki.Pair) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

// until tries again and again until done says so. The node looks at its files
// when connections begin, at most every two seconds.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// logged is how often the node has said something.
func (r *renewing) logged(what string) int { return strings.Count(r.log.String(), what) }

// TestRenewedCertificate: a certificate that is replaced on disk is that of new
// connections, once it is there with its key. Until then, and when it is cut, the
// old one serves on, and the log warns once. Connections that exist go on.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	first, second := newIdentity(t), newIdentity(t)
	r := renew(t, first, second)
	old := r.connect(t, first.client)
	old.serves(t, "at first", first.server)

	// spoil does what can't be used, and wants connections to begin as before.
	spoil := func(what string, server pki.Pair, do func()) {
		t.Helper()
		before := r.logged(unusable)
		do()
		until(t, what+": a warning", func() bool {
			r.connect(t, first.client).serves(t, what, server)
			return r.logged(unusable) > before
		})
		r.connect(t, first.client).serves(t, what+", after the warning", server)
		if n := r.logged(unusable) - before; n != 1 {
			t.Errorf("%s: %d warnings", what, n)
		}
		old.serves(t, what+", a connection from before", first.server)
	}
	// mend puts what can be used, and wants connections to begin with it.
	mend := func(what string, was, server pki.Pair, do func()) {
		t.Helper()
		before := r.logged(renewed)
		do()
		until(t, what, func() bool {
			got, err := r.connect(t, first.client).call(t)
			if status.Code(err) != codes.NotFound {
				t.Fatalf("%s: %v", what, err)
			}
			if !got.Equal(leaf(t, was)) && !got.Equal(leaf(t, server)) {
				t.Fatalf("%s: a certificate that is neither the old nor the new one", what)
			}
			return got.Equal(leaf(t, server))
		})
		if n := r.logged(renewed) - before; n != 1 {
			t.Errorf("%s: the renewal is logged %d times", what, n)
		}
		old.serves(t, what+", a connection from before", first.server)
	}

	whole := content(t, second.server.CertFile)
	spoil("half a certificate", first.server, func() { put(t, r.tls.CertFile, whole[:len(whole)/2]) })
	spoil("without its key", first.server, func() { put(t, r.tls.CertFile, whole) })
	mend("with its key", first.server, second.server, func() { put(t, r.tls.KeyFile, content(t, second.server.KeyFile)) })
	spoil("no key", second.server, func() {
		if err := os.Remove(r.tls.KeyFile); err != nil {
			t.Fatal(err)
		}
	})
	mend("back", second.server, first.server, func() {
		put(t, r.tls.CertFile, content(t, first.server.CertFile))
		put(t, r.tls.KeyFile, content(t, first.server.KeyFile))
	})
	if log := r.log.String(); strings.Contains(log, "PRIVATE KEY") || strings.Contains(log, "BEGIN CERTIFICATE") {
		t.Errorf("the log holds what is in the files:\n%s", log)
	}
}

// TestRenewedAuthority: whoever comes with a certificate of an authority that is
// trusted no more gets no further connection; the one that exists goes on, as
// docs/operations.md has it. A list of authorities that can't be read changes
// nothing: neither is everybody let in, nor nobody.
func TestRenewedAuthority(t *testing.T) {
	t.Parallel()
	first, second := newIdentity(t), newIdentity(t)
	r := renew(t, first, second)
	old := r.connect(t, first.client)
	old.serves(t, "at first", first.server)
	refused := func(as identity) bool {
		t.Helper()
		_, err := r.connect(t, as.client).call(t)
		switch status.Code(err) {
		case codes.Unavailable:
			return true
		case codes.NotFound:
			return false
		}
		t.Fatalf("neither served nor refused: %v", err)
		return false
	}
	if !refused(second) {
		t.Fatal("a caller of an unknown authority got in")
	}

	put(t, r.tls.ClientCAFile, content(t, second.ca))
	until(t, "the old authority's caller is refused", func() bool { return refused(first) })
	r.connect(t, second.client).serves(t, "the new authority's caller", first.server)
	old.serves(t, "the old authority's connection from before", first.server)

	put(t, r.tls.ClientCAFile, nil)
	until(t, "an empty list of authorities: a warning", func() bool {
		r.connect(t, second.client).serves(t, "with an empty list, the trusted authority's caller", first.server)
		return r.logged(unusable) == 1
	})
	if !refused(first) {
		t.Error("with an empty list of authorities a caller got in that is trusted no more")
	}
	r.connect(t, second.client).serves(t, "with an empty list, after the warning", first.server)

	put(t, r.tls.ClientCAFile, append(content(t, first.ca), content(t, second.ca)...))
	until(t, "both authorities", func() bool { return !refused(first) })
	r.connect(t, second.client).serves(t, "beside the other authority", first.server)
	if n := r.logged(renewed); n != 2 {
		t.Errorf("two renewals are logged %d times", n)
	}
}
