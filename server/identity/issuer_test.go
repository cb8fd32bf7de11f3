package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/server/identity"
)

// login is an issuer on loopback whose faults the test decides.
type login struct {
	url string

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched int // how often its keys were
	answer  http.HandlerFunc
}

func newLogin(t testing.TB) *login {
	t.Helper()
	l := &login{}
	server := httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func (l *login) serve(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	answer, keys := l.answer, l.keys
	if r.URL.Path == "/keys" {
		l.fetched++
	}
	l.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case r.URL.Path == "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys})
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": l.url, "jwks_uri": l.url + "/keys"})
	default:
		http.NotFound(w, r)
	}
}

// fails makes every answer this one; nil heals it.
func (l *login) fails(answer http.HandlerFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

func (l *login) fetches() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fetched
}

// publish gives the issuer another key.
func (l *login) publish(kid string, public crypto.PublicKey, alg jose.SignatureAlgorithm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = append(l.keys, jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: string(alg), Use: "sig"})
}

// withdraw takes all keys away.
func (l *login) withdraw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = nil
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	return key
}

// claims are those of a good token, changed as the test wants them; a nil value
// takes a claim away.
func (l *login) claims(now time.Time, change map[string]any) map[string]any {
	all := map[string]any{
		"iss": l.url, "aud": "wertfach", "sub": "agent-7", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"groups": []string{"hotline"},
	}
	maps.Copy(all, change)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// signed is an authorization with a token of these claims.
func signed(t testing.TB, key any, alg jose.SignatureAlgorithm, kid string, claims map[string]any, header ...func(*jose.SignerOptions)) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	for _, change := range header {
		change(options)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	ok(t, err)
	payload, err := json.Marshal(claims)
	ok(t, err)
	jws, err := signer.Sign(payload)
	ok(t, err)
	text, err := jws.CompactSerialize()
	ok(t, err)
	return "Bearer " + text
}

// config is that of a bank with a portal, a console and this issuer.
func (l *login) config(c *clock) identity.Config {
	return identity.Config{
		Now: c.Now, Timeout: 10 * time.Second,
		Machines: []identity.Machine{
			{URI: "spiffe://bank.example/portal/*", Roles: []string{"portal"}, Institutes: []string{"musterbank", "kartenbank"}},
			{URI: console, Roles: []string{"hotline", "privacy-officer", "portal"}, Institutes: []string{"musterbank"}},
		},
		Issuers: []identity.Issuer{{
			URL: l.url, Audience: "wertfach", Groups: []identity.Group{
				{Group: "hotline", Roles: []string{"hotline"}, Institutes: []string{"*"}},
				{Group: "hotline-two", Roles: []string{"hotline", "operator"}, Institutes: []string{"kartenbank"}},
				{Group: "operators", Roles: []string{"operator"}, Institutes: []string{"*"}},
				{Group: "officers", Roles: []string{"privacy-officer"}, Institutes: []string{"musterbank", "kartenbank"}},
			},
		}},
	}
}
