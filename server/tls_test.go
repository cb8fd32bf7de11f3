package server_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/server"
)

// Whoever does not prove with TLS 1.3 who it is reaches no handler at all, not
// even that of health, whatever the configuration says.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	other, err := pki.Open(t.TempDir(), time.Now())
	ok(t, err)
	stranger, err := other.Client("portal", "test")
	ok(t, err)
	server, err := s.authority.Server("127.0.0.1")
	ok(t, err)
	past, err := pki.Open(t.TempDir(), time.Now().AddDate(-2, 0, 0)) // whose certificates last for a year
	ok(t, err)
	expired, err := past.Client("portal", "test")
	ok(t, err)

	for name, change := range map[string]func(*tls.Config){
		"no certificate":            func(c *tls.Config) { c.Certificates = nil },
		"another authority's":       func(c *tls.Config) { c.Certificates = []tls.Certificate{load(t, stranger)} },
		"an expired authority's":    func(c *tls.Config) { c.Certificates = []tls.Certificate{load(t, expired)} },
		"a server's certificate":    func(c *tls.Config) { c.Certificates = []tls.Certificate{load(t, server)} },
		"TLS 1.2":                   func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"TLS 1.0":                   func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"the right key, no chain":   func(c *tls.Config) { c.Certificates[0].Certificate = load(t, stranger).Certificate },
		"an authority of their own": func(c *tls.Config) { c.RootCAs = pool(t, other) },
	} {
		cfg := s.portal(t)
		change(cfg)
		checkRefused(t, s, name, credentials.NewTLS(cfg))
	}
	checkRefused(t, s, "plain text", insecure.NewCredentials())
	if logged := s.log.String(); strings.Contains(logged, "msg=call") {
		t.Errorf("a stranger's call came through:\n%s", logged)
	}

	var from peer.Peer
	_, err = healthv1.NewHealthClient(s.connect(t)).Check(t.Context(), &healthv1.HealthCheckRequest{}, grpc.Peer(&from))
	ok(t, err)
	if info, _ := from.AuthInfo.(credentials.TLSInfo); info.State.Version != tls.VersionTLS13 {
		t.Errorf("a good client got TLS %x", info.State.Version)
	}
}

func checkRefused(t *testing.T, s *site, name string, c credentials.TransportCredentials) {
	t.Helper()
	_, err := healthv1.NewHealthClient(s.dial(t, c)).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("%s: %v", name, err)
	}
}

// A server that could not tell its clients from strangers, or keep a record of
// what they do, does not start.
func TestConfigIsComplete(t *testing.T) {
	t.Parallel()
	var good server.Config
	s := open(t, func(c *server.Config) { good = *c })
	good = s.edge.Into(good)
	made, err := server.New(good)
	if err != nil {
		t.Fatalf("nothing is spoiled: %v", err)
	}
	made.Shutdown(t.Context())
	const incomplete, strangers, negative = "are needed", "authority of the clients' certificates", "must not be negative"
	for name, c := range map[string]struct {
		spoil func(*server.Config)
		want  string
	}{
		"no custodian": {func(c *server.Config) { c.Custodian = nil }, incomplete},
		"no TLS":       {func(c *server.Config) { c.TLS = nil }, incomplete},
		"no identity":  {func(c *server.Config) { c.Identity = nil }, incomplete},
		"no record":    {func(c *server.Config) { c.Record = nil }, incomplete},
		"no audit log": {func(c *server.Config) { c.Events = nil }, incomplete},
		"no readiness": {func(c *server.Config) { c.Ready = nil }, incomplete},
		"no authority": {func(c *server.Config) { c.TLS.ClientCAs = nil }, strangers},
		"no places":    {func(c *server.Config) { c.Connections.Max = -1 }, negative},
		"no time":      {func(c *server.Config) { c.Connections.PingTimeout = -1 }, negative},
	} {
		cfg := good
		cfg.TLS = good.TLS.Clone()
		c.spoil(&cfg)
		if _, err := server.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, c.want)
		}
	}
}
