package node_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
)

// TestServerPolicy: what deploy/vault/server.hcl does not grant. That it grants
// enough is tested with the commands.
func TestServerPolicy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := testenv.SharedVault(t)
	root := withVault(t, newIdentity(t), v, patience)
	prepare(t, root)
	policy, err := os.ReadFile(filepath.Join("..", "..", "deploy", "vault", "server.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := v.AppRole(ctx, testenv.AppRole{Name: "wertfach-server", Policy: string(policy)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Client().Logical().WriteWithContext(ctx, "auth/approle/role/wertfach-server",
		map[string]any{"token_no_default_policy": true}); err != nil {
		t.Fatal(err)
	}
	server := *root
	server.Embedded = &config.Embedded{File: filepath.Join(t.TempDir(), "store.db")}
	server.Vault = &config.Vault{Address: v.Addr(), TransitMount: "transit", Auth: config.VaultAuth{
		AppRole: &config.AppRole{RoleIDFile: files.RoleID, SecretIDFile: files.SecretID},
	}}
	b, err := node.Open(ctx, &server, newJournal().logger)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()

	const key = "musterbank-0123-4567"
	dk, err := b.Keys.Create(ctx, key, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"a customer's key for an index":  func() error { _, err := b.Keys.DataKey(ctx, key, vault.Index); return err },
		"a data key of the system":       func() error { _, err := b.Keys.DataKey(ctx, vault.SystemKey, vault.Index); return err },
		"a key made for a secret":        func() error { _, err := b.Keys.Create(ctx, "musterbank-other-key", vault.Secret); return err },
		"rotating a customer's key":      func() error { return b.Keys.Rotate(ctx, key) },
		"rotating the key for receipts":  func() error { return b.Keys.Rotate(ctx, vault.AttestKey) },
		"reading about the system's key": func() error { _, err := b.Keys.Info(ctx, vault.SystemKey); return err },
		"opening with the wrong context": func() error { _, err := b.Keys.Unwrap(ctx, vault.SystemKey, vault.System, dk.Wrapped); return err },
		"mounting":                       func() error { return b.Keys.Prepare(ctx) },
	} {
		if err := call(); !errors.Is(err, vault.ErrDenied) {
			t.Errorf("%s: got %v, want %v", name, err, vault.ErrDenied)
		}
	}

	// What our own code never asks for, and a thief of the token would.
	token := login(t, v, files)
	text := base64.StdEncoding.EncodeToString([]byte("x"))
	dossier := base64.StdEncoding.EncodeToString([]byte(vault.Dossier))
	for _, call := range []struct {
		method, path string
		in           map[string]any
	}{
		{http.MethodPut, "transit/encrypt/" + key, map[string]any{"plaintext": text, "context": dossier}},
		{http.MethodPut, "transit/encrypt/new", map[string]any{"plaintext": text, "context": dossier, "type": "chacha20-poly1305"}},
		{http.MethodPut, "transit/encrypt/new", map[string]any{"batch_input": []any{}}},
		{http.MethodPut, "transit/keys/new", map[string]any{"exportable": true}},
		{http.MethodPut, "transit/keys/" + key + "/config", map[string]any{"exportable": true}},
		{http.MethodPut, "transit/keys/" + key + "/config", map[string]any{"deletion_allowed": true, "allow_plaintext_backup": true}},
		{http.MethodPut, "transit/keys/" + key + "/trim", map[string]any{"min_available_version": 1}},
		{http.MethodPut, "transit/keys/attest/config", map[string]any{"deletion_allowed": true}},
		{http.MethodDelete, "transit/keys/attest", nil},
		{http.MethodPut, "transit/keys/system/config", map[string]any{"deletion_allowed": true}},
		{http.MethodDelete, "transit/keys/system", nil},
		{http.MethodGet, "transit/export/encryption-key/" + key, nil},
		{http.MethodGet, "transit/backup/" + key, nil},
		{http.MethodGet, "transit/keys?list=true", nil},
		{http.MethodPut, "transit/sign/" + key, map[string]any{"input": text}},
		{http.MethodPut, "transit/hmac/" + key, map[string]any{"input": text}},
		{http.MethodPut, "transit/cache-config", map[string]any{"size": 0}},
		{http.MethodDelete, "sys/mounts/transit", nil},
		{http.MethodGet, "sys/policies/acl/wertfach-server", nil},
		{http.MethodPut, "auth/token/create", map[string]any{}},
		{http.MethodPut, "auth/approle/role/wertfach-server/secret-id", map[string]any{}},
	} {
		if got := ask(t, v, token, call.method, call.path, call.in); got != http.StatusForbidden {
			t.Errorf("%s %s: Vault answers %d, want 403", call.method, call.path, got)
		}
	}
	if _, err := b.Keys.Unwrap(ctx, key, vault.Dossier, dk.Wrapped); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// ask calls Vault and gives the status of its answer.
func ask(t *testing.T, v *testenv.Vault, token, method, path string, in map[string]any) int {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, v.Addr()+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// login logs in as the server does.
func login(t *testing.T, v *testenv.Vault, files testenv.AppRoleFiles) (token string) {
	t.Helper()
	in := map[string]any{}
	for name, file := range map[string]string{"role_id": files.RoleID, "secret_id": files.SecretID} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in[name] = strings.TrimSpace(string(b))
	}
	s, err := v.Client().Logical().WriteWithContext(t.Context(), "auth/approle/login", in)
	if err != nil {
		t.Fatal(err)
	}
	return s.Auth.ClientToken
}
