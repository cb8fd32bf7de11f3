package transit_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

const lookup = `{"data":{"ttl":0,"renewable":false}}`

// oddVault is a server that takes any token and gives that one answer else.
func oddVault(t *testing.T, answer http.HandlerFunc) *vault.Keys {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/auth/token/lookup-self" {
			_, _ = io.WriteString(w, lookup)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(srv.Close)
	d, err := transit.New(t.Context(), transit.Config{Address: srv.URL, Login: transit.Login{Token: "token"}})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(d)
	t.Cleanup(func() { _ = keys.Close() })
	return keys
}

// TestAnswers has Vault, or what stands between, give answers that a healthy
// one does not give.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const key = "bank-alice"
	const wrapped = "vault:v1:AAAA"
	for name, test := range map[string]struct {
		status int
		body   string
		want   error // nil for an error of no kind
	}{
		"missing key":      {400, `{"errors":["encryption key not found"]}`, vault.ErrNotFound},
		"other cipher":     {400, `{"errors":["cipher: message authentication failed"]}`, vault.ErrInvalid},
		"denied":           {403, `{"errors":["permission denied"]}`, vault.ErrDenied},
		"no key there":     {404, `{"errors":[]}`, vault.ErrNotFound},
		"no engine there":  {404, `{"errors":["no handler for route \"transit/decrypt/bank-alice\""]}`, vault.ErrUnavailable},
		"no such page":     {404, `<html>bank-alice not found</html>`, vault.ErrUnavailable},
		"no page at all":   {404, ``, vault.ErrUnavailable},
		"behind":           {412, `{"errors":["required index state not present"]}`, vault.ErrUnavailable},
		"too large":        {413, `{"errors":["request body too large: bank-alice"]}`, nil},
		"rate":             {429, `{"errors":["request path \"transit/decrypt/bank-alice\": rate limit quota exceeded"]}`, vault.ErrUnavailable},
		"internal":         {500, `{"errors":["local node not active but active cluster node not found"]}`, vault.ErrUnavailable},
		"gateway":          {502, `<html>bank-alice vault:v1:AAAA</html>`, vault.ErrUnavailable},
		"sealed":           {503, `{"errors":["Vault is sealed"]}`, vault.ErrUnavailable},
		"page":             {200, `<html>maintenance</html>`, vault.ErrUnavailable},
		"nothing":          {200, ``, vault.ErrUnavailable},
		"no content":       {204, ``, vault.ErrUnavailable},
		"no data":          {200, `{"data":null}`, vault.ErrInvalid},
		"other data":       {200, `{"data":{"plaintext":7}}`, vault.ErrUnavailable},
		"short data key":   {200, `{"data":{"plaintext":"AAAA"}}`, vault.ErrInvalid},
		"not even base 64": {200, `{"data":{"plaintext":"****"}}`, vault.ErrUnavailable},
		"long":             {500, `{"errors":["` + strings.Repeat("ä", 5000) + `"]}`, vault.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := oddVault(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			plain, err := keys.Unwrap(t.Context(), key, vault.Dossier, []byte(wrapped))
			if err == nil || plain != nil {
				t.Fatal("unwrapped")
			}
			for _, kind := range []error{vault.ErrNotFound, vault.ErrInvalid, vault.ErrDenied, vault.ErrUnavailable} {
				if errors.Is(err, kind) != (kind == test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
			}
			if s := err.Error(); strings.Contains(s, key) || strings.Contains(s, wrapped) || len(s) > 400 {
				t.Errorf("the error's text repeats input: %s", s)
			}
		})
	}
}

// TestDoneIsSaidByVault: a gateway's page must not pass for a key that was
// destroyed, or for a Vault that serves.
func TestDoneIsSaidByVault(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a page":         func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>welcome</html>") },
		"nothing":        func(http.ResponseWriter, *http.Request) {},
		"no such page":   http.NotFound,
		"no page at all": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	} {
		if err := oddVault(t, answer).Destroy(t.Context(), "bank-alice"); !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s: Destroy: %v", name, err)
		}
	}
	looked := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if looked {
			_, _ = io.WriteString(w, "<html>welcome</html>")
			return
		}
		looked = true
		_, _ = io.WriteString(w, lookup)
	}))
	defer srv.Close()
	d, err := transit.New(t.Context(), transit.Config{Address: srv.URL, Login: transit.Login{Token: "token"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
}

// TestNoAnswer cuts the connection.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for name, partial := range map[string]string{
		"at once":  "",
		"half-way": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
	} {
		keys := oddVault(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, partial)
			_ = conn.Close()
		})
		_, err := keys.Create(t.Context(), "bank-alice", vault.Dossier)
		if !errors.Is(err, vault.ErrUnavailable) || strings.Contains(err.Error(), "bank-alice") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSentAgain has a kept connection die under a call. What can do no harm is
