package vaulttest

import (
	"crypto/ed25519"
	"errors"
	"maps"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

func testSign(t *testing.T, f fixture) {
	ctx := t.Context()
	type signed struct {
		message []byte
		by      vault.Signature
	}
	var all []signed
	for version := 1; version <= 3; version++ {
		for _, message := range [][]byte{{}, []byte("receipt"), make([]byte, 100_000)} {
			sig, err := f.keys.Sign(ctx, message)
			if err != nil {
				t.Fatal(err)
			}
			if sig.KeyVersion != version {
				t.Fatalf("signed by version %d, want %d", sig.KeyVersion, version)
			}
			all = append(all, signed{message, sig})
		}
		keys, err := f.keys.PublicKeys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) != version {
			t.Fatalf("%d public keys, want %d", len(keys), version)
		}
		for _, s := range all {
			for v, key := range keys {
				if ed25519.Verify(key, s.message, s.by.Bytes) != (v == s.by.KeyVersion) {
					t.Errorf("signature of version %d with the key of version %d", s.by.KeyVersion, v)
				}
			}
			if ed25519.Verify(keys[s.by.KeyVersion], append([]byte("x"), s.message...), s.by.Bytes) {
				t.Error("another message verifies")
			}
		}
		if err := f.keys.Rotate(ctx, vault.AttestKey); err != nil {
			t.Fatal(err)
		}
	}
}

func testPrepareTwice(t *testing.T, f fixture) {
	ctx := t.Context()
	before, err := f.keys.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dk, err := f.keys.DataKey(ctx, vault.SystemKey, vault.Index)
	if err != nil {
		t.Fatal(err)
	}
	a := f.create(t, alice, vault.Dossier)
	if err := f.keys.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := f.keys.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	same := maps.EqualFunc(before, after, func(a, b ed25519.PublicKey) bool { return a.Equal(b) })
	if !same || len(before) != 1 {
		t.Error("the attesting key changed")
	}
	f.opens(t, vault.SystemKey, vault.Index, dk)
	f.opens(t, alice, vault.Dossier, a)
}

func testSystemKeys(t *testing.T, f fixture) {
	ctx := t.Context()
	for _, key := range []string{vault.AttestKey, vault.SystemKey} {
		if err := f.keys.Destroy(ctx, key); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("destroying %s: %v", key, err)
		}
		if _, err := f.keys.Create(ctx, key, vault.System); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("creating %s: %v", key, err)
		}
		if info, err := f.keys.Info(ctx, key); err != nil || info.LatestVersion != 1 {
			t.Errorf("info of %s: version %d, error %v", key, info.LatestVersion, err)
		}
	}
	if _, err := f.keys.DataKey(ctx, vault.AttestKey, vault.System); !errors.Is(err, vault.ErrInvalid) {
		t.Errorf("wrapping under the attesting key: %v", err)
	}
}
