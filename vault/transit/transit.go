package transit

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wertfach/wertfach/vault"
)

// Transit keeps keys in the transit engine of a Vault.
type Transit struct {
	config    Config
	base      *url.URL // up to and with /v1/
	transport *http.Transport
	session   *session
}

var _ vault.Driver = (*Transit)(nil)

// New logs in to Vault and keeps the process logged in until [Transit.Close].
// It does not need the transit engine to be there: see [Transit.Prepare].
func New(ctx context.Context, c Config) (*Transit, error) {
	c, u, err := c.complete()
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	t := &Transit{config: c, base: u, transport: transport}
	t.base.Path = strings.TrimSuffix(u.Path, "/") + "/v1/"
	a, err := newAuth(c, transport)
	if err != nil {
		return nil, err
	}
	if t.session, err = newSession(ctx, a, c.Log); err != nil {
		transport.CloseIdleConnections()
		return nil, err
	}
	return t, nil
}

// Ping asks Vault about our token, which only an unsealed Vault with an active
// node can answer.
func (t *Transit) Ping(ctx context.Context) error {
	err := t.call(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self"})
	if errors.Is(err, vault.ErrNotFound) {
		return vault.ErrUnavailable
	}
	return err
}

// TokenEnds is when Vault stops taking our token unless it is renewed; zero for a
// token that does not end. As it is renewed after about two thirds of its time,
// one that is near its end can't be renewed.
func (t *Transit) TokenEnds() time.Time { return *t.session.ends.Load() }

// Close stops renewing the token, revokes it where we logged in for it, and
// closes idle connections.
func (t *Transit) Close() error {
	t.session.close()
	t.transport.CloseIdleConnections()
	return nil
}

// path is that of a call to the transit engine. Every part was checked before:
// the mount by Config, the key's name by package vault.
func (t *Transit) path(parts ...string) string {
	return t.config.Mount + "/" + strings.Join(parts, "/")
}
