package transit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/vault"
)

// newAuth makes the way to log in that the configuration names.
func newAuth(c Config, transport *http.Transport) (auth, error) {
	lib, err := newLibrary(c, transport)
	if err != nil {
		return nil, err
	}
	if c.Login.RoleIDFile != "" {
		return &appRole{tokens: tokens{lib}, way: c.Login}, nil
	}
	return &givenToken{tokens{lib}, c.Login}, nil
}

// newLibrary makes a client of Vault's library for what concerns tokens. It
// shares our connections, retries nothing, and forgets what it read from the
// environment.
func newLibrary(c Config, transport *http.Transport) (*api.Client, error) {
	lib, err := api.NewClient(&api.Config{
		Address: c.Address,
		HttpClient: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Timeout:          c.Timeout,
		DisableRedirects: true, // a token must not follow to wherever an answer points
	})
	if err != nil {
		return nil, errors.New("transit: client of Vault: VAULT_ variables of the environment are malformed")
	}
	lib.ClearToken()
	lib.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	lib.SetWrappingLookupFunc(func(string, string) string { return "" })
	if c.Namespace != "" {
		lib.SetNamespace(c.Namespace)
	}
	return lib, nil
}

// tokens is what is the same for every way to log in.
type tokens struct {
	lib *api.Client
}

func (t tokens) renew(ctx context.Context, token string) (lease, error) {
	s, err := t.lib.Auth().Token().RenewTokenAsSelfWithContext(ctx, token, 0)
	return leaseFrom(ctx, s, err)
}

func (t tokens) lookup(ctx context.Context, token string) error {
	_, err := t.read(ctx, token)
	return err
}

// read asks Vault about a token.
func (t tokens) read(ctx context.Context, token string) (lease, error) {
	t.lib.SetToken(token)
	s, err := t.lib.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		return lease{}, understood(ctx, err)
	}
	ttl, err := s.TokenTTL()
	if err != nil {
		return lease{}, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	renewable, err := s.TokenIsRenewable()
	if err != nil {
		return lease{}, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	return lease{token: token, ttl: ttl, renewable: renewable}, nil
}

// appRole logs in with a role id and a secret id.
type appRole struct {
	tokens
	way     Login
	refused [sha256.Size]byte // what Vault last said was no AppRole of its
	since   time.Time         // when it said so
}

// refusedFor is how long credentials that Vault refused are not tried again. Vault
// locks an AppRole for 15 minutes after five failures, and those of the last 15
// minutes count: a server that goes on trying would lock out all others of its
// role, and itself when its operator brings new credentials. Those are tried at
// once.
const refusedFor = 20 * time.Minute

func (a *appRole) login(ctx context.Context) (lease, error) {
	role, err := readSecret(a.way.RoleIDFile, "role id file")
	if err != nil {
		return lease{}, err
	}
	secret, err := readSecret(a.way.SecretIDFile, "secret id file")
	if err != nil {
		return lease{}, err
	}
	credentials := sha256.Sum256([]byte(role + " " + secret))
	if credentials == a.refused && time.Since(a.since) < refusedFor {
		return lease{}, fmt.Errorf("%w: the AppRole was not accepted, and its files have not changed since", vault.ErrDenied)
	}
	a.lib.ClearToken()
	s, err := a.lib.Logical().WriteWithContext(ctx, "auth/"+a.way.AppRoleMount+"/login",
		map[string]any{"role_id": role, "secret_id": secret})
	l, err := leaseFrom(ctx, s, err)
	if errors.Is(err, vault.ErrInvalid) {
		// Vault answers 400 to a role id or secret id that it does not take.
		a.refused, a.since = credentials, time.Now()
		err = fmt.Errorf("%w: the AppRole is not accepted", vault.ErrDenied)
	}
	return l, err
}

// logout revokes the token, which nobody else has.
func (a *appRole) logout(ctx context.Context, token string) {
	a.lib.SetToken(token)
	_ = a.lib.Auth().Token().RevokeSelfWithContext(ctx, "") // it ends by itself otherwise
}

// givenToken uses a token that someone else made.
type givenToken struct {
	tokens
	way Login
}

func (g *givenToken) login(ctx context.Context) (lease, error) {
	token := g.way.Token
	if g.way.TokenFile != "" {
		var err error
		if token, err = readSecret(g.way.TokenFile, "token file"); err != nil {
			return lease{}, err
		}
	}
	return g.read(ctx, token)
}

// logout leaves the token alone: it is not ours.
func (*givenToken) logout(context.Context, string) {}

// leaseFrom reads the answer to a login or a renewal.
func leaseFrom(ctx context.Context, s *api.Secret, err error) (lease, error) {
	if err != nil {
		return lease{}, understood(ctx, err)
	}
	if s == nil || s.Auth == nil || s.Auth.ClientToken == "" {
		return lease{}, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	return lease{
		token:     s.Auth.ClientToken,
		ttl:       time.Duration(s.Auth.LeaseDuration) * time.Second,
		renewable: s.Auth.Renewable,
	}, nil
}

// understood maps an error of Vault's library.
func understood(ctx context.Context, err error) error {
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return refused(answer, "")
	}
	return unreachable(ctx, err)
}

// readSecret reads a file that holds one word.
func readSecret(path, what string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("transit: %s: %w", what, err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" || strings.ContainsAny(secret, " \t\r\n") {
		return "", fmt.Errorf("transit: %s: want one word in it", what)
	}
	return secret, nil
}
