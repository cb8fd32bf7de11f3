package testenv_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/internal/testenv"
)

// TestDeployedMayWhatBothMay: open secrets, as a server, and destroy, as a sweeper.
func TestDeployedMayWhatBothMay(t *testing.T) {
	t.Parallel()
	ctx, v := t.Context(), testenv.SharedVault(t)
	mount := v.FreshMount(t)
	if err := v.Client().Sys().MountWithContext(ctx, mount, &api.MountInput{Type: "transit"}); err != nil {
		t.Fatal(err)
	}
	files, err := v.Deployed(ctx, "deployed", mount)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{}
	for name, file := range map[string]string{"role_id": files.RoleID, "secret_id": files.SecretID} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in[name] = strings.TrimSpace(string(content))
	}
	login, err := v.Client().Logical().WriteWithContext(ctx, "auth/approle/login", in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Client().Clone()
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(login.Auth.ClientToken)
	const dossier, secret = "ZG9zc2llcg==", "c2VjcmV0"
	call := func(path string, in map[string]any) *api.Secret {
		t.Helper()
		out, err := c.Logical().WriteWithContext(ctx, mount+"/"+path, in)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return out
	}
	call("encrypt/k", map[string]any{"type": "aes256-gcm96", "plaintext": "eA==", "context": dossier})
	made := call("datakey/plaintext/k", map[string]any{"context": secret})
	call("decrypt/k", map[string]any{"context": secret, "ciphertext": made.Data["ciphertext"]})
	call("keys/k/config", map[string]any{"deletion_allowed": true})
	if _, err := c.Logical().DeleteWithContext(ctx, mount+"/keys/k"); err != nil {
		t.Error(err)
	}
	if _, err := c.Logical().WriteWithContext(ctx, mount+"/keys/k", nil); err == nil {
		t.Error("makes keys of any kind")
	}
}
