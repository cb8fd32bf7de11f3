package transit

import (
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
)

// TestRefusedCredentialsLockNobodyOut: Vault locks an AppRole after five failed
// logins, for every server that has it.
func TestRefusedCredentialsLockNobodyOut(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	files, err := v.AppRole(t.Context(), testenv.AppRole{Name: "refused-credentials", Policy: `path "sys/nothing" { capabilities = ["read"] }`})
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(files.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	write := func(secret string) {
		t.Helper()
		if err := os.WriteFile(files.SecretID, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := Config{Address: v.Addr(), Timeout: time.Minute, Login: Login{
		RoleIDFile: files.RoleID, SecretIDFile: files.SecretID, AppRoleMount: "approle",
	}}
	a, err := newAuth(c, transport)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"revoked", "mistyped"} {
		write(secret)
		for range 10 {
			if _, err := a.login(t.Context()); !errors.Is(err, vault.ErrDenied) {
				t.Fatalf("login with a refused secret id: %v", err)
			}
		}
	}
	write(string(good))
	if _, err := a.login(t.Context()); err != nil {
		t.Errorf("login with a new secret id: %v", err)
	}
}
