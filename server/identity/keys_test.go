package identity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/server/identity"
)

// TestKeysAreKept: they are fetched when the first token comes, and once for
// however many come at the same time.
func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	r := registry(t, l.config(c))
	if l.fetches() != 0 {
		t.Error("the issuer was asked before anybody called")
	}
	cert, good := leaf(t, c.Now(), console), signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := r.Identify(t.Context(), cert, good); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := l.fetches(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// TestRotation: a new key is known with its first token, an old one is forgotten
// after a while.
func TestRotation(t *testing.T) {
	t.Parallel()
	c, l, old, fresh := newClock(), newLogin(t), newKey(t), newKey(t)
	l.publish("old", old.Public(), jose.ES256)
	r := registry(t, l.config(c))
	cert := leaf(t, c.Now(), console)
	identify := func(by string) error {
		key := map[string]any{"old": old, "fresh": fresh}[by]
		_, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, by, l.claims(c.Now(), nil)))
		return err
	}
	ok(t, identify("old"))
	l.withdraw()
	l.publish("fresh", fresh.Public(), jose.ES256)
	ok(t, identify("old")) // it is still known here
	ok(t, identify("fresh"))
	refused(t, "a key that was withdrawn", identify("old"), fault.Unauthenticated, identity.ReasonToken)

	// Without an unknown key it takes the regular renewal, which comes before the
	// first token after a quiet night is believed.
	l.withdraw()
	l.publish("old", old.Public(), jose.ES256)
	ok(t, identify("fresh"))
	c.pass(11 * time.Minute)
	refused(t, "a key that was withdrawn meanwhile", identify("fresh"), fault.Unauthenticated, identity.ReasonToken)
	ok(t, identify("old"))
}

// TestInventedKeys: whoever sends tokens with invented keys does not make us
// hammer the issuer, and keeps nobody else out.
func TestInventedKeys(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	r := registry(t, l.config(c))
	cert := leaf(t, c.Now(), console)
	flood := func() {
		for range 100 {
			_, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, rand.Text(), l.claims(c.Now(), nil)))
			refused(t, "invented", err, fault.Unauthenticated, identity.ReasonToken)
		}
	}
	flood()
	if n := l.fetches(); n != 3 {
		t.Errorf("the issuer was asked %d times at once, want 3", n)
	}
	c.pass(5 * time.Second)
	flood()
	if n := l.fetches(); n != 4 {
		t.Errorf("the issuer was asked %d times 5 seconds later, want 4", n)
	}
	_, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil)))
	ok(t, err)
}

// TestIssuerAway: nobody is let in on trust, and known keys serve on.
func TestIssuerAway(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	away := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sealed", http.StatusServiceUnavailable) }
	l.fails(away)
	cfg := l.config(c)
	r := registry(t, cfg)
	cert := leaf(t, c.Now(), console)
	cert.NotAfter = c.Now().Add(100 * time.Hour)
	identify := func() error {
		_, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil)))
		return err
	}
	for range 10 {
		err := identify()
		refused(t, "away", err, fault.Unavailable, identity.ReasonIssuer)
		var e *fault.Error
		if errors.As(err, &e) && e.RetryAfter <= 0 {
			t.Error("it does not say when to try again")
		}
	}
	l.fails(nil)
	c.pass(5 * time.Second)
	ok(t, identify())

	l.fails(away)
	c.pass(11 * time.Hour)
	ok(t, identify())
	ok(t, r.Update(cfg)) // which keeps the keys
	ok(t, identify())
	for range 10 {
		_, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "two", l.claims(c.Now(), nil)))
		refused(t, "an unknown key meanwhile", err, fault.Unavailable, identity.ReasonIssuer)
	}
	c.pass(2 * time.Hour)
	refused(t, "away for long", identify(), fault.Unavailable, identity.ReasonIssuer)
	l.fails(nil)
	c.pass(5 * time.Second)
	ok(t, identify())
}

