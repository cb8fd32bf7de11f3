package faults

import (
	"context"
	"errors"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
)

// serverFaults are those of the servers themselves, which all who use them have.
func (d *deployment) serverFaults() []fault {
	return []fault{
		{
			name: "Vault stopped", ends: awayEnds,
			begin: func(context.Context) error { return d.vault.Stop() }, end: d.vault.Restart,
		},
		{name: "Vault sealed", ends: awayEnds, begin: d.vault.Seal, end: d.vault.Unseal},
		{ // the server logs in again, and nobody notices
			name: "token revoked", ends: only(codes.Unavailable, named()), healthy: true,
			begin: d.revoke, end: func(context.Context) error { return nil },
		},
		{name: "login revoked", ends: awayEnds, begin: d.lockOut, end: d.letIn},
		{
			name: "MinIO stopped", ends: awayEnds, keysLeft: 1,
			begin: func(context.Context) error { return d.minio.Stop() }, end: d.minio.Restart,
		},
	}
}

// revoke revokes all tokens that were given for the AppRole, the server's among
// them.
func (d *deployment) revoke(ctx context.Context) error {
	return d.vault.Client().Sys().RevokePrefixWithContext(ctx, "auth/approle/login")
}

// lockOut takes the secret id away as well, so that the server can't log in again.
func (d *deployment) lockOut(ctx context.Context) error {
	secret, err := os.ReadFile(d.login.SecretID)
	if err != nil {
		return err
	}
	_, err = d.vault.Client().Logical().WriteWithContext(ctx, "auth/approle/role/"+d.name+"/secret-id/destroy",
		map[string]any{"secret_id": strings.TrimSpace(string(secret))})
	return errors.Join(err, d.revoke(ctx))
}

// letIn puts a new secret id where the old one was.
func (d *deployment) letIn(ctx context.Context) error {
	answer, err := d.vault.Client().Logical().WriteWithContext(ctx, "auth/approle/role/"+d.name+"/secret-id", nil)
	if err != nil {
		return err
	}
	secret, _ := answer.Data["secret_id"].(string)
	return os.WriteFile(d.login.SecretID, []byte(secret+"\n"), 0o600)
}