// sent again at once; what makes a key is not, as it may have arrived.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(context.Context, *vault.Keys) error
		sent int32
	}{
		"unwrap": {func(ctx context.Context, k *vault.Keys) error {
			_, err := k.Unwrap(ctx, "bank-alice", vault.Dossier, []byte("vault:v1:AAAA"))
			return err
		}, 2},
		"create": {func(ctx context.Context, k *vault.Keys) error {
			_, err := k.Create(ctx, "bank-alice", vault.Dossier)
			return err
		}, 1},
		"rotate": {func(ctx context.Context, k *vault.Keys) error { return k.Rotate(ctx, "bank-alice") }, 1},
	} {
		var sent atomic.Int32
		keys := oddVault(t, func(w http.ResponseWriter, _ *http.Request) {
			if sent.Add(1) > 1 {
				_, _ = io.WriteString(w, `{"data":{"plaintext":"`+strings.Repeat("A", 43)+`=","ciphertext":"vault:v1:AAAA"}}`)
				return
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		})
		err := test.call(t.Context(), keys)
		if (err == nil) != (test.sent > 1) || sent.Load() != test.sent {
			t.Errorf("%s: sent %d times, want %d; error %v", name, sent.Load(), test.sent, err)
		}
	}
}

// TestTokenDoesNotFollowRedirects: where an answer points to gets no token.
func TestTokenDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("followed, with token %t", r.Header.Get("X-Vault-Token") != "")
	}))
	defer elsewhere.Close()
	keys := oddVault(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	_, err := keys.Unwrap(t.Context(), "bank-alice", vault.Dossier, []byte("vault:v1:AAAA"))
	if !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, vault.ErrUnavailable)
	}
}

// TestTLS puts a TLS listener that asks for a certificate in front of a real
// Vault.
func TestTLS(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	_, mount := prepared(t, v)
	target, err := url.Parse(v.Addr())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	front.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	defer front.Close()

	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", "CERTIFICATE", front.Certificate().Raw)
	certificate, key := ownCertificate(t)
	cert, pkey := write("cert.pem", "CERTIFICATE", certificate), write("key.pem", "PRIVATE KEY", key)

	good := transit.Config{
		Address: front.URL, Mount: mount, Login: transit.Login{Token: v.RootToken()},
		CAFile: ca, CertFile: cert, KeyFile: pkey,
	}
	attempt := func(change func(*transit.Config)) error {
		c := good
		change(&c)
		d, err := transit.New(t.Context(), c)
		if err != nil {
			return err
		}
		defer d.Close()
		_, err = vault.New(d).Create(t.Context(), "bank-alice", vault.Dossier)
		return err
	}
	if err := attempt(func(*transit.Config) {}); err != nil {
		t.Errorf("with all that is needed: %v", err)
	}
	for name, change := range map[string]func(*transit.Config){
		"unknown authority":      func(c *transit.Config) { c.CAFile = "" },
		"another authority":      func(c *transit.Config) { c.CAFile = cert },
		"another name":           func(c *transit.Config) { c.ServerName = "vault.invalid" },
		"no certificate of ours": func(c *transit.Config) { c.CertFile, c.KeyFile = "", "" },
	} {
		if err := attempt(change); !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v", name, err, vault.ErrUnavailable)
		}
	}
	for name, change := range map[string]func(*transit.Config){
		"no CA file":        func(c *transit.Config) { c.CAFile = filepath.Join(dir, "none") },
		"no CA in the file": func(c *transit.Config) { c.CAFile = pkey },
		"no key file":       func(c *transit.Config) { c.KeyFile = filepath.Join(dir, "none") },
	} {
		if err := attempt(change); err == nil || errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s: got error %v, want one about the file", name, err)
		}
	}
}

// TestEnvironmentIsIgnored: a variable left over in a shell must not switch off
// the check of certificates, nor send tokens elsewhere.
func TestEnvironmentIsIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"VAULT_ADDR": "http://192.0.2.1:1", "VAULT_AGENT_ADDR": "http://192.0.2.1:1", "VAULT_TOKEN": "wrong",
		"VAULT_NAMESPACE": "wrong", "VAULT_SKIP_VERIFY": "true", "VAULT_WRAP_TTL": "60", "VAULT_HEADERS": `{"A":"b"}`,
		"HTTP_PROXY": "http://192.0.2.1:1", "HTTPS_PROXY": "http://192.0.2.1:1", "VAULT_HTTP_PROXY": "http://192.0.2.1:1",
	} {
		t.Setenv(name, value)
	}
	v := testenv.SharedVault(t)
	login := newRole(t, v, testenv.AppRole{Policy: mayUse("transit")})
	d, err := transit.New(t.Context(), transit.Config{Address: v.Addr(), Login: login})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}

	front := httptest.NewUnstartedServer(http.NotFoundHandler())
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	defer front.Close()
	_, err = transit.New(context.WithoutCancel(t.Context()), transit.Config{Address: front.URL, Login: transit.Login{Token: "token"}})
	if unknown := new(tls.CertificateVerificationError); !errors.As(err, &unknown) {
		t.Errorf("got error %v, want one about the certificate", err)
	}
}