// TestIssuerHangs: a caller does not wait longer than it wants to, nor longer
// than the bound.
func TestIssuerHangs(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	asked, release := make(chan struct{}, 10), make(chan struct{})
	l.fails(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	})
	defer close(release)
	cert, good := leaf(t, c.Now(), console), signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil))

	ctx, giveUp := context.WithCancel(t.Context())
	r := registry(t, l.config(c))
	given := make(chan error)
	go func() {
		_, err := r.Identify(ctx, cert, good)
		given <- err
	}()
	<-asked
	giveUp()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who gives up: %v", err)
	}
	cfg := l.config(c)
	cfg.Timeout = time.Millisecond
	_, err := registry(t, cfg).Identify(t.Context(), cert, good)
	refused(t, "hangs", err, fault.Unavailable, identity.ReasonIssuer)
}

// TestUnfitIssuers: what is not the issuer's own answer gives no keys.
func TestUnfitIssuers(t *testing.T) {
	t.Parallel()
	c, key := newClock(), newKey(t)
	var evil *login
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	evil = newLogin(t)
	evil.publish("one", key.Public(), jose.ES256)
	for cause, answer := range map[string]http.HandlerFunc{
		"is not the JSON":             text("<html>log in</html>"),
		"calls itself by another URL": text(`{"issuer":"` + evil.url + `","jwks_uri":"` + evil.url + `/keys"}`),
		"jwks_uri is not https":       text(`{"issuer":"ISSUER","jwks_uri":"http://192.0.2.1/keys"}`),
		"there is none that signs":    text(`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys","keys":[]}`),
		"answered with status 302": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, evil.url+r.URL.Path, http.StatusFound)
		},
		"answered with status 404": http.NotFound,
		"discovery: the issuer's answ": func(w http.ResponseWriter, _ *http.Request) {
			for { // without end
				if _, err := w.Write(bytes.Repeat([]byte(" "), 64<<10)); err != nil {
					return
				}
			}
		},
	} {
		l, log := newLogin(t), &journal{}
		l.fails(func(w http.ResponseWriter, r *http.Request) { answer(replacing{w, l.url}, r) })
		cfg := l.config(c)
		cfg.Log = slog.New(slog.NewTextHandler(log, nil))
		_, err := registry(t, cfg).Identify(t.Context(), leaf(t, c.Now(), console),
			signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil)))
		refused(t, cause, err, fault.Unavailable, identity.ReasonIssuer)
		if log.count(cause) != 1 {
			t.Errorf("the operator does not learn that the issuer %s: %s", cause, &log.text)
		}
	}
	if evil.fetches() > 0 {
		t.Error("keys were fetched where the issuer has none")
	}
}

// replacing puts an issuer's URL into what it answers.
type replacing struct {
	http.ResponseWriter
	url string
}

// Write writes the answer.
func (w replacing) Write(b []byte) (int, error) {
	_, err := w.ResponseWriter.Write(bytes.ReplaceAll(b, []byte("ISSUER"), []byte(w.url)))
	return len(b), err
}

// TestUnfitKeys: what an issuer publishes beside good keys is not believed, and
// does no harm.
func TestUnfitKeys(t *testing.T) {
	t.Parallel()
	c, l, key, hidden := newClock(), newLogin(t), newKey(t), newKey(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	ok(t, err)
	secret := []byte("a secret that everybody can read")
	l.keys = []jose.JSONWebKey{
		{Key: secret, KeyID: "shared", Algorithm: "HS256"},
		{Key: short.Public(), KeyID: "short"},
		{Key: hidden.Public(), KeyID: "encrypts", Use: "enc"},
		{Key: hidden, KeyID: "private"},
		{Key: key.Public(), KeyID: "good"},
	}
	r := registry(t, l.config(c))
	cert := leaf(t, c.Now(), console)
	for kid, signing := range map[string]jose.SigningKey{
		"shared": {Algorithm: jose.HS256, Key: secret}, "short": {Algorithm: jose.RS256, Key: short},
		"encrypts": {Algorithm: jose.ES256, Key: hidden}, "private": {Algorithm: jose.ES256, Key: hidden},
	} {
		_, err := r.Identify(t.Context(), cert, signed(t, signing.Key, signing.Algorithm, kid, l.claims(c.Now(), nil)))
		refused(t, kid, err, fault.Unauthenticated, identity.ReasonToken)
	}
	_, err = r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "good", l.claims(c.Now(), nil)))
	ok(t, err)
	_, err = r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "", l.claims(c.Now(), nil)))
	if err != nil {
		t.Errorf("a token that names no key: %v", err)
	}
}
