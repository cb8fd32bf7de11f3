package transit_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

// TestRoles makes a role where AppRole is not enabled yet, logs in with it, and
// narrows it.
func TestRoles(t *testing.T) {
	t.Parallel()
	ctx, v := t.Context(), testenv.SharedVault(t)
	all, mount := prepared(t, v)
	dk, err := all.Create(ctx, "bank-alice", vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	const machines, name = "machines", "test-of-roles"
	root, err := transit.New(ctx, transit.Config{
		Address: v.Addr(), Mount: mount, Login: transit.Login{Token: v.RootToken(), AppRoleMount: machines},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	role := transit.Role{Name: name, Policy: mayUse(mount), TokenTTL: 7 * time.Minute, TokenMaxTTL: 9 * time.Minute}
	for range 2 {
		if err := root.PutRoles(ctx, role); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	login := transit.Login{
		RoleIDFile: filepath.Join(dir, "role"), SecretIDFile: filepath.Join(dir, "secret"), AppRoleMount: machines,
	}
	issue := func() (roleID, secretID string) {
		t.Helper()
		roleID, secretID, err := root.Credentials(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return roleID, secretID
	}
	roleID, secretID := issue()
	if err := errors.Join(os.WriteFile(login.RoleIDFile, []byte(roleID), 0o600), os.WriteFile(login.SecretIDFile, []byte(secretID), 0o600)); err != nil {
		t.Fatal(err)
	}
	if again, other := issue(); again != roleID || other == secretID {
		t.Error("further credentials are not of the same role, or no further ones")
	}
	made, err := v.Client().Logical().WriteWithContext(ctx, "auth/"+machines+"/login", map[string]any{"role_id": roleID, "secret_id": secretID})
	if err != nil {
		t.Fatal(err)
	}
	if ttl := time.Duration(made.Auth.LeaseDuration) * time.Second; ttl != role.TokenTTL {
		t.Errorf("a token lives %v, want %v", ttl, role.TokenTTL)
	}
	if policies := strings.Join(made.Auth.Policies, " "); policies != name {
		t.Errorf("a token has the policies %s", policies)
	}
	d, err := transit.New(ctx, transit.Config{Address: v.Addr(), Mount: mount, Login: login})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(d)
	defer keys.Close()
	if _, err := keys.Unwrap(ctx, "bank-alice", vault.Dossier, dk.Wrapped); err != nil {
		t.Errorf("with the role: %v", err)
	}
	role.Policy = `path "auth/token/lookup-self" { capabilities = ["read"] }`
	if err := root.PutRoles(ctx, role); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Unwrap(ctx, "bank-alice", vault.Dossier, dk.Wrapped); !errors.Is(err, vault.ErrDenied) {
		t.Errorf("with the narrowed role: %v", err)
	}
}

// TestRolesRefused: what can't be a role is not sent, another method is not taken
// for AppRole, and an answer without credentials is none.
func TestRolesRefused(t *testing.T) {
	t.Parallel()
	ctx, v := t.Context(), testenv.SharedVault(t)
	root := open(t, v, v.FreshMount(t))
	defer root.Close()
	for _, name := range []string{"", "Upper", "a/b", "../root", "a b", "-a", "a-", strings.Repeat("/", 3)} {
		if err := root.PutRoles(ctx, transit.Role{Name: name, Policy: "x"}); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("%q: got error %v", name, err)
		}
		if _, _, err := root.Credentials(ctx, name); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("%q: got error %v", name, err)
		}
	}
	if err := root.PutRoles(ctx, transit.Role{Name: "broken", Policy: "path {"}); !errors.Is(err, vault.ErrInvalid) {
		t.Errorf("a broken policy: %v", err)
	}
	const taken = "taken"
	if err := v.Client().Sys().EnableAuthWithOptionsWithContext(ctx, taken, &api.EnableAuthOptions{Type: "cert"}); err != nil {
		t.Fatal(err)
	}
	other, err := transit.New(ctx, transit.Config{Address: v.Addr(), Login: transit.Login{Token: v.RootToken(), AppRoleMount: taken}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.PutRoles(ctx); err == nil {
		t.Error("took another method for AppRole")
	}
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, lookup) }))
	defer odd.Close()
	d, err := transit.New(ctx, transit.Config{Address: odd.URL, Login: transit.Login{Token: "token"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, _, err := d.Credentials(ctx, "role"); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("an answer without credentials: %v", err)
	}
}
