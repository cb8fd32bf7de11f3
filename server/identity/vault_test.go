package identity_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/server/identity"
)

// bank is a real issuer: Vault's, with an agent who logged in there.
type bank struct {
	vault *testenv.Vault
	agent string // the agent's token of Vault itself
	url   string // of the issuer
}

func newBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{vault: testenv.NewVault(t)}
	b.url = b.vault.Addr() + "/v1/identity/oidc"
	b.write(t, "identity/oidc/config", map[string]any{"issuer": b.vault.Addr()})
	b.write(t, "identity/oidc/key/people", map[string]any{
		"algorithm": "ES256", "allowed_client_ids": "*", "rotation_period": "24h", "verification_ttl": "24h",
	})
	template := base64.StdEncoding.EncodeToString([]byte(`{"groups": {{identity.entity.groups.names}}, "nbf": {{time.now}}}`))
	for role, audience := range map[string]string{"wertfach": "wertfach", "other": "something-else"} {
		b.write(t, "identity/oidc/role/"+role, map[string]any{"key": "people", "client_id": audience, "template": template, "ttl": "1h"})
	}
	b.write(t, "identity/oidc/role/brief", map[string]any{"key": "people", "client_id": "wertfach", "template": template, "ttl": "1s"})

	files, err := b.vault.AppRole(t.Context(), testenv.AppRole{Name: "agent", Policy: `path "identity/oidc/token/*" { capabilities = ["read"] }`})
	ok(t, err)
	read := func(path string) string {
		text, err := os.ReadFile(path)
		ok(t, err)
		return strings.TrimSpace(string(text))
	}
	s, err := b.vault.Client().Logical().WriteWithContext(t.Context(), "auth/approle/login", map[string]any{
		"role_id": read(files.RoleID), "secret_id": read(files.SecretID),
	})
	ok(t, err)
	b.agent = s.Auth.ClientToken
	b.write(t, "identity/group", map[string]any{"name": "hotline", "member_entity_ids": s.Auth.EntityID})
	return b
}

func (b *bank) write(t *testing.T, path string, data map[string]any) {
	t.Helper()
	_, err := b.vault.Client().Logical().WriteWithContext(t.Context(), path, data)
	ok(t, err)
}

// token logs the agent in for that role.
func (b *bank) token(t *testing.T, role string) string {
	t.Helper()
	own, err := b.vault.Client().Clone()
	ok(t, err)
	own.SetToken(b.agent)
	s, err := own.Logical().ReadWithContext(t.Context(), "identity/oidc/token/"+role)
	ok(t, err)
	text, _ := s.Data["token"].(string)
	return "Bearer " + text
}

// TestVaultAsIssuer: people log in at a real issuer, which rotates its key and
// goes away meanwhile.
func TestVaultAsIssuer(t *testing.T) {
	t.Parallel()
	b, c := newBank(t), newClock()
	cfg := (&login{url: b.url}).config(c)
	r := registry(t, cfg)
	cert := leaf(t, c.Now(), console)
	identify := func(authorization string) (identity.Principal, error) {
		return r.Identify(t.Context(), cert, authorization)
	}
	first := b.token(t, "wertfach")
	p, err := identify(first)
	ok(t, err)
	if !strings.HasPrefix(p.ID, b.url+"#") || len(p.ID) < len(b.url)+10 || p.Machine != console || !has(p, roleHotline, "musterbank") {
		t.Errorf("got %+v", p)
	}
	if has(p, roleHotline, "kartenbank") || has(p, rolePortal, "musterbank") || has(p, roleOfficer, "musterbank") {
		t.Errorf("is granted too much: %+v", p)
	}
	if left := p.Expires.Sub(c.Now()); left < 50*time.Minute || left > time.Hour+time.Minute {
		t.Errorf("lasts for %v", left)
	}
	_, err = identify(b.token(t, "other"))
	refused(t, "for another service", err, fault.Unauthenticated, identity.ReasonToken)

	b.write(t, "identity/oidc/key/people/rotate", map[string]any{"verification_ttl": "1h"})
	second := b.token(t, "wertfach")
	if strings.Split(first, ".")[0] == strings.Split(second, ".")[0] {
		t.Fatal("the key was not rotated")
	}
	for name, token := range map[string]string{"before": first, "after": second} {
		if _, err := identify(token); err != nil {
			t.Errorf("a token from %s the rotation: %v", name, err)
		}
	}

	brief := b.token(t, "brief")
	ok(t, b.vault.Seal(t.Context()))
	if _, err := identify(second); err != nil {
		t.Errorf("while the issuer is sealed: %v", err)
	}
	_, err = registry(t, cfg).Identify(t.Context(), cert, second)
	refused(t, "sealed, after a restart of ours", err, fault.Unavailable, identity.ReasonIssuer)
	ok(t, b.vault.Unseal(t.Context()))
	c.pass(5 * time.Second)
	_, err = registry(t, cfg).Identify(t.Context(), cert, second)
	ok(t, err)
	_, err = identify(brief)
	refused(t, "expired", err, fault.Unauthenticated, identity.ReasonTokenExpired)
}
