package transit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
	"github.com/wertfach/wertfach/vault/vaulttest"
)

// mayUse is a policy for all that a driver does in a prepared mount. What a
// server really gets is in deploy/vault, and tested there.
func mayUse(mount string) string {
	return fmt.Sprintf(`
		path "%s/*"                   { capabilities = ["create", "read", "update", "delete"] }
		path "auth/token/lookup-self" { capabilities = ["read"] }
		path "auth/token/renew-self"  { capabilities = ["update"] }
		path "auth/token/revoke-self" { capabilities = ["update"] }`, mount)
}

// asServer is a driver as a server has it, in a mount that an operator prepares.
type asServer struct {
	*transit.Transit
	operator *transit.Transit
}

func (s asServer) Prepare(ctx context.Context) error { return s.operator.Prepare(ctx) }

func (s asServer) Close() error { return errors.Join(s.Transit.Close(), s.operator.Close()) }

// TestConformanceAsServer runs the suite with an AppRole that may use the keys
// and nothing else.
func TestConformanceAsServer(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vault.Driver {
		v := testenv.SharedVault(t)
		mount := v.FreshMount(t)
		role := newRole(t, v, testenv.AppRole{Policy: mayUse(mount)})
		d, err := transit.New(t.Context(), transit.Config{Address: v.Addr(), Mount: mount, Login: role})
		if err != nil {
			t.Fatal(err)
		}
		return asServer{d, open(t, v, mount)}
	})
}

