package privilege_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/privilege"
	"github.com/wertfach/wertfach/vault"
)

// everybody are the identities in the order of the tables' columns.
var everybody = append(deploy.Lasting(), deploy.Init)

// ask is one request to Vault and who may make it.
type ask struct {
	method, path string
	in           map[string]any
	may          []deploy.Identity
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// asks is the table: what can be asked of a transit engine, of which key, in
// which context, and of the parts of Vault that a thief of a token would try.
// {mount} is the engine, {key} a customer's key, {new} one that there is not.
func asks(dk vault.DataKey) []ask {
	const (
		server, sweeper, hotline, operator, initial = deploy.Server, deploy.Sweeper, deploy.Hotline, deploy.Operator, deploy.Init
	)
	nobody := []deploy.Identity{}
	all := []deploy.Identity{server, sweeper, hotline, operator}
	wrapped := string(dk.Wrapped)
	var table []ask
	add := func(may []deploy.Identity, method, path string, in map[string]any) {
		table = append(table, ask{method, path, in, may})
	}

	opening := map[vault.Context][]deploy.Identity{
		vault.Dossier: all, vault.Secret: {server}, vault.Scan: {server},
		vault.Index: {server}, vault.System: {server}, // in which no customer's data lies
	}
	making := map[vault.Context][]deploy.Identity{vault.Dossier: {server}}
	for _, c := range []vault.Context{vault.Dossier, vault.Secret, vault.Scan, vault.Index, vault.System} {
		in := func(more map[string]any) map[string]any { more["context"] = b64(string(c)); return more }
		add(opening[c], "PUT", "{mount}/decrypt/{key}", in(map[string]any{"ciphertext": wrapped}))
		add([]deploy.Identity{server}, "PUT", "{mount}/datakey/plaintext/{key}", in(map[string]any{}))
		add(nobody, "PUT", "{mount}/datakey/wrapped/{key}", in(map[string]any{}))
		add(nobody, "PUT", "{mount}/encrypt/{key}", in(map[string]any{"plaintext": b64("x"), "type": "aes256-gcm96"}))
		add(making[c], "PUT", "{mount}/encrypt/{new}", in(map[string]any{"plaintext": b64("x"), "type": "aes256-gcm96"}))
		add([]deploy.Identity{operator, sweeper}, "PUT", "{mount}/rewrap/{key}", in(map[string]any{"ciphertext": wrapped}))
		add(map[bool][]deploy.Identity{true: {initial, operator}, false: {operator}}[c == vault.Index],
			"PUT", "{mount}/datakey/plaintext/system", in(map[string]any{}))
		add(nobody, "PUT", "{mount}/encrypt/system", in(map[string]any{"plaintext": b64("x")}))
		add(nobody, "PUT", "{mount}/hmac/{key}", in(map[string]any{"input": b64("x")}))
		add(nobody, "PUT", "{mount}/sign/system", in(map[string]any{"input": b64("x")}))
	}
	item := []any{map[string]any{"ciphertext": wrapped, "context": b64("dossier")}}
	add(nobody, "PUT", "{mount}/decrypt/{key}", map[string]any{"batch_input": item})
	add(nobody, "PUT", "{mount}/decrypt/{key}", map[string]any{"batch_input": item, "ciphertext": wrapped, "context": b64("dossier")})
	add([]deploy.Identity{operator, sweeper}, "PUT", "{mount}/rewrap/{key}", map[string]any{"batch_input": item})
	add(nobody, "PUT", "{mount}/encrypt/{new}", map[string]any{"plaintext": b64("x"), "type": "chacha20-poly1305", "context": b64("dossier")})
	add(nobody, "PUT", "{mount}/encrypt/{new}", map[string]any{"batch_input": []any{map[string]any{"plaintext": b64("x"), "context": b64("dossier")}}})
	add([]deploy.Identity{sweeper, hotline, operator, server, initial}, "PUT", "{mount}/decrypt/system", map[string]any{"ciphertext": wrapped, "context": b64("index")})

	// Keys, of a customer and of the system.
	add(all, "GET", "{mount}/keys/{key}", nil)
	add(append(slices.Clone(all), initial), "GET", "{mount}/keys/attest", nil)
	add([]deploy.Identity{operator, initial}, "GET", "{mount}/keys/system", nil)
	add(nobody, "PUT", "{mount}/keys/{new}", map[string]any{"exportable": true})
	add(nobody, "LIST", "{mount}/keys", nil)
	for key, who := range map[string]struct{ deletes, ends, trims []deploy.Identity }{
		"{key}":  {deletes: []deploy.Identity{sweeper}, ends: []deploy.Identity{sweeper}, trims: []deploy.Identity{sweeper}},
		"system": {},
		"attest": {},
	} {
		path := "{mount}/keys/" + key
		add(who.deletes, "PUT", path+"/config", map[string]any{"deletion_allowed": true})
		add(who.ends, "PUT", path+"/config", map[string]any{"min_decryption_version": 1})
		// What only destroying asks for, and in one call with the other.
		add(who.trims, "PUT", path+"/config", map[string]any{"min_encryption_version": 1})
		add(who.trims, "PUT", path+"/config", map[string]any{"min_decryption_version": 1, "min_encryption_version": 1})
		add(who.trims, "PUT", path+"/trim", map[string]any{"min_available_version": 1})
		add(nobody, "PUT", path+"/trim", map[string]any{"min_available_version": 1, "force": true})
		for _, wrong := range []map[string]any{
			{"exportable": true}, {"allow_plaintext_backup": true}, {"deletion_allowed": true, "exportable": true},
			{"min_decryption_version": 1, "allow_plaintext_backup": true}, {"auto_rotate_period": "1h"},
		} {
			add(nobody, "PUT", path+"/config", wrong)
		}
		add(map[bool][]deploy.Identity{true: {operator, sweeper}, false: {operator}}[key == "{key}"], "PUT", path+"/rotate", map[string]any{})
		add(nobody, "GET", "{mount}/backup/"+key, nil)
		add(nobody, "GET", "{mount}/export/encryption-key/"+key, nil)
	}
	add(all, "PUT", "{mount}/sign/attest", map[string]any{"input": b64("x")})
	add(nobody, "PUT", "{mount}/sign/{key}", map[string]any{"input": b64("x")})
	add(nobody, "DELETE", "{mount}/keys/attest", nil)
	add(nobody, "DELETE", "{mount}/keys/system", nil)

	// The engine and Vault itself.
	add([]deploy.Identity{initial}, "GET", "{mount}/cache-config", nil)
	add([]deploy.Identity{initial}, "PUT", "{mount}/cache-config", map[string]any{"size": 16384})
	add(nobody, "PUT", "{mount}/restore/{new}", map[string]any{"backup": "x"})
	add(nobody, "DELETE", "sys/mounts/{mount}", nil)
	add(nobody, "PUT", "sys/mounts/{mount}/tune", map[string]any{"description": "x"})
	add(nobody, "PUT", "sys/mounts/another", map[string]any{"type": "transit"})
	add(nobody, "PUT", "sys/seal", nil)
	add(nobody, "DELETE", "sys/audit/file", nil)
	add(nobody, "PUT", "auth/token/create", map[string]any{})
	add(nobody, "GET", "sys/raw/core/hsm", nil)
	for _, id := range deploy.Lasting() {
		add(nobody, "GET", "sys/policies/acl/"+id.Name(), nil)
		add(nobody, "DELETE", "sys/policies/acl/"+id.Name(), nil)
		add([]deploy.Identity{initial}, "GET", "auth/approle/role/"+id.Name()+"/role-id", nil)
		add([]deploy.Identity{initial}, "PUT", "auth/approle/role/"+id.Name()+"/secret-id", map[string]any{})
	}
	add(nobody, "PUT", "sys/policies/acl/another", map[string]any{"policy": ""})
	add(nobody, "PUT", "auth/approle/role/another", map[string]any{"token_policies": "root"})
	add(append(slices.Clone(all), initial), "GET", "auth/token/lookup-self", nil)
	// Last, since they change what the others stand on.
	add([]deploy.Identity{sweeper}, "DELETE", "{mount}/keys/{key}", nil)
	return table
}

// testVault makes each request of the table as each identity.
// Allowed is whatever Vault does not refuse for want of permission.
func (s *site) testVault(t *testing.T) {
	keys, _, _ := s.open(t, s.config)
	for n, id := range everybody {
		token := s.token(t, id)
		key := fmt.Sprintf("musterbank-0123-%d", n)
		dk, err := keys.Create(t.Context(), key, vault.Dossier)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range asks(dk) {
			names := strings.NewReplacer("{mount}", s.config.Vault.TransitMount, "{key}", key, "{new}", fmt.Sprintf("new-%d-%d", n, i))
			status, said := s.ask(t, token, a.method, names.Replace(a.path), a.in)
			if allowed, want := status != http.StatusForbidden, slices.Contains(a.may, id); allowed != want {
				t.Errorf("%s, %s %s %v: allowed is %t (%d %s)", id, a.method, a.path, a.in, allowed, status, said)
			}
		}
		if token != "" && id != deploy.Init {
			if status, _ := s.ask(t, token, "PUT", "auth/token/renew-self", nil); status != http.StatusOK {
				t.Errorf("%s: renewing its token: %d", id, status)
			}
		}
	}
}

// testTokens: tokens are short-lived, renewable, and have one policy.
func (s *site) testTokens(t *testing.T) {
	for _, id := range deploy.Lasting() {
		secret, err := s.vault.Client().Auth().Token().LookupWithContext(t.Context(), s.token(t, id))
		if err != nil {
			t.Fatal(err)
		}
		ttl, err := secret.TokenTTL()
		if err != nil || ttl.Minutes() > 15 || ttl.Minutes() < 10 {
			t.Errorf("%s: a token lives %v, %v", id, ttl, err)
		}
		if renewable, err := secret.TokenIsRenewable(); err != nil || !renewable {
			t.Errorf("%s: renewable %t, %v", id, renewable, err)
		}
		if policies, err := secret.TokenPolicies(); err != nil || !slices.Equal(policies, []string{id.Name()}) {
			t.Errorf("%s: policies %v, %v", id, policies, err)
		}
	}
}

// token is one that the identity gets with its credentials. Init has one that an
// administrator made for it.
func (s *site) token(t *testing.T, id deploy.Identity) string {
	t.Helper()
	client := s.vault.Client()
	if id == deploy.Init {
		if err := client.Sys().PutPolicyWithContext(t.Context(), id.Name(), privilege.VaultPolicy(s.config, id)); err != nil {
			t.Fatal(err)
		}
		made, err := client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{
			Policies: []string{id.Name()}, NoDefaultPolicy: true, TTL: "10m",
		})
		if err != nil {
			t.Fatal(err)
		}
		return made.Auth.ClientToken
	}
	in := map[string]any{}
	for name, file := range map[string]string{"role_id": "vault-role-id", "secret_id": "vault-secret-id"} {
		content, err := os.ReadFile(filepath.Join(privilege.Folder(s.dir, id), file))
		if err != nil {
			t.Fatal(err)
		}
		in[name] = strings.TrimSpace(string(content))
	}
	made, err := client.Logical().WriteWithContext(t.Context(), "auth/approle/login", in)
	if err != nil {
		t.Fatal(err)
	}
	return made.Auth.ClientToken
}

// ask makes a request to Vault and gives the status of the answer and its
// beginning.
func (s *site) ask(t *testing.T, token, method, path string, in map[string]any) (status int, said string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.vault.Addr()+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 200))
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
