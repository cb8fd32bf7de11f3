package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/wertfach/wertfach/vault"
)

// Role is an identity of a machine in Vault: an AppRole and the one policy that
// says what it may do. Vault's default policy is not among its rights: that would
// triple the time that Vault takes to check each request.
type Role struct {
	// Name is that of the AppRole and of the policy, of [a-z0-9-].
	Name string
	// Policy says in HCL what the role may do.
	Policy string
	// TokenTTL is how long a token lives unless it is renewed, in whole seconds;
	// 15 minutes where zero. So long at most does a revoked role go on.
	TokenTTL time.Duration
	// TokenMaxTTL is how long a token lives however often it is renewed; 12 hours
	// where zero. The process then logs in again by itself.
	TokenMaxTTL time.Duration
}

const (
	defaultTokenTTL    = 15 * time.Minute
	defaultTokenMaxTTL = 12 * time.Hour
)

var roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// PutRoles makes the roles with their policies, or brings those that are there to
// what is given, and enables the AppRole method where it is missing. It needs an
// operator's token.
func (t *Transit) PutRoles(ctx context.Context, roles ...Role) error {
	if err := t.enableAppRole(ctx); err != nil {
		return fmt.Errorf("transit: AppRole: %w", err)
	}
	for _, r := range roles {
		if err := t.putRole(ctx, r); err != nil {
			return fmt.Errorf("transit: role %s: %w", r.Name, err)
		}
	}
	return nil
}

// Credentials gives the role's id and a fresh secret id, with which a process
// logs in. Secret ids that were given before stay good.
func (t *Transit) Credentials(ctx context.Context, role string) (roleID, secretID string, err error) {
	if !roleName.MatchString(role) {
		return "", "", fmt.Errorf("transit: %w: name of a role", vault.ErrInvalid)
	}
	var id struct {
		RoleID string `json:"role_id"`
	}
	var secret struct {
		SecretID string `json:"secret_id"`
	}
	if err = t.call(ctx, request{method: http.MethodGet, path: t.role(role) + "/role-id", out: &id}); err == nil {
		err = t.call(ctx, request{method: http.MethodPost, path: t.role(role) + "/secret-id", out: &secret, once: true})
	}
	if err == nil && (id.RoleID == "" || secret.SecretID == "") {
		err = fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	if err != nil {
		return "", "", fmt.Errorf("transit: credentials of role %s: %w", role, err)
	}
	return id.RoleID, secret.SecretID, nil
}

func (t *Transit) putRole(ctx context.Context, r Role) error {
	if !roleName.MatchString(r.Name) {
		return fmt.Errorf("%w: name of a role", vault.ErrInvalid)
	}
	policy := struct {
		Policy string `json:"policy"`
	}{r.Policy}
	if err := t.call(ctx, request{method: http.MethodPost, path: "sys/policies/acl/" + r.Name, in: policy}); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return t.call(ctx, request{
		method: http.MethodPost, path: t.role(r.Name),
		in: struct {
			Policies   []string `json:"token_policies"`
			NoDefault  bool     `json:"token_no_default_policy"`
			TTLSeconds int      `json:"token_ttl"`
			MaxSeconds int      `json:"token_max_ttl"`
		}{
			[]string{r.Name}, true,
			int(orDefault(r.TokenTTL, defaultTokenTTL).Seconds()), int(orDefault(r.TokenMaxTTL, defaultTokenMaxTTL).Seconds()),
		},
	})
}

// enableAppRole enables the method in its place, unless it is there.
func (t *Transit) enableAppRole(ctx context.Context) error {
	there, err := t.appRoleEnabled(ctx)
	if there || err != nil {
		return err
	}
	err = t.call(ctx, request{
		method: http.MethodPost, path: "sys/auth/" + t.config.Login.AppRoleMount, once: true,
		in: struct {
			Type string `json:"type"`
		}{"approle"},
	})
	if errors.Is(err, vault.ErrInvalid) {
		// Another process may have come first.
		if there, err := t.appRoleEnabled(ctx); there || err != nil {
			return err
		}
	}
	return err
}

// appRoleEnabled is whether the method is in its place. Vault answers 400 for a
// place where nothing is.
func (t *Transit) appRoleEnabled(ctx context.Context) (bool, error) {
	var out struct {
		Type string `json:"type"`
	}
	err := t.call(ctx, request{method: http.MethodGet, path: "sys/auth/" + t.config.Login.AppRoleMount, out: &out})
	switch {
	case errors.Is(err, vault.ErrInvalid):
		return false, nil
	case err != nil:
		return false, err
	case out.Type != "approle":
		return false, errors.New("another method is in the place of AppRole")
	}
	return true, nil
}

func (t *Transit) role(name string) string {
	return "auth/" + t.config.Login.AppRoleMount + "/role/" + name
}
