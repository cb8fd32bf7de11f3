package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/vault/api"
)

// AppRole is an identity of a machine in Vault.
type AppRole struct {
	// Name names the role and its policy.
	Name string
	// Policy says in HCL what the role may do. It is the role's only one: not
	// even the default policy is added.
	Policy string
	// TokenTTL is how long a token lives unless it is renewed; zero is Vault's
	// default. Vault counts whole seconds.
	TokenTTL time.Duration
	// TokenMaxTTL is how long a token lives at most; zero is Vault's default.
	TokenMaxTTL time.Duration
}

// AppRoleFiles are the files that a machine logs in with.
type AppRoleFiles struct {
	RoleID   string // path of the file with the role id
	SecretID string // path of the file with the secret id
}

// AppRole creates the role, or changes it, and writes its role id and a fresh
// secret id to files in Vault's folder.
func (v *Vault) AppRole(ctx context.Context, r AppRole) (AppRoleFiles, error) {
	files, err := v.appRole(ctx, r)
	if err != nil {
		return AppRoleFiles{}, fmt.Errorf("testenv: app role: %w", err)
	}
	return files, nil
}

func (v *Vault) appRole(ctx context.Context, r AppRole) (AppRoleFiles, error) {
	sys, logical := v.client.Sys(), v.client.Logical()
	err := sys.EnableAuthWithOptionsWithContext(ctx, "approle", &api.EnableAuthOptions{Type: "approle"})
	if err != nil && !isBadRequest(err) { // 400: enabled already
		return AppRoleFiles{}, err
	}
	if err := sys.PutPolicyWithContext(ctx, r.Name, r.Policy); err != nil {
		return AppRoleFiles{}, err
	}
	path := "auth/approle/role/" + r.Name
	_, err = logical.WriteWithContext(ctx, path, map[string]any{
		"token_policies":          r.Name,
		"token_no_default_policy": true,
		"token_ttl":               int(r.TokenTTL.Seconds()),
		"token_max_ttl":           int(r.TokenMaxTTL.Seconds()),
	})
	if err != nil {
		return AppRoleFiles{}, err
	}
	roleID, err := stringIn(logical.ReadWithContext(ctx, path+"/role-id"))("role_id")
	if err != nil {
		return AppRoleFiles{}, err
	}
	secretID, err := stringIn(logical.WriteWithContext(ctx, path+"/secret-id", nil))("secret_id")
	if err != nil {
		return AppRoleFiles{}, err
	}
	dir := filepath.Join(v.Dir(), "approle", r.Name)
	files := AppRoleFiles{RoleID: filepath.Join(dir, "role_id"), SecretID: filepath.Join(dir, "secret_id")}
	return files, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(files.RoleID, []byte(roleID+"\n"), 0o600),
		os.WriteFile(files.SecretID, []byte(secretID+"\n"), 0o600),
	)
}

// stringIn takes the answer of a call and gives a getter of its fields.
func stringIn(s *api.Secret, err error) func(field string) (string, error) {
	return func(field string) (string, error) {
		if err != nil {
			return "", err
		}
		if s == nil {
			return "", errors.New("empty answer")
		}
		value, ok := s.Data[field].(string)
		if !ok {
			return "", errors.New("answer without " + field)
		}
		return value, nil
	}
}

func isBadRequest(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest
}
