package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// customers is a CustomerService that answers by a script.
type customers struct {
	wertfachv1.UnimplementedCustomerServiceServer
	gets script[string]
	sets script[*wertfachv1.SetServicesRequest]
	peer func(context.Context)
}

func (s *customers) GetCustomer(ctx context.Context, req *wertfachv1.GetCustomerRequest) (*wertfachv1.Customer, error) {
	if s.peer != nil {
		s.peer(ctx)
	}
	if err := s.gets.next(req.GetName()); err != nil {
		return nil, grpcfault.Status(err).Err()
	}
	return &wertfachv1.Customer{Name: req.GetName()}, nil
}

func (s *customers) SetServices(_ context.Context, req *wertfachv1.SetServicesRequest) (*wertfachv1.Customer, error) {
	if err := s.sets.next(req); err != nil {
		return nil, grpcfault.Status(err).Err()
	}
	return &wertfachv1.Customer{Name: req.GetName()}, nil
}

func get(ctx context.Context, vault *client.Client) error {
	_, err := vault.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: "institutes/a/customers/b"})
	return err
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	whole := c.config("127.0.0.1:1")
	for name, change := range map[string]func(*client.Config){
		"no address":        func(c *client.Config) { c.Address = "" },
		"no certificate":    func(c *client.Config) { c.CertFile = "" },
		"no key":            func(c *client.Config) { c.KeyFile = "" },
		"missing file":      func(c *client.Config) { c.CertFile = filepath.Join(dir, "none.pem") },
		"empty authority":   func(c *client.Config) { c.CAFile = empty },
		"missing authority": func(c *client.Config) { c.CAFile = filepath.Join(dir, "none.pem") },
		"TLS and files":     func(c *client.Config) { c.TLS = &tls.Config{} },
		"broken address":    func(c *client.Config) { c.Address = "dns://%zz/" },
	} {
		cfg := whole
		change(&cfg)
		if vault, err := client.Open(cfg); err == nil {
			vault.Close()
			t.Errorf("%s: opened", name)
		}
	}
	dial(t, whole)
}

func TestOnlyTLS13(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	old := c.tls(t)
	old.MaxVersion = tls.VersionTLS12
	own, err := tls.LoadX509KeyPair(c.client.CertFile, c.client.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, old, services{customers: &customers{}})
	lax := client.Config{Address: address, Attempts: 1, TLS: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, RootCAs: old.ClientCAs,
	}}
	files := c.config(address)
	files.Attempts = 1
	for name, cfg := range map[string]client.Config{"TLS": lax, "files": files} {
		err := get(t.Context(), dial(t, cfg))
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("%s: %v; want Unavailable for the protocol version", name, err)
		}
	}
	if err := get(t.Context(), dial(t, c.config(serve(t, c.tls(t), services{customers: &customers{}})))); err != nil {
		t.Errorf("with TLS 1.3: %v", err)
	}
}

func TestAServerOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	stranger := newCertificates(t)
	cfg := newCertificates(t).config(serve(t, stranger.tls(t), services{customers: &customers{}}))
	cfg.Attempts = 1
	err := get(t.Context(), dial(t, cfg))
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v; want Unavailable for the certificate", err)
	}
}

// A certificate that was renewed on disk is used by the next connection.
func TestRenewedCertificates(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	seen := make(chan string, 100)
	server := &customers{peer: func(ctx context.Context) {
		p, _ := peer.FromContext(ctx)
		seen <- p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0].SerialNumber.String()
	}}
	brief := grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: time.Millisecond, MaxConnectionAgeGrace: time.Minute})
	vault := dial(t, c.config(serve(t, c.tls(t), services{customers: server}, brief)))
	serial := func() string {
		if err := get(t.Context(), vault); err != nil {
			t.Fatal(err)
		}
		return <-seen
	}
	first := serial()
	cert, err := os.ReadFile(c.client.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(c.client.CertFile); err != nil {
		t.Fatal(err)
	}
	c.renew(t)
	if renewed, err := os.ReadFile(c.client.CertFile); err != nil || string(renewed) == string(cert) {
		t.Fatalf("not renewed: %v", err)
	}
	for serial() == first {
		if t.Context().Err() != nil {
			t.Fatal("the renewed certificate is not used")
		}
	}
}

func TestErrorsAreFaults(t *testing.T) {
	t.Parallel()
	thrown := fault.Fields(fault.Violation{Field: "customer.iban", Rule: "iban.checksum", Description: "must have a right checksum"})
	s := &customers{}
	s.gets.errors = []error{thrown}
	vault := open(t, services{customers: s, artefacts: &scans{download: []any{thrown}}})

	check := func(way string, err error) {
		t.Helper()
		var got *fault.Error
		if !errors.As(err, &got) || got.Kind != fault.Invalid || len(got.Violations) != 1 || got.Violations[0] != thrown.Violations[0] {
			t.Errorf("%s: %v", way, err)
		}
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: the status is lost", way)
		}
	}
	check("unary", get(t.Context(), vault))
	stream, err := vault.Artefacts.DownloadScan(t.Context(), &wertfachv1.DownloadScanRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	check("stream", err)
}

func TestACallWithoutDeadlineEnds(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	over := make(chan struct{}) // the server's own deadline may come a moment before the client's
	hanging := &customers{peer: func(context.Context) { <-over }}
	cfg := c.config(serve(t, c.tls(t), services{customers: hanging}))
	t.Cleanup(func() { close(over) })
	cfg.Timeout = 50 * time.Millisecond
	if err := get(context.Background(), dial(t, cfg)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want a passed deadline", err)
	}
}

func TestAfterClose(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	vault, err := client.Open(c.config(serve(t, c.tls(t), services{customers: &customers{}})))
	if err != nil {
		t.Fatal(err)
	}
	if err := get(t.Context(), vault); err != nil {
		t.Error(err)
	}
	if err := vault.Close(); err != nil {
		t.Error(err)
	}
	if err := get(t.Context(), vault); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed client answers %v", err)
	}
}
