package testenv

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
)

var sharedVault lazy[*Vault]

// SharedVault is the Vault that the tests of one package share; the first test
// to ask starts it, and [Main] stops it. Each test works in a mount of its own,
// [Vault.FreshMount], and so may run in parallel to others. Where Vault can't
// be started the test fails.
func SharedVault(t testing.TB) *Vault {
	t.Helper()
	v, err := sharedVault.get("vault", func(dir string) (*Vault, error) {
		// The server outlives the test that happens to start it.
		return StartVault(context.WithoutCancel(t.Context()), dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// NewVault is a Vault for this test alone, which it may seal, stop and pause.
// It is stopped when the test ends.
func NewVault(t testing.TB) *Vault {
	t.Helper()
	v, err := StartVault(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Stop(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// FreshMount is a path where nothing is mounted yet, for the test to mount its
// transit engine. What is mounted there is removed when the test ends.
func (v *Vault) FreshMount(t testing.TB) string {
	t.Helper()
	path := "transit-" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		if err := v.client.Sys().UnmountWithContext(context.WithoutCancel(t.Context()), path); err != nil {
			t.Error("testenv: unmount:", err)
		}
	})
	return path
}
