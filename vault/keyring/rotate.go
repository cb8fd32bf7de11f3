package keyring

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/core/cryptofmt"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/wertfach/wertfach/vault"
)

// Rotate adds a version.
func (k *Keyring) Rotate(ctx context.Context, key string) error {
	return k.alter(ctx, key, func(handle *keyset.Handle) (*keyset.Handle, error) { return rotated(key, handle) })
}

// Retire disables all versions below oldest. They stay in the key's file, since
// a version's number is its place, and go with it.
func (k *Keyring) Retire(ctx context.Context, key string, oldest int) error {
	return k.alter(ctx, key, func(handle *keyset.Handle) (*keyset.Handle, error) { return retired(handle, oldest) })
}

// alter replaces a key's keyset. Where alteration gives none, the old one stays.
func (k *Keyring) alter(ctx context.Context, key string, alteration func(*keyset.Handle) (*keyset.Handle, error)) error {
	guard := k.guard(key)
	guard.Lock()
	defer guard.Unlock()
	handle, err := k.load(ctx, key)
	if err != nil {
		return err
	}
	if handle, err = alteration(handle); err != nil || handle == nil {
		return err
	}
	return k.save(key, handle, k.files.replace)
}

// retired is the keyset with all versions below oldest disabled, and none where
// they are already.
func retired(handle *keyset.Handle, oldest int) (*keyset.Handle, error) {
	if oldest > handle.Len() {
		return nil, fmt.Errorf("%w: the key has no such version", vault.ErrInvalid)
	}
	if there, err := oldestOf(handle); err != nil || oldest <= there {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	for i := range oldest - 1 {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("retire a version: %w", err)
		}
		if err := manager.Disable(entry.KeyID()); err != nil {
			return nil, fmt.Errorf("retire a version: %w", err)
		}
	}
	return manager.Handle()
}

// oldestOf is the oldest version that was not retired.
func oldestOf(handle *keyset.Handle) (int, error) {
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return 0, fmt.Errorf("read the versions: %w", err)
		}
		if entry.KeyStatus() == keyset.Enabled {
			return i + 1, nil
		}
	}
	return 0, errors.New("a key without a version")
}

// Rewrap opens data keys and wraps them under the newest version.
func (k *Keyring) Rewrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	handle, err := k.get(ctx, key)
	if err != nil {
		return nil, err
	}
	w, err := wrapper(handle, c)
	if err != nil {
		return nil, err
	}
	newest, err := handle.Primary()
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
