package telemetry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/telemetry"
)

// TestHandshakes counts clients whose certificate is not taken, and not the probe
// that only looks whether somebody listens.
func TestHandshakes(t *testing.T) {
	t.Parallel()
	ours, err := pki.Open(t.TempDir(), time.Now())
	ok(t, err)
	theirs, err := pki.Open(t.TempDir(), time.Now())
	ok(t, err)
	roots := x509.NewCertPool()
	text, err := os.ReadFile(ours.CAFile())
	ok(t, err)
	roots.AppendCertsFromPEM(text)
	pair, err := ours.Server("127.0.0.1")
	ok(t, err)
	own, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	ok(t, err)

	s := open(t, telemetry.Config{Metrics: true})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	server := grpc.NewServer(grpc.Creds(s.Credentials(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert,
	}))))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	probe, err := net.Dial("tcp", listener.Addr().String())
	ok(t, err)
	ok(t, probe.Close())
	for _, authority := range []*pki.Authority{nil, theirs} {
		cfg := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}
		if authority != nil {
			pair, err := authority.Client("portal", "test")
			ok(t, err)
			certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
			ok(t, err)
			cfg.Certificates = []tls.Certificate{certificate}
		}
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
		ok(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}); err == nil {
			t.Error("a client got in")
		}
		cancel()
		ok(t, conn.Close())
	}
	s.eventually(t, `wertfach_refused_total{reason="HANDSHAKE_FAILED"}`, "1")
	s.eventually(t, `wertfach_refused_total{reason="CERTIFICATE_NOT_TAKEN"}`, "1")
}
