package testenv_test

import (
	"os"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestVaultSealsUnsealsAndRestarts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := testenv.NewVault(t)
	logical := v.Client().Logical()

	works := func() bool {
		_, err := logical.ReadWithContext(ctx, "auth/token/lookup-self")
		return err == nil
	}
	if !works() {
		t.Fatal("a fresh vault does not answer")
	}
	if err := v.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if works() {
		t.Error("a sealed vault answers")
	}
	if err := v.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	if !works() {
		t.Error("an unsealed vault does not answer")
	}
	addr, pid := v.Addr(), v.Pid()
	if err := v.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := v.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if v.Addr() != addr || v.Pid() == pid {
		t.Error("want another process at the same address")
	}
	if !works() {
		t.Error("a restarted vault does not answer")
	}
}

func TestVaultAppRoleLogsIn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := testenv.SharedVault(t)
	files, err := v.AppRole(ctx, testenv.AppRole{Name: "reader", Policy: `path "sys/health" { capabilities = ["read"] }`})
	if err != nil {
		t.Fatal(err)
	}
	again, err := v.AppRole(ctx, testenv.AppRole{Name: "reader", Policy: `path "sys/health" { capabilities = ["sudo"] }`})
	if err != nil || again != files {
		t.Fatalf("the same role again: %v", err)
	}
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:len(b)-1])
	}
	s, err := v.Client().Logical().WriteWithContext(ctx, "auth/approle/login", map[string]any{
		"role_id": read(files.RoleID), "secret_id": read(files.SecretID),
	})
	if err != nil || s.Auth == nil || s.Auth.ClientToken == "" {
		t.Fatalf("log in: %v", err)
	}
}

func TestFreshMountIsRemoved(t *testing.T) {
	v := testenv.SharedVault(t)
	var path string
	t.Run("inner", func(t *testing.T) {
		path = v.FreshMount(t)
		err := v.Client().Sys().MountWithContext(t.Context(), path, &api.MountInput{Type: "transit"})
		if err != nil {
			t.Fatal(err)
		}
	})
	mounts, err := v.Client().Sys().ListMountsWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := mounts[path+"/"]; ok || path == "" {
		t.Error("the mount outlived its test")
	}
}
