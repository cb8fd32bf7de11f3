package node_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// patience bounds what a test waits for.
const patience = 30 * time.Second

// identity is who serves and who calls.
type identity struct {
	server, client pki.Pair
	ca             string
}

func newIdentity(t *testing.T) identity {
	t.Helper()
	a, err := pki.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	portal, err := a.Client("portal", "test")
	if err != nil {
		t.Fatal(err)
	}
	return identity{server, portal, a.CAFile()}
}

// embedded is a configuration of a server that needs no other.
func embedded(t *testing.T, id identity) *config.Config {
	t.Helper()
	dir := t.TempDir()
	return &config.Config{
		Listen:     "127.0.0.1:0",
		TLS:        config.TLS{CertFile: id.server.CertFile, KeyFile: id.server.KeyFile, ClientCAFile: id.ca},
		Institutes: []config.Institute{{ID: "musterbank"}, {ID: "kartenbank", CardVerificationCodeReason: "issuer"}},
		Keyring:    &config.Keyring{Dir: filepath.Join(dir, "keys")}, Embedded: &config.Embedded{File: filepath.Join(dir, "store.db")},
		Audit:        config.Audit{SpoolFile: filepath.Join(dir, "spool.db"), File: filepath.Join(dir, "audit.db")},
		Callers:      []config.Caller{{URI: "spiffe://dev.wertfach.example/portal/*", Roles: []string{"portal"}, Institutes: []string{"*"}}},
		StartTimeout: patience, ShutdownTimeout: patience,
	}
}

// start starts a node that is stopped when the test ends.
func start(t *testing.T, o node.Options) *node.Node {
	t.Helper()
	n, err := node.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

// health asks for the node's health as a probe does.
func (id identity) health(t *testing.T, n *node.Node) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	conn := id.dial(t, n)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetStatus()
}

// dial makes a connection of the caller, which begins with its first call.
func (id identity) dial(t *testing.T, n *node.Node) *grpc.ClientConn {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(content(t, id.ca))
	return dial(t, n, id.client, roots)
}

// dial makes a connection of the caller with that certificate.
func dial(t *testing.T, n *node.Node, as pki.Pair, trusted *x509.CertPool) *grpc.ClientConn {
	t.Helper()
	own, err := tls.LoadX509KeyPair(as.CertFile, as.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(n.Address(), grpc.WithTransportCredentials(credentials.NewTLS(
		&tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: trusted})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// journal is a log that a test reads, and waits on.
type journal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	wrote  chan struct{}
	logger *slog.Logger
}

func newJournal() *journal {
	j := &journal{wrote: make(chan struct{}, 1)}
	j.logger = slog.New(slog.NewJSONHandler(j, nil))
	return j
}

// Write takes a record.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.wrote <- struct{}{}:
	default:
	}
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
