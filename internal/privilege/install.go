// Package privilege makes the identities of a deployment's processes known to
// Vault and to the object store, with the policies of package deploy, and gives
// out what each of them logs in with.
//
// Its tests log in as each of them and try what they can and can't do.
package privilege

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/vault/transit"
)

// Installer works on the servers that a configuration names, with the rights of
// who the configuration logs in as: an administrator.
type Installer struct {
	config *config.Config
	keys   *transit.Transit   // nil where Vault keeps no keys
	store  *minioadmin.Client // nil where S3 keeps no objects
}

// Open logs in to Vault, and reads the credentials for S3. The AppRole method is
// the one mounted at appRole, "approle" where empty.
func Open(ctx context.Context, c *config.Config, appRole string, log *slog.Logger) (*Installer, error) {
	i := &Installer{config: c}
	var err error
	if s := c.S3; s != nil {
		i.store, err = minioadmin.New(minioadmin.Config{
			Endpoint: s.Endpoint, Region: s.Region, CAFile: s.CAFile,
			AccessKeyFile: s.AccessKeyFile, SecretKeyFile: s.SecretKeyFile,
		})
		if err != nil {
			return nil, err
		}
	}
	if v := c.Vault; v != nil {
		login := transit.Login{TokenFile: v.Auth.TokenFile, AppRoleMount: appRole}
		if r := v.Auth.AppRole; r != nil {
			login.RoleIDFile, login.SecretIDFile = r.RoleIDFile, r.SecretIDFile
		}
		i.keys, err = transit.New(ctx, transit.Config{
			Address: v.Address, Namespace: v.Namespace, Mount: v.TransitMount, CAFile: v.CAFile, Login: login, Log: log,
		})
		if err != nil {
			return nil, fmt.Errorf("logging in to Vault: %w", err)
		}
	}
	return i, nil
}

// Close ends the work with Vault.
func (i *Installer) Close() error {
	if i.keys == nil {
		return nil
	}
	return i.keys.Close()
}

// Vault installs the policies and AppRoles of all lasting identities, or brings
// those that are there to what they should be.
func (i *Installer) Vault(ctx context.Context) error {
	if i.keys == nil {
		return nil
	}
	var roles []transit.Role
	for _, id := range deploy.Lasting() {
		roles = append(roles, transit.Role{Name: id.Name(), Policy: VaultPolicy(i.config, id)})
	}
	return i.keys.PutRoles(ctx, roles...)
}

// Store installs the policies of all lasting identities. The error wraps
// [minioadmin.ErrNotMinIO] where the store is of another make.
func (i *Installer) Store(ctx context.Context) error {
	if i.store == nil {
		return nil
	}
	for _, id := range deploy.Lasting() {
		if err := i.store.PutPolicy(ctx, id.Name(), []byte(StorePolicy(i.config, id))); err != nil {
			return fmt.Errorf("policy %s: %w", id.Name(), err)
		}
	}
	return nil
}

// VaultPolicy is what an identity may do in the Vault of that configuration.
func VaultPolicy(c *config.Config, id deploy.Identity) string {
	names := deploy.Vault{Transit: c.Vault.TransitMount}
	if r := c.Vault.Auth.AppRole; r != nil {
		names.AppRole = r.Mount
	}
	return names.Policy(id)
}

// StorePolicy is what an identity may do in the buckets of that configuration.
func StorePolicy(c *config.Config, id deploy.Identity) string {
	return deploy.Buckets{Data: c.S3.Bucket, Audit: cmp.Or(c.Audit.Bucket, c.S3.Bucket+"-audit")}.Policy(id)
}
