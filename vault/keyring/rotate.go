package keyring

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/core/cryptofmt"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/wertfach/wertfach/vault"
)

// Rotate adds a version.
func (k *Keyring) Rotate(ctx context.Context, key string) error {
	return k.alter(ctx, key, func(v versions) (versions, error) { return rotated(key, v) })
}

// Retire takes all versions below oldest out of the key's file, and overwrites
// the file that had them.
func (k *Keyring) Retire(ctx context.Context, key string, oldest int) error {
	return k.alter(ctx, key, func(v versions) (versions, error) { return retired(v, oldest) })
}

// alter replaces a key's file. Where alteration gives no versions, the old one
// stays.
func (k *Keyring) alter(ctx context.Context, key string, alteration func(versions) (versions, error)) error {
	guard := k.guard(key)
	guard.Lock()
	defer guard.Unlock()
	v, err := k.load(ctx, key)
	if err != nil {
		return err
	}
	if v, err = alteration(v); err != nil || v.Handle == nil {
		return err
	}
	return k.save(key, v, k.files.replace)
}

// retired is the key without all versions below oldest, and none where they are
// gone already. Those that were only disabled, as was done before, go too.
func retired(v versions, oldest int) (versions, error) {
	if oldest > v.latest() {
		return versions{}, fmt.Errorf("%w: the key has no such version", vault.ErrInvalid)
	}
	if oldest <= v.oldest() {
		return versions{}, nil
	}
	manager := keyset.NewManagerFromHandle(v.Handle)
	for i := range oldest - v.oldest() {
		entry, err := v.Entry(i)
		if err != nil {
			return versions{}, fmt.Errorf("retire a version: %w", err)
		}
		if err := manager.Delete(entry.KeyID()); err != nil {
			return versions{}, fmt.Errorf("retire a version: %w", err)
		}
	}
	handle, err := manager.Handle()
	return versions{handle, oldest - 1}, err
}

// Rewrap opens data keys and wraps them under the newest version.
func (k *Keyring) Rewrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	v, err := k.get(ctx, key)
	if err != nil {
		return nil, err
	}
	w, err := wrapper(v, c)
	if err != nil {
		return nil, err
	}
	newest, err := v.Primary()
	if err != nil {
		return nil, fmt.Errorf("newest version: %w", err)
	}
	// What Tink encrypts begins so, with the key's id; derived keys keep it.
	prefix := binary.BigEndian.AppendUint32([]byte{cryptofmt.TinkStartByte}, newest.KeyID())
	again := make([][]byte, len(wrapped))
	for i := range wrapped {
		plain, err := w.Decrypt(wrapped[i], nil)
		if err != nil {
			return nil, fmt.Errorf("%w: does not open", vault.ErrInvalid)
		}
		if bytes.HasPrefix(wrapped[i], prefix) {
			again[i] = bytes.Clone(wrapped[i])
		} else {
			again[i], err = w.Encrypt(plain, nil)
		}
		clear(plain)
		if err != nil {
			return nil, fmt.Errorf("wrap: %w", err)
		}
	}
	return again, nil
}
