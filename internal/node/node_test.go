package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
)

// TestUnprepared: a deployment without `wertfach init` does not start, and says
// what is missing. It waits for nothing.
func TestUnprepared(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	c := embedded(t, id)
	_, err := node.Start(t.Context(), node.Options{Config: c})
	if err == nil || !strings.Contains(err.Error(), "wertfach init") {
		t.Errorf("got %v", err)
	}
	// What was opened is closed: the same can be tried again.
	n := start(t, node.Options{Config: c, Prepare: true})
	if got := id.health(t, n); got != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v", got)
	}
}

// TestMistakes are in files that the configuration names; each error names the
// key.
func TestMistakes(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	id := newIdentity(t)
	for want, spoil := range map[string]func(*config.Config){
		"tls.cert_file":      func(c *config.Config) { c.TLS.CertFile = file("") },
		"tls.key_file":       func(c *config.Config) { c.TLS.KeyFile = id.client.KeyFile },
		"tls.client_ca_file": func(c *config.Config) { c.TLS.ClientCAFile = file("-----BEGIN") },
		"embedded.file":      func(c *config.Config) { c.Embedded.File = filepath.Join(t.TempDir(), "none", "store.db") },
		"audit.file":         func(c *config.Config) { c.Audit.File = filepath.Join(t.TempDir(), "none", "audit.db") },
		"audit.spool_file":   func(c *config.Config) { c.Audit.SpoolFile = filepath.Join(t.TempDir(), "none", "spool.db") },
		"identity":           func(c *config.Config) { c.Callers[0].Roles = []string{"queen"} },
		"keyring.dir":        func(c *config.Config) { c.Keyring.Dir = file("") },
		"listen":             func(c *config.Config) { c.Listen = "192.0.2.1:7443" },
		"s3": func(c *config.Config) {
			c.Embedded, c.S3 = nil, &config.S3{Endpoint: "https://localhost", Bucket: "b-1"}
		},
		"Vault": func(c *config.Config) {
			c.Keyring, c.Vault = nil, &config.Vault{Address: "https://localhost", CAFile: "none", Auth: config.VaultAuth{TokenFile: file("t")}}
		},
	} {
		c := embedded(t, id)
		spoil(c)
		if _, err := node.Start(t.Context(), node.Options{Config: c, Prepare: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// withVault is a configuration with a real Vault, prepared, that waits for it
// no longer than given.
func withVault(t *testing.T, id identity, v *testenv.Vault, wait time.Duration) *config.Config {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(v.RootToken()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := embedded(t, id)
	c.Keyring, c.StartTimeout = nil, wait
	c.Vault = &config.Vault{Address: v.Addr(), TransitMount: "transit", Auth: config.VaultAuth{TokenFile: token}}
	return c
}

func prepare(t *testing.T, c *config.Config) {
	t.Helper()
	b, err := node.Open(t.Context(), c, newJournal().logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(custody.Prepare(t.Context(), b.Keys, b.Store), b.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestVaultAway takes a server through a night: Vault is away at its start,
// comes, is sealed, and is unsealed.
func TestVaultAway(t *testing.T) {
	t.Parallel()
	v, id := testenv.NewVault(t), newIdentity(t)
	c := withVault(t, id, v, patience)
	prepare(t, c)
	if err := v.Stop(); err != nil {
		t.Fatal(err)
	}

	log := newJournal()
	type started struct {
		node *node.Node
		err  error
	}
	starting := make(chan started, 1)
	go func() {
		n, err := node.Start(t.Context(), node.Options{Config: c, Log: log.logger})
		starting <- started{n, err}
	}()
	for !strings.Contains(log.String(), "waiting for Vault") {
		select {
		case <-log.wrote:
		case s := <-starting:
			t.Fatalf("it does not wait: %v", s.err)
		}
	}
	if err := v.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := <-starting
	if s.err != nil {
		t.Fatal(s.err)
	}
	defer func() {
		if err := s.node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
		want healthv1.HealthCheckResponse_ServingStatus
	}{
		{"started", func(context.Context) error { return nil }, healthv1.HealthCheckResponse_SERVING},
		{"sealed", v.Seal, healthv1.HealthCheckResponse_NOT_SERVING},
		{"unsealed", v.Unseal, healthv1.HealthCheckResponse_SERVING},
	} {
		if err := step.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := id.health(t, s.node)
		for late := time.Now().Add(patience); got != step.want && time.Now().Before(late); {
			got = id.health(t, s.node) // which remembers an answer for a second
		}
		if got != step.want {
			t.Errorf("%s: health is %v", step.name, got)
		}
	}
	if strings.Contains(log.String(), v.RootToken()) {
		t.Error("the log holds a token")
	}
}

// TestVaultStaysAway: the wait is bounded, and the error says what was away.
func TestVaultStaysAway(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	c := embedded(t, id)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Keyring, c.StartTimeout = nil, 600*time.Millisecond
	c.Vault = &config.Vault{Address: "http://127.0.0.1:1", Auth: config.VaultAuth{TokenFile: token}}
	log := newJournal()
	_, err := node.Start(t.Context(), node.Options{Config: c, Log: log.logger})
	if !errors.Is(err, node.ErrAway) || !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(log.String(), `"attempt":`); n < 1 || n > 2 {
		t.Errorf("%d lines about attempts, want one or two:\n%s", n, log)
	}
	if !strings.Contains(log.String(), "vault.address is plain http") {
		t.Error("no warning of plain HTTP")
	}

	ctx, cancel := context.WithCancel(t.Context())
	c.StartTimeout = patience
	go func() { <-log.wrote; cancel() }()
	if _, err := node.Start(ctx, node.Options{Config: c, Log: log.logger}); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop while waiting: %v", err)
	}
}

// TestDenied: a login that Vault refuses is not waited out.
func TestDenied(t *testing.T) {
	t.Parallel()
	v, id := testenv.SharedVault(t), newIdentity(t)
	c := withVault(t, id, v, patience)
	if err := os.WriteFile(c.Vault.Auth.TokenFile, []byte("hvs.wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := node.Start(t.Context(), node.Options{Config: c})
	if !errors.Is(err, vault.ErrDenied) || errors.Is(err, node.ErrAway) {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "hvs.wrong") {
		t.Error("the error holds the token")
	}
}