// newRole makes an AppRole of the test's own.
func newRole(t *testing.T, v *testenv.Vault, r testenv.AppRole) transit.Login {
	t.Helper()
	r.Name = strings.ToLower(filepath.Base(t.TempDir()) + "-" + strings.NewReplacer("/", "-").Replace(t.Name()))
	files, err := v.AppRole(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return transit.Login{RoleIDFile: files.RoleID, SecretIDFile: files.SecretID}
}

func login(t *testing.T, v *testenv.Vault, mount string, l transit.Login) *vault.Keys {
	t.Helper()
	d, err := transit.New(t.Context(), transit.Config{Address: v.Addr(), Mount: mount, Login: l})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(d)
	t.Cleanup(func() { _ = keys.Close() })
	return keys
}

// TestShortLivedTokens works without a break for longer than a token lives,
// and longer than one can be renewed. Vault counts lifetimes in whole seconds,
// so this test takes some.
func TestShortLivedTokens(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	for name, r := range map[string]testenv.AppRole{
		"renewed":   {TokenTTL: 2 * time.Second},
		"logged in": {TokenTTL: 2 * time.Second, TokenMaxTTL: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, mount := prepared(t, v)
			r.Policy = mayUse(mount)
			keys := login(t, v, mount, newRole(t, v, r))
			dk, err := keys.Create(t.Context(), "bank-alice", vault.Dossier)
			if err != nil {
				t.Fatal(err)
			}
			over, cancel := context.WithTimeout(t.Context(), 3*r.TokenTTL)
			defer cancel()
			for over.Err() == nil {
				if _, err := keys.Unwrap(t.Context(), "bank-alice", vault.Dossier, dk.Wrapped); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRevokedToken: a token can end before its time, and the very call that
// finds out succeeds nonetheless.
func TestRevokedToken(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	_, mount := prepared(t, v)
	keys := login(t, v, mount, newRole(t, v, testenv.AppRole{Policy: mayUse(mount)}))
	dk, err := keys.Create(t.Context(), "bank-alice", vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	revokeAll(t, v)
	if _, err := keys.Unwrap(t.Context(), "bank-alice", vault.Dossier, dk.Wrapped); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
}

// revokeAll revokes the tokens of the test's own role, as an operator would.
func revokeAll(t *testing.T, v *testenv.Vault) {
	t.Helper()
	logical := v.Client().Logical()
	list, err := logical.ListWithContext(t.Context(), "auth/token/accessors")
	if err != nil || list == nil {
		t.Fatal(err)
	}
	accessors, _ := list.Data["keys"].([]any)
	revoked := 0
	for _, a := range accessors {
		in := map[string]any{"accessor": a}
		s, err := logical.WriteWithContext(t.Context(), "auth/token/lookup-accessor", in)
		if err != nil || s == nil {
			continue // gone meanwhile
		}
		if meta, _ := s.Data["meta"].(map[string]any); !strings.HasSuffix(fmt.Sprint(meta["role_name"]), strings.ToLower(t.Name())) {
			continue
		}
		if _, err := logical.WriteWithContext(t.Context(), "auth/token/revoke-accessor", in); err != nil {
			t.Fatal(err)
		}
		revoked++
	}
	if revoked != 1 {
		t.Fatalf("revoked %d tokens, want 1", revoked)
	}
}

// TestTokenFile: the file is read again once its token is refused.
func TestTokenFile(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	_, mount := prepared(t, v)
	file := filepath.Join(t.TempDir(), "token")
	write := func() string {
		t.Helper()
		s, err := v.Client().Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{TTL: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(s.Auth.ClientToken+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.Auth.ClientToken
	}
	first := write()
	keys := login(t, v, mount, transit.Login{TokenFile: file})
	if err := keys.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	write()
	if err := v.Client().Auth().Token().RevokeTreeWithContext(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := keys.Ping(t.Context()); err != nil {
		t.Errorf("after the file changed: %v", err)
	}
}

// TestCloseGivesTheTokenBack: an AppRole's token is revoked, another is not.
func TestCloseGivesTheTokenBack(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	_, mount := prepared(t, v)
	role := newRole(t, v, testenv.AppRole{Policy: mayUse(mount)})
	if err := login(t, v, mount, role).Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(filepath.Dir(role.RoleIDFile))
	if n := tokensOf(t, v, name); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
	open(t, v, mount).Close()
	if err := login(t, v, mount, transit.Login{Token: v.RootToken()}).Ping(t.Context()); err != nil {
		t.Errorf("a token that was given: %v", err)
	}
}

func tokensOf(t *testing.T, v *testenv.Vault, role string) (n int) {
	t.Helper()
	logical := v.Client().Logical()
	list, err := logical.ListWithContext(t.Context(), "auth/token/accessors")
	if err != nil || list == nil {
		t.Fatal(err)
	}
	accessors, _ := list.Data["keys"].([]any)
	for _, a := range accessors {
		s, err := logical.WriteWithContext(t.Context(), "auth/token/lookup-accessor", map[string]any{"accessor": a})
		if err != nil || s == nil {
			continue
		}
		if meta, _ := s.Data["meta"].(map[string]any); meta["role_name"] == role {
			n++
		}
	}
	return n
}

func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	good := newRole(t, v, testenv.AppRole{Policy: mayUse("transit")})
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const secret = "hvs.not-a-token"
	for name, test := range map[string]struct {
		login transit.Login
		want  error
	}{
		"token":        {transit.Login{Token: secret}, vault.ErrDenied},
		"token file":   {transit.Login{TokenFile: file(secret)}, vault.ErrDenied},
		"secret id":    {transit.Login{RoleIDFile: good.RoleIDFile, SecretIDFile: file(secret)}, vault.ErrDenied},
		"role id":      {transit.Login{RoleIDFile: file(secret), SecretIDFile: good.SecretIDFile}, vault.ErrDenied},
		"mount":        {transit.Login{RoleIDFile: good.RoleIDFile, SecretIDFile: good.SecretIDFile, AppRoleMount: "elsewhere"}, nil},
		"no file":      {transit.Login{TokenFile: filepath.Join(t.TempDir(), "none")}, os.ErrNotExist},
		"empty file":   {transit.Login{TokenFile: file("\n")}, nil},
		"several":      {transit.Login{TokenFile: file(secret + " " + secret)}, nil},
		"no role file": {transit.Login{RoleIDFile: filepath.Join(t.TempDir(), "none"), SecretIDFile: good.SecretIDFile}, os.ErrNotExist},
	} {
		_, err := transit.New(t.Context(), transit.Config{Address: v.Addr(), Login: test.login})
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
}

// TestPolicyTellsContextsApart: a process that may open dossiers need not be
// able to open secrets, by Vault's own rules.
func TestPolicyTellsContextsApart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := testenv.SharedVault(t)
	all, mount := prepared(t, v)
	policy := fmt.Sprintf(`path "auth/token/lookup-self" {
		capabilities = ["read"]
	}
	path "%s/decrypt/*" {
		capabilities        = ["update"]
		required_parameters = ["ciphertext", "context"]
		allowed_parameters  = { "ciphertext" = [], "context" = ["ZG9zc2llcg=="] }
	}`, mount)
	few := login(t, v, mount, newRole(t, v, testenv.AppRole{Policy: policy}))

	const key = "bank-alice"
	dossier, err := all.Create(ctx, key, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := all.DataKey(ctx, key, vault.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := few.UnwrapAll(ctx, key, vault.Dossier, [][]byte{dossier.Wrapped, dossier.Wrapped}); err != nil {
		t.Errorf("what is allowed: %v", err)
	}
	for name, call := range everyCall(few, key, dossier) {
		if name == "unwrap" || name == "unwrap all" || name == "ping" {
			continue
		}
		if err := call(ctx); !errors.Is(err, vault.ErrDenied) {
			t.Errorf("%s: got error %v, want %v", name, err, vault.ErrDenied)
		}
	}
	for n := range 3 {
		_, err := few.UnwrapAll(ctx, key, vault.Secret, slices.Repeat([][]byte{secret.Wrapped}, n+1))
		if !errors.Is(err, vault.ErrDenied) {
			t.Errorf("another context: got error %v, want %v", err, vault.ErrDenied)
		}
	}
}
