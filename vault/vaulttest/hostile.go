package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/wertfach/wertfach/vault"
)

// flip is a copy of b with some bits of one byte changed.
func flip(b []byte, at int, bits byte) []byte {
	c := slices.Clone(b)
	c[at] ^= bits
	return c
}

// testFlipped changes each byte in three ways: its lowest bit, the bit that
// makes a letter's case, and the one that leaves ASCII.
func testFlipped(t *testing.T, f fixture) {
	dk := f.create(t, alice, vault.Dossier)
	for at := range dk.Wrapped {
		for _, bits := range []byte{0x01, 0x20, 0x80} {
			damaged := flip(dk.Wrapped, at, bits)
			plain, err := f.keys.Unwrap(t.Context(), alice, vault.Dossier, damaged)
			isKind(t, err, vault.ErrInvalid, string(damaged), string(dk.Wrapped))
			if plain != nil {
				t.Errorf("byte %d, bits %#x: opened", at, bits)
			}
		}
	}
	f.opens(t, alice, vault.Dossier, dk)
}

func testGarbage(t *testing.T, f fixture) {
	w := f.create(t, alice, vault.Dossier).Wrapped
	for name, damaged := range map[string][]byte{
		"nil":       nil,
		"empty":     {},
		"one byte":  w[:1],
		"half":      w[:len(w)/2],
		"cut":       w[:len(w)-1],
		"longer":    append(slices.Clone(w), 'A'),
		"line":      append(slices.Clone(w), '\n'),
		"twice":     append(slices.Clone(w), w...),
		"zeros":     make([]byte, len(w)),
		"JSON":      []byte(`","context":"AAAA`),
		"huge":      bytes.Repeat([]byte("A"), 1<<20),
		"no UTF-8":  {0xff, 0xfe, 0xfd},
		"version 0": bytes.Replace(w, []byte("vault:v1:"), []byte("vault:v0:"), 1)[:len(w)-1],
		"version 9": bytes.Replace(append(slices.Clone(w), 0), []byte("vault:v1:"), []byte("vault:v9:"), 1),
	} {
		_, err := f.keys.Unwrap(t.Context(), alice, vault.Dossier, damaged)
		if !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("%s: unwrap: %v", name, err)
		}
		_, err = f.keys.Rewrap(t.Context(), alice, vault.Dossier, damaged)
		if !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("%s: rewrap: %v", name, err)
		}
	}
}

// testEndedContext asks the driver itself: the front type would not call it.
func testEndedContext(t *testing.T, f fixture) {
	dk := f.create(t, alice, vault.Dossier)
	d, c := f.driver, vault.Dossier
	calls := map[string]func(context.Context) error{
		"create":      func(ctx context.Context) error { _, err := d.Create(ctx, bob, c); return err },
		"data key":    func(ctx context.Context) error { _, err := d.DataKey(ctx, alice, c); return err },
		"unwrap":      func(ctx context.Context) error { _, err := d.Unwrap(ctx, alice, c, [][]byte{dk.Wrapped}); return err },
		"rewrap":      func(ctx context.Context) error { _, err := d.Rewrap(ctx, alice, c, [][]byte{dk.Wrapped}); return err },
		"retire":      func(ctx context.Context) error { return d.Retire(ctx, alice, 1) },
		"rotate":      func(ctx context.Context) error { return d.Rotate(ctx, alice) },
		"destroy":     func(ctx context.Context) error { return d.Destroy(ctx, alice) },
		"info":        func(ctx context.Context) error { _, err := d.Info(ctx, alice); return err },
		"sign":        func(ctx context.Context) error { _, err := d.Sign(ctx, []byte("receipt")); return err },
		"public keys": func(ctx context.Context) error { _, err := d.PublicKeys(ctx); return err },
		"prepare":     func(ctx context.Context) error { return d.Prepare(ctx) },
		"ping":        func(ctx context.Context) error { return d.Ping(ctx) },
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for name, call := range calls {
		for ctx, want := range map[context.Context]error{cancelled: context.Canceled, expired: context.DeadlineExceeded} {
			if err := call(ctx); !errors.Is(err, want) {
				t.Errorf("%s: got error %v, want %v", name, err, want)
			}
		}
	}
	f.opens(t, alice, c, dk)
	if _, err := f.keys.Info(t.Context(), bob); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a call that was over made a key: %v", err)
	}
}
