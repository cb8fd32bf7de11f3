package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/vault"
)

// testConcurrent lives many customers' lives at once, over a few keys that all
// share and one that each has alone.
func testConcurrent(t *testing.T, f fixture) {
	shared := f.create(t, alice, vault.Dossier)
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 12 {
		g.Go(func() error {
			own := fmt.Sprintf("bank-%02d", i)
			dk, err := f.keys.Create(ctx, own, vault.Secret)
			if err != nil {
				return err
			}
			for range 4 {
				if err := errors.Join(
					f.keys.Rotate(ctx, own),
					f.reopen(ctx, own, vault.Secret, dk),
					f.reopen(ctx, alice, vault.Dossier, shared),
				); err != nil {
					return err
				}
				if dk, err = f.keys.DataKey(ctx, own, vault.Secret); err != nil {
					return err
				}
			}
			if info, err := f.keys.Info(ctx, own); err != nil || info.LatestVersion != 5 {
				return fmt.Errorf("version %d after 4 rotations: %w", info.LatestVersion, err)
			}
			if err := f.keys.Destroy(ctx, own); err != nil {
				return err
			}
			if err := f.reopen(ctx, own, vault.Secret, dk); !errors.Is(err, vault.ErrNotFound) {
				return fmt.Errorf("after the end: %w", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func (f fixture) reopen(ctx context.Context, key string, c vault.Context, dk vault.DataKey) error {
	plain, err := f.keys.Unwrap(ctx, key, c, dk.Wrapped)
	if err == nil && !bytes.Equal(plain, dk.Plaintext) {
		err = errors.New("unwrapped to other bytes")
	}
	return err
}

// testRotateRace rotates a key while others use it, and none notices.
func testRotateRace(t *testing.T, f fixture) {
	dk := f.create(t, alice, vault.Dossier)
	g, ctx := errgroup.WithContext(t.Context())
	rotated := make(chan struct{})
	for range 8 {
		g.Go(func() error {
			for {
				select {
				case <-rotated:
					return nil
				default:
				}
				fresh, err := f.keys.DataKey(ctx, alice, vault.Dossier)
				if err != nil {
					return err
				}
				if err := errors.Join(
					f.reopen(ctx, alice, vault.Dossier, dk),
					f.reopen(ctx, alice, vault.Dossier, fresh),
				); err != nil {
					return err
				}
			}
		})
	}
	g.Go(func() error {
		defer close(rotated)
		for range 20 {
			if err := f.keys.Rotate(ctx, alice); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// testDestroyRace destroys a key from several sides while others use it. A use
// succeeds, finds no key, or is told to come again; once one destroyer has
// returned, every use finds no key.
func testDestroyRace(t *testing.T, f fixture) {
	ctx := t.Context()
	dk := f.create(t, alice, vault.Dossier)
	destroyed := make(chan struct{})
	var once sync.Once
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			for {
				late := false
				select {
				case <-destroyed:
					late = true
				default:
				}
				_, wrap := f.keys.DataKey(ctx, alice, vault.Dossier)
				open := f.reopen(ctx, alice, vault.Dossier, dk)
				rotate := f.keys.Rotate(ctx, alice)
				for _, err := range []error{wrap, open, rotate} {
					known := err == nil || errors.Is(err, vault.ErrUnavailable)
					if !errors.Is(err, vault.ErrNotFound) && (late || !known) {
						return fmt.Errorf("used a key, which is destroyed already: %t: %w", late, err)
					}
				}
				if late {
					return nil
				}
			}
		})
	}
	for range 3 {
		g.Go(func() error {
			err := f.keys.Destroy(ctx, alice)
			once.Do(func() { close(destroyed) })
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	f.gone(t, alice, dk.Wrapped)
}
