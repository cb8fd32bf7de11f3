package vaulttest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

func testCreate(t *testing.T, f fixture) {
	first := f.create(t, alice, vault.Dossier)
	f.opens(t, alice, vault.Dossier, first)
	info, err := f.keys.Info(t.Context(), alice)
	if err != nil || info.LatestVersion != 1 {
		t.Fatalf("info of a new key: version %d, error %v", info.LatestVersion, err)
	}
	again := f.create(t, alice, vault.Dossier)
	if bytes.Equal(first.Plaintext, again.Plaintext) {
		t.Error("creating twice gave the same data key twice")
	}
	f.opens(t, alice, vault.Dossier, first)
	f.opens(t, alice, vault.Dossier, again)
	if bytes.Contains(first.Wrapped, first.Plaintext) {
		t.Error("the wrapped data key shows the data key")
	}
}

func testDataKey(t *testing.T, f fixture) {
	seen := []vault.DataKey{f.create(t, alice, vault.Secret)}
	for range 8 {
		dk, err := f.keys.DataKey(t.Context(), alice, vault.Secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range seen {
			if bytes.Equal(dk.Plaintext, other.Plaintext) || bytes.Equal(dk.Wrapped, other.Wrapped) {
				t.Fatal("the same data key twice")
			}
		}
		f.opens(t, alice, vault.Secret, dk)
		seen = append(seen, dk)
	}
}

func testContexts(t *testing.T, f fixture) {
	f.create(t, alice, vault.Dossier)
	for _, made := range contexts {
		dk, err := f.keys.DataKey(t.Context(), alice, made)
		if err != nil {
			t.Fatal(err)
		}
		f.opens(t, alice, made, dk)
		for _, used := range contexts {
			if used == made {
				continue
			}
			_, err := f.keys.Unwrap(t.Context(), alice, used, dk.Wrapped)
			isKind(t, err, vault.ErrInvalid, string(dk.Wrapped))
			_, err = f.keys.Rewrap(t.Context(), alice, used, dk.Wrapped)
			isKind(t, err, vault.ErrInvalid, string(dk.Wrapped))
		}
	}
}

func testKeys(t *testing.T, f fixture) {
	a, b := f.create(t, alice, vault.Dossier), f.create(t, bob, vault.Dossier)
	_, err := f.keys.Unwrap(t.Context(), alice, vault.Dossier, b.Wrapped)
	isKind(t, err, vault.ErrInvalid)
	_, err = f.keys.Unwrap(t.Context(), bob, vault.Dossier, a.Wrapped)
	isKind(t, err, vault.ErrInvalid)
}

func testDestroy(t *testing.T, f fixture) {
	ctx := t.Context()
	a, b := f.create(t, alice, vault.Dossier), f.create(t, bob, vault.Dossier)
	if err := f.keys.Rotate(ctx, alice); err != nil {
		t.Fatal(err)
	}
	for range 2 { // destroying twice is no error
		if err := f.keys.Destroy(ctx, alice); err != nil {
			t.Fatal(err)
		}
		f.gone(t, alice, a.Wrapped)
	}
	f.opens(t, bob, vault.Dossier, b)
}

func testUnknown(t *testing.T, f fixture) {
	b := f.create(t, bob, vault.Dossier)
	f.gone(t, alice, b.Wrapped)
	if err := f.keys.Destroy(t.Context(), alice); err != nil {
		t.Errorf("destroying a key that never was: %v", err)
	}
	f.gone(t, alice, b.Wrapped)
}

// gone checks that nothing can be done with a key, and that trying does not
// make it.
func (f fixture) gone(t *testing.T, key string, wrapped []byte) {
	t.Helper()
	ctx, c := t.Context(), vault.Dossier
	calls := map[string]func() error{
		"unwrap":     func() error { _, err := f.keys.Unwrap(ctx, key, c, wrapped); return err },
		"unwrap all": func() error { _, err := f.keys.UnwrapAll(ctx, key, c, [][]byte{wrapped, wrapped}); return err },
		"data key":   func() error { _, err := f.keys.DataKey(ctx, key, c); return err },
		"rewrap":     func() error { _, err := f.keys.Rewrap(ctx, key, c, wrapped); return err },
		"rewrap all": func() error { _, err := f.keys.RewrapAll(ctx, key, c, [][]byte{wrapped, wrapped}); return err },
		"rotate":     func() error { return f.keys.Rotate(ctx, key) },
		"retire":     func() error { return f.keys.Retire(ctx, key, 1) },
		"info":       func() error { _, err := f.keys.Info(ctx, key); return err },
	}
	for range 2 {
		for name, call := range calls {
			if err := call(); err == nil {
				t.Errorf("%s works without a key", name)
			} else {
				isKind(t, err, vault.ErrNotFound, string(wrapped))
			}
		}
	}
}

func testBatch(t *testing.T, f fixture) {
	f.create(t, alice, vault.Scan)
	var wrapped, want [][]byte
	for range 40 {
		dk, err := f.keys.DataKey(t.Context(), alice, vault.Scan)
		if err != nil {
			t.Fatal(err)
		}
		wrapped, want = append(wrapped, dk.Wrapped), append(want, dk.Plaintext)
	}
	for _, n := range []int{0, 1, 2, 40} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			got, err := f.keys.UnwrapAll(t.Context(), alice, vault.Scan, wrapped[:n])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, want[:n], bytes.Equal) {
				t.Error("not the data keys in their order")
			}
		})
	}
}

func testBatchFailure(t *testing.T, f fixture) {
	ctx := t.Context()
	good := f.create(t, alice, vault.Scan).Wrapped
	other, err := f.keys.DataKey(ctx, alice, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"context": other.Wrapped,
		"flipped": flip(good, len(good)/2, 1),
		"garbage": []byte("garbage"),
		"empty":   {},
	} {
		for at := range 3 {
			batch := [][]byte{good, good, good}
			batch[at] = bad
			plain, err := f.keys.UnwrapAll(ctx, alice, vault.Scan, batch)
			isKind(t, err, vault.ErrInvalid, string(good))
			if plain != nil {
				t.Errorf("%s at %d: some were opened", name, at)
			}
		}
	}
}
