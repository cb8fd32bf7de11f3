package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/servertest"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/vault"
)

const patience = 30 * time.Second

// site is a server on a free port with certificates of its own.
type site struct {
	*server.Server
	address   string
	authority *pki.Authority
	store     *blobstore.Store
	custodian *custody.Custodian
	edge      *servertest.Edge
	log       *journal
	served    chan error
}

// open starts a server on embedded back ends, changed as the test wants it. It
// is broken off when the test ends.
func open(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	return openIdle(t, patience, change)
}

// openIdle is open with another bound for streams that stand still.
func openIdle(t *testing.T, idle time.Duration, change func(*server.Config)) *site {
	t.Helper()
	custodian, keys, store := custodian(t)
	edge := servertest.New(t, custodian, keys, store)
	authority, err := pki.Open(t.TempDir(), time.Now())
	ok(t, err)
	pair, err := authority.Server("127.0.0.1")
	ok(t, err)
	s := &site{authority: authority, store: store, custodian: custodian, edge: edge, log: &journal{}, served: make(chan error, 1)}
	cfg := server.Config{
		Custodian: custodian,
		TLS: &tls.Config{ // as weak as it can be said
			Certificates: []tls.Certificate{load(t, pair)}, ClientCAs: pool(t, authority),
			MinVersion: tls.VersionTLS10, ClientAuth: tls.NoClientCert, // the server makes it strong
		},
		Ready: func(context.Context) error { return nil },
		Log:   slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	change(&cfg)
	s.Server, err = server.New(edge.Into(cfg))
	ok(t, err)
	s.EndIdleStreams(idle)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	s.address = listener.Addr().String()
	go func() { s.served <- s.Serve(listener) }()
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(now)
	})
	return s
}

func asItIs(*server.Config) {}

// custodian makes one on back ends of the test's own.
func custodian(t testing.TB) (*custody.Custodian, *vault.Keys, *blobstore.Store) {
	t.Helper()
	keys, blobs := custodytest.Embedded().Open(t)
	front, store := vault.New(keys), blobstore.New(blobs)
	ok(t, custody.Prepare(context.Background(), front, store))
	secret, err := custody.LoadIndexSecret(context.Background(), front, store)
	ok(t, err)
	c, err := custody.New(custody.Config{
		Keys: front, Store: store, Institutes: []custody.Institute{{ID: "musterbank"}}, Limits: custody.Limits{Artefacts: 20},
	}, secret)
	ok(t, err)
	return c, front, store
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, pair pki.Pair) tls.Certificate {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	ok(t, err)
	return cert
}

func pool(t testing.TB, a *pki.Authority) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile())
	ok(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the authority's file")
	}
	return roots
}

// portal is the configuration of a good client.
func (s *site) portal(t *testing.T) *tls.Config {
	t.Helper()
	pair, err := s.authority.Client("portal", "test")
	ok(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool(t, s.authority), Certificates: []tls.Certificate{load(t, pair)}}
}

// dial connects with any credentials.
func (s *site) dial(t *testing.T, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(c))
	ok(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (s *site) connect(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return s.dial(t, credentials.NewTLS(s.portal(t)))
}

// objects are the names of all that is stored.
func objects(t testing.TB, store *blobstore.Store) []string {
	t.Helper()
	var names []string
	for info, err := range store.List(context.Background(), "") {
		ok(t, err)
		names = append(names, info.Name+" "+info.ETag)
	}
	return names
}

// journal is a log that is kept.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next line
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	return j.text.Write(line)
}

// String is all that was logged.
func (j *journal) String() string {
	text, _ := j.now()
	return text
}

// now is all that was logged, and a channel that the next line closes.
func (j *journal) now() (string, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return j.text.String(), j.changed
}

// await waits until the text is logged.
func (j *journal) await(t *testing.T, text string) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		all, changed := j.now()
		if strings.Contains(all, text) {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%q was never logged:\n%s", text, all)
		}
	}
}

// line is the last line that holds the text.
func (j *journal) line(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(j.String(), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], text) {
			return lines[i]
		}
	}
	t.Fatalf("no line of the log has %q:\n%s", text, j)
	return ""
}

var errAway = errors.New("the vault of 4711-geheim is away")
