package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/server/identity"
)

// part is one part of a token by hand.
func part(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	ok(t, err)
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestForgedTokens: each of them differs from a good one in a single point.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	c, l, key, foreign := newClock(), newLogin(t), newKey(t), newKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	l.publish("one", key.Public(), jose.ES256)
	l.publish("rsa", rsaKey.Public(), "")
	l.publish("pss", rsaKey.Public(), jose.PS256)
	now := c.Now()
	with := func(change map[string]any) string { return signed(t, key, jose.ES256, "one", l.claims(now, change)) }
	good := with(nil)
	parts := strings.Split(strings.TrimPrefix(good, "Bearer "), ".")
	bearer := func(parts ...string) string { return "Bearer " + strings.Join(parts, ".") }
	none := part(t, map[string]string{"alg": "none"})
	shared := func(public any, kid string) []byte {
		der, err := x509.MarshalPKIXPublicKey(public)
		ok(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	other := newLogin(t)
	other.publish("one", foreign.Public(), jose.ES256)
	cfg := l.config(c)
	cfg.Issuers = append(cfg.Issuers, other.config(c).Issuers...)
	r := registry(t, cfg)
	cert := leaf(t, now, console)
	identify := func(authorization string) error {
		_, err := r.Identify(t.Context(), cert, authorization)
		return err
	}
	if err := identify(good); err != nil {
		t.Fatal(err)
	}
	if err := identify(signed(t, rsaKey, jose.PS256, "rsa", l.claims(now, nil))); err != nil {
		t.Fatal(err)
	}

	for name, authorization := range map[string]string{
		"alg none":                   bearer(none, parts[1], ""),
		"alg none, two parts":        bearer(none, parts[1]),
		"alg none, old signature":    bearer(none, parts[1], parts[2]),
		"alg None":                   bearer(part(t, map[string]string{"alg": "None"}), parts[1], parts[2]),
		"no alg":                     bearer(part(t, map[string]string{"kid": "one"}), parts[1], parts[2]),
		"HS256, EC key as secret":    signed(t, shared(key.Public(), "one"), jose.HS256, "one", l.claims(now, nil)),
		"HS256, RSA key as secret":   signed(t, shared(rsaKey.Public(), "rsa"), jose.HS256, "rsa", l.claims(now, nil)),
		"HS512, modulus as secret":   signed(t, rsaKey.N.Bytes(), jose.HS512, "rsa", l.claims(now, nil)),
		"algorithm not allowed":      signed(t, rsaKey, jose.RS512, "rsa", l.claims(now, nil)),
		"key of another algorithm":   signed(t, rsaKey, jose.RS256, "one", l.claims(now, nil)),
		"not the key's algorithm":    signed(t, rsaKey, jose.RS256, "pss", l.claims(now, nil)),
		"another's key":              signed(t, foreign, jose.ES256, "one", l.claims(now, nil)),
		"another issuer's key":       signed(t, foreign, jose.ES256, "one", l.claims(now, map[string]any{"iss": l.url})),
		"our key, another issuer":    with(map[string]any{"iss": other.url}),
		"unknown issuer":             with(map[string]any{"iss": "https://login.evil.example"}),
		"issuer with a slash":        with(map[string]any{"iss": l.url + "/"}),
		"issuer no text":             with(map[string]any{"iss": 5}),
		"no issuer":                  with(map[string]any{"iss": nil}),
		"other audience":             with(map[string]any{"aud": "something-else"}),
		"audiences":                  with(map[string]any{"aud": []string{"a", "Wertfach"}}),
		"no audience":                with(map[string]any{"aud": nil}),
		"not yet":                    with(map[string]any{"nbf": now.Add(6 * time.Minute).Unix()}),
		"issued later":               with(map[string]any{"iat": now.Add(6 * time.Minute).Unix()}),
		"issued never":               with(map[string]any{"iat": nil}),
		"no sub":                     with(map[string]any{"sub": nil}),
		"empty sub":                  with(map[string]any{"sub": ""}),
		"sub with a line":            with(map[string]any{"sub": "a\nb"}),
		"sub in another script":      with(map[string]any{"sub": "мария"}),
		"long sub":                   with(map[string]any{"sub": strings.Repeat("x", 256)}),
		"sub no text":                with(map[string]any{"sub": 7}),
		"sub twice":                  with(map[string]any{"Sub": "officer-1"}),
		"iss twice":                  with(map[string]any{"ISS": "https://login.evil.example"}),
		"exp twice":                  with(map[string]any{"exP": now.Add(time.Hour).Unix()}),
		"sub in other letters":       with(map[string]any{"ſub": "officer-1"}),
		"groups no list":             with(map[string]any{"groups": map[string]bool{"hotline": true}}),
		"groups of numbers":          with(map[string]any{"groups": []int{1}}),
		"unknown kid":                signed(t, key, jose.ES256, "two", l.claims(now, nil)),
		"no kid, another's key":      signed(t, foreign, jose.ES256, "", l.claims(now, nil)),
		"its own key in the header":  signed(t, foreign, jose.ES256, "", l.claims(now, nil), func(o *jose.SignerOptions) { o.EmbedJWK = true }),
		"its own key's address":      signed(t, foreign, jose.ES256, "one", l.claims(now, nil), func(o *jose.SignerOptions) { o.WithHeader("jku", other.url+"/keys") }),
		"critical header":            signed(t, key, jose.ES256, "one", l.claims(now, nil), func(o *jose.SignerOptions) { o.WithCritical("x").WithHeader("x", 1) }),
		"signature stripped":         bearer(parts[0], parts[1]),
		"signature empty":            bearer(parts[0], parts[1], ""),
		"signature cut":              bearer(parts[0], parts[1], parts[2][:40]),
		"signature of another token": bearer(parts[0], strings.Split(with(map[string]any{"sub": "agent-8"}), ".")[1], parts[2]),
		"header of another token":    bearer(part(t, map[string]string{"alg": "ES256", "kid": "one", "x": "y"}), parts[1], parts[2]),
		"four parts":                 bearer(parts[0], parts[1], parts[2], parts[2]),
		"five parts":                 bearer(parts[0], parts[1], parts[2], parts[0], parts[1]),
		"claims no object":           bearer(parts[0], part(t, []int{1}), parts[2]),
		"huge":                       with(map[string]any{"groups": []string{strings.Repeat("x", 20<<10)}}),
		"endless":                    "Bearer " + strings.Repeat("a", 8<<20),
		"two headers joined":         good + ", " + good,
		"two tokens":                 good + " " + strings.TrimPrefix(good, "Bearer "),
		"padding":                    good + "=",
		"line after it":              good + "\n",
		"no scheme":                  strings.TrimPrefix(good, "Bearer "),
		"Basic":                      "Basic YTpi",
		"another scheme":             strings.Replace(good, "Bearer", "Token", 1),
		"nothing":                    "Bearer ",
		"space":                      " ",
		"JSON form":                  `Bearer {"payload":"` + parts[1] + `","signatures":[]}`,
	} {
		err := identify(authorization)
		refused(t, name, err, fault.Unauthenticated, identity.ReasonToken)
		if err == nil {
			continue
		}
		for _, secret := range []string{"agent", "evil", parts[1], "musterbank"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats what was shown: %v", name, err)
			}
		}
	}
	for name, authorization := range map[string]string{
		"expired":     with(map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"no end":      with(map[string]any{"exp": nil}),
		"too old":     with(map[string]any{"iat": now.Add(-13 * time.Hour).Unix()}),
		"of 1970":     with(map[string]any{"iat": 0}),
		"long lived":  with(map[string]any{"iat": now.Add(-13 * time.Hour).Unix(), "exp": now.Add(999 * time.Hour).Unix()}),
		"old, no sub": with(map[string]any{"exp": now.Add(-time.Second).Unix(), "sub": nil}),
	} {
		refused(t, name, identify(authorization), fault.Unauthenticated, identity.ReasonTokenExpired)
	}
	if err := identify(strings.Replace(good, "Bearer", "bearer", 1)); err != nil {
		t.Errorf("the scheme's name in small letters: %v", err)
	}
	if err := identify(with(map[string]any{"nbf": now.Add(4 * time.Minute).Unix(), "iat": now.Add(4 * time.Minute).Unix()})); err != nil {
		t.Errorf("an issuer whose clock is 4 minutes ahead: %v", err)
	}
}
