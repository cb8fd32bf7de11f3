package keyring

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/signature"
	tinked25519 "github.com/tink-crypto/tink-go/v2/signature/ed25519"

	"github.com/wertfach/wertfach/vault"
)

// Create makes the key where it is missing and wraps a first data key.
func (k *Keyring) Create(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	v, err := k.ensure(ctx, key)
	if err != nil {
		return vault.DataKey{}, err
	}
	return fresh(v, c)
}

// ensure gives the key, and makes it where it is missing.
func (k *Keyring) ensure(ctx context.Context, key string) (versions, error) {
	guard := k.guard(key)
	guard.Lock()
	defer guard.Unlock()
	v, err := k.load(ctx, key)
	if errors.Is(err, vault.ErrNotFound) {
		v, err = k.mint(key)
	}
	return v, err
}

// get gives a key that exists.
func (k *Keyring) get(ctx context.Context, key string) (versions, error) {
	guard := k.guard(key)
	guard.RLock()
	defer guard.RUnlock()
	return k.load(ctx, key)
}

// DataKey wraps a fresh data key.
func (k *Keyring) DataKey(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	v, err := k.get(ctx, key)
	if err != nil {
		return vault.DataKey{}, err
	}
	return fresh(v, c)
}

func fresh(v versions, c vault.Context) (vault.DataKey, error) {
	w, err := wrapper(v, c)
	if err != nil {
		return vault.DataKey{}, err
	}
	dk := vault.DataKey{Plaintext: make([]byte, vault.DataKeySize)}
	_, _ = rand.Read(dk.Plaintext) // never fails
	dk.Wrapped, err = w.Encrypt(dk.Plaintext, nil)
	return dk, err
}

// Unwrap opens data keys.
func (k *Keyring) Unwrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	v, err := k.get(ctx, key)
	if err != nil {
		return nil, err
	}
	w, err := wrapper(v, c)
	if err != nil {
		return nil, err
	}
	plain := make([][]byte, len(wrapped))
	for i := range wrapped {
		if plain[i], err = w.Decrypt(wrapped[i], nil); err != nil {
			return nil, fmt.Errorf("%w: does not open", vault.ErrInvalid)
		}
	}
	return plain, nil
}

// Destroy overwrites and removes the key's file.
func (k *Keyring) Destroy(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	guard := k.guard(key)
	guard.Lock()
	defer guard.Unlock()
	if err := k.lock.held(); err != nil {
		return unavailable(err)
	}
	if err := k.files.destroy(key); err != nil {
		return unavailable(err)
	}
	return nil
}

// Info tells which versions there are.
func (k *Keyring) Info(ctx context.Context, key string) (vault.Info, error) {
	v, err := k.get(ctx, key)
	if err != nil {
		return vault.Info{}, err
	}
	return vault.Info{LatestVersion: v.latest(), OldestVersion: v.oldest()}, nil
}

// Sign signs with the newest version of the attesting key.
func (k *Keyring) Sign(ctx context.Context, message []byte) (vault.Signature, error) {
	v, err := k.get(ctx, vault.AttestKey)
	if err != nil {
		return vault.Signature{}, err
	}
	signer, err := signature.NewSigner(v.Handle)
	if err != nil {
		return vault.Signature{}, fmt.Errorf("attesting key: %w", err)
	}
	sig, err := signer.Sign(message)
	if err != nil {
		return vault.Signature{}, fmt.Errorf("attesting key: %w", err)
	}
	return vault.Signature{KeyVersion: v.latest(), Bytes: sig}, nil
}

// PublicKeys reads the public halves.
func (k *Keyring) PublicKeys(ctx context.Context) (map[int]ed25519.PublicKey, error) {
	v, err := k.get(ctx, vault.AttestKey)
	if err != nil {
		return nil, err
	}
	public, err := v.Public()
	if err != nil {
		return nil, fmt.Errorf("attesting key: %w", err)
	}
	keys := make(map[int]ed25519.PublicKey, public.Len())
	for i := range public.Len() {
		entry, err := public.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("attesting key: %w", err)
		}
		key, ok := entry.Key().(*tinked25519.PublicKey)
		if !ok {
			return nil, errors.New("attesting key: not Ed25519")
		}
		keys[v.oldest()+i] = key.KeyBytes()
	}
	return keys, nil
}

// Prepare makes the system's keys.
func (k *Keyring) Prepare(ctx context.Context) error {
	for _, key := range []string{vault.AttestKey, vault.SystemKey} {
		if _, err := k.ensure(ctx, key); err != nil {
			return fmt.Errorf("key %s: %w", key, err)
		}
	}
	return nil
}

// Ping looks whether the folder is there.
func (k *Keyring) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := k.lock.held(); err != nil {
		return unavailable(err)
	}
	return nil
}
