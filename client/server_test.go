package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/internal/pki"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// certificates are those of one authority, for a server and a client.
type certificates struct {
	ca             string
	server, client pki.Pair
}

func newCertificates(t *testing.T) certificates {
	t.Helper()
	authority, err := pki.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := certificates{ca: authority.CAFile()}
	if c.server, err = authority.Server("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if c.client, err = authority.Client("portal", "test"); err != nil {
		t.Fatal(err)
	}
	return c
}

// renew replaces the client's certificate.
func (c certificates) renew(t *testing.T) {
	t.Helper()
	authority, err := pki.Open(filepath.Dir(c.ca), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Client("portal", "test"); err != nil {
		t.Fatal(err)
	}
}

// config is that of a client of the server at address.
func (c certificates) config(address string) client.Config {
	return client.Config{Address: address, CAFile: c.ca, CertFile: c.client.CertFile, KeyFile: c.client.KeyFile}
}

// tls is the server's side of it.
func (c certificates) tls(t *testing.T) *tls.Config {
	t.Helper()
	own, err := tls.LoadX509KeyPair(c.server.CertFile, c.server.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.ca)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(text) {
		t.Fatal("no certificate of an authority")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}
}

// services are what a test's server offers; nil ones answer UNIMPLEMENTED.
type services struct {
	customers wertfachv1.CustomerServiceServer
	artefacts wertfachv1.ArtefactServiceServer
	privacy   wertfachv1.PrivacyServiceServer
}

// serve starts a server on loopback and gives its address.
func serve(t *testing.T, secure *tls.Config, s services, opts ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(opts, grpc.Creds(credentials.NewTLS(secure)))...)
	if s.customers != nil {
		wertfachv1.RegisterCustomerServiceServer(server, s.customers)
	}
	if s.artefacts != nil {
		wertfachv1.RegisterArtefactServiceServer(server, s.artefacts)
	}
	if s.privacy != nil {
		wertfachv1.RegisterPrivacyServiceServer(server, s.privacy)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		// A test that needs no answer may be over before the server has begun.
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serving: %v", err)
		}
	})
	return listener.Addr().String()
}

// open gives a client of a server with these services.
func open(t *testing.T, s services) *client.Client {
	t.Helper()
	c := newCertificates(t)
	return dial(t, c.config(serve(t, c.tls(t), s)))
}

func dial(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	vault, err := client.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := vault.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return vault
}

// script answers the calls of a test one after the other: with the next error,
// and when there are none left, with success. It remembers what was asked.
type script[T any] struct {
	mu     sync.Mutex
	errors []error
	asked  []T
}

func (s *script[T]) next(req T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req)
	if len(s.errors) == 0 {
		return nil
	}
	err := s.errors[0]
	s.errors = s.errors[1:]
	return err
}

func (s *script[T]) requests() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]T(nil), s.asked...)
}
