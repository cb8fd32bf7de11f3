package identity_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/server/identity"
)

// TestIssuerOfAnOwnAuthority: over TLS an issuer is believed by its CA file
// alone, and the file may be renewed.
func TestIssuerOfAnOwnAuthority(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	server := httptest.NewTLSServer(http.HandlerFunc(l.serve))
	t.Cleanup(server.Close)
	l.url = server.URL
	cfg := l.config(c)
	cfg.Issuers[0].CAFile = filepath.Join(t.TempDir(), "ca.pem")
	r := registry(t, cfg)
	cert, good := leaf(t, c.Now(), console), signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil))
	try := func() error {
		c.pass(5 * time.Second)
		_, err := r.Identify(t.Context(), cert, good)
		return err
	}
	refused(t, "no CA file", try(), fault.Unavailable, identity.ReasonIssuer)
	ok(t, os.WriteFile(cfg.Issuers[0].CAFile, []byte("-----BEGIN"), 0o600))
	refused(t, "a broken CA file", try(), fault.Unavailable, identity.ReasonIssuer)
	system := cfg
	system.Issuers = append([]identity.Issuer(nil), cfg.Issuers...)
	system.Issuers[0].CAFile = ""
	_, err := registry(t, system).Identify(t.Context(), cert, good)
	refused(t, "the system's authorities", err, fault.Unavailable, identity.ReasonIssuer)

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ok(t, os.WriteFile(cfg.Issuers[0].CAFile, ca, 0o600))
	if err := try(); err != nil {
		t.Errorf("with its CA file: %v", err)
	}

	// Where its keys are given, nobody asks it about them.
	direct := cfg
	direct.Issuers = append([]identity.Issuer(nil), cfg.Issuers...)
	direct.Issuers[0].JWKSURL = l.url + "/keys"
	direct.Issuers[0].URL = "https://login.bank.example"
	_, err = registry(t, direct).Identify(t.Context(), cert,
		signed(t, key, jose.ES256, "one", l.claims(c.Now(), map[string]any{"iss": "https://login.bank.example"})))
	if err != nil {
		t.Errorf("with the address of its keys: %v", err)
	}
}
