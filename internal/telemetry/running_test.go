package telemetry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// collector takes spans as a collector of OpenTelemetry does.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []*tracev1.Span
	bodies []byte // as they came
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collectorv1.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil {
			http.Error(w, "not spans", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, body...)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// running is a whole server on embedded back ends that tells everything: metrics,
// all traces, and its log at the finest level.
type running struct {
	site
	*collector
	node      *node.Node
	authority *pki.Authority
	log       *journal
	stopped   bool
}

func run(t *testing.T, change ...func(*config.Config)) *running {
	t.Helper()
	r := &running{collector: newCollector(t), log: &journal{}}
	dir := t.TempDir()
	var err error
	r.authority, err = pki.Open(dir, time.Now())
	ok(t, err)
	own, err := r.authority.Server("127.0.0.1")
	ok(t, err)
	caller := func(role string) config.Caller {
		return config.Caller{URI: "spiffe://" + pki.TrustDomain + "/" + role + "/*", Roles: []string{role}, Institutes: []string{"musterbank"}}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	c := &config.Config{
		Listen:     "127.0.0.1:0",
		TLS:        config.TLS{CertFile: own.CertFile, KeyFile: own.KeyFile, ClientCAFile: r.authority.CAFile()},
		Callers:    []config.Caller{caller("portal"), caller("core-banking")},
		Institutes: []config.Institute{{ID: "musterbank"}, {ID: "kartenbank"}},
		Keyring:    &config.Keyring{Dir: in("keys")}, Embedded: &config.Embedded{File: in("store.db")},
		Audit:        config.Audit{SpoolFile: in("spool.db"), File: in("audit.db")},
		Telemetry:    config.Telemetry{Listen: "127.0.0.1:0", OTLPEndpoint: r.URL, SampleRatio: 1, ServiceName: "wertfach-test"},
		StartTimeout: patience, ShutdownTimeout: patience,
	}
	for _, f := range change {
		f(c)
	}
	r.node, err = node.Start(t.Context(), node.Options{
		Version: "1.2.3", Prepare: true, Config: c,
		Log: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ok(t, err)
	r.Telemetry = r.node.Watched().Telemetry
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop stops the server, which sends all spans.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if r.stopped {
		return
	}
	r.stopped = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	ok(t, r.node.Stop(ctx))
}

// client is one of that role.
func (r *running) client(t *testing.T, role string, options ...grpc.DialOption) *client.Client {
	t.Helper()
	pair, err := r.authority.Client(role, "test")
	ok(t, err)
	c, err := client.Open(client.Config{
		Address: r.node.Address(), CAFile: r.authority.CAFile(), CertFile: pair.CertFile, KeyFile: pair.KeyFile, Attempts: 1, DialOptions: options,
	})
	ok(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// page fetches a page of the node's admin listener.
func (r *running) page(t *testing.T, path string) (code int, body string) {
	t.Helper()
	answer, err := http.Get("http://" + r.node.Watched().AdminAddress() + path)
	ok(t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	ok(t, err)
	return answer.StatusCode, string(b)
}

// spanNames are the names of all spans, each once.
func (c *collector) spanNames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, s := range c.spans {
		names = append(names, s.GetName())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestRunning: a server answers its probes, and tells that it goes.
func TestRunning(t *testing.T) {
	t.Parallel()
	r := run(t)
	for path, want := range map[string]string{"/healthz": "alive\n", "/readyz": "keys ready\nobjects ready\nreceipts ready\naudit ready\n"} {
		if code, body := r.page(t, path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	address := r.node.Watched().AdminAddress()
	r.stop(t)
	if answer, err := http.Get("http://" + address + "/healthz"); err == nil {
		answer.Body.Close()
		t.Error("a server that was stopped still tells that it lives")
	}
}

// TestWatchedWithoutAnything: nothing listens, and nothing is told, where nothing
// is asked for.
func TestWatchedWithoutAnything(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	w, err := node.Watch(t.Context(), &config.Config{}, "", node.NewHealth(log), log)
	ok(t, err)
	if w.Telemetry != nil || w.AdminAddress() != "" || w.Logger(log) != log || w.ServerOptions() != nil {
		t.Errorf("got %+v", w)
	}
	ok(t, w.Close(t.Context()))
}

// TestWatchedMistakes name the key that is wrong.
func TestWatchedMistakes(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for want, c := range map[string]config.Telemetry{
		"telemetry.listen":       {Listen: "192.0.2.1:9464"},
		"telemetry.otlp_ca_file": {OTLPEndpoint: "https://localhost:1", OTLPCAFile: filepath.Join(t.TempDir(), "none"), SampleRatio: 1},
	} {
		if _, err := node.Watch(t.Context(), &config.Config{Telemetry: c}, "", node.NewHealth(log), log); err == nil || fmt.Sprint(err)[:len(want)] != want {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// credentials are those of a client of that role.
func (r *running) credentials(t *testing.T, role string) credentials.TransportCredentials {
	t.Helper()
	pair, err := r.authority.Client(role, "test")
	ok(t, err)
	own, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	ok(t, err)
	text, err := os.ReadFile(r.authority.CAFile())
	ok(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: roots})
}
