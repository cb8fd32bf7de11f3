package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyderivation"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/signature"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/wertfach/wertfach/vault"
)

// template is what a version of the key is made from.
func template(key string) (*tinkpb.KeyTemplate, error) {
	if key == vault.AttestKey {
		// No prefix: the signature is to be verified without Tink.
		return signature.ED25519KeyWithoutPrefixTemplate(), nil
	}
	return keyderivation.CreatePRFBasedKeyTemplate(prf.HKDFSHA256PRFKeyTemplate(), aead.AES256GCMKeyTemplate())
}

// load reads a key. The caller has its lock.
func (k *Keyring) load(ctx context.Context, key string) (*keyset.Handle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content, err := k.files.read(key)
	if errors.Is(err, os.ErrNotExist) {
		// A folder that was lost as a whole must not look like erased customers.
		if err := k.lock.held(); err != nil {
			return nil, unavailable(err)
		}
		return nil, vault.ErrNotFound
	}
	if err != nil {
		return nil, unavailable(err)
	}
	reader := keyset.NewBinaryReader(bytes.NewReader(content))
	handle, err := keyset.ReadWithAssociatedData(reader, k.master, bound(key))
	if err != nil {
		return nil, unavailable(errors.New("the key's file is damaged, or of another master key"))
	}
	return handle, nil
}

// save writes a key that is new, or one that is there already.
func (k *Keyring) save(key string, handle *keyset.Handle, put func(name string, content []byte) error) error {
	var content bytes.Buffer
	err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&content), k.master, bound(key))
	if err != nil {
		return fmt.Errorf("encrypt the key: %w", err)
	}
	if err := put(key, content.Bytes()); err != nil {
		return unavailable(err)
	}
	return nil
}

// mint makes a key with one version. The caller has its write lock.
func (k *Keyring) mint(key string) (*keyset.Handle, error) {
	t, err := template(key)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	handle, err := keyset.NewHandle(t)
	if err != nil {
		return nil, fmt.Errorf("make the key: %w", err)
	}
	return handle, k.save(key, handle, k.files.write)
}

// rotated is the keyset with one more version, its newest.
func rotated(key string, handle *keyset.Handle) (*keyset.Handle, error) {
	t, err := template(key)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(t)
	if err != nil {
		return nil, fmt.Errorf("add a version: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("add a version: %w", err)
	}
	return manager.Handle()
}

// wrapper is what wraps data keys in a context.
func wrapper(handle *keyset.Handle, c vault.Context) (tink.AEAD, error) {
	deriver, err := keyderivation.New(handle)
	if err != nil {
		return nil, fmt.Errorf("derive: %w", err)
	}
	derived, err := deriver.DeriveKeyset([]byte("wertfach/" + c))
	if err != nil {
		return nil, fmt.Errorf("derive: %w", err)
	}
	return aead.New(derived)
}

// bound ties a key's file to its name, so that files can't be exchanged.
func bound(key string) []byte { return []byte("wertfach/keyring/v1/" + key) }

// unavailable is a failure of the disk. Its text names the folder at most.
func unavailable(err error) error {
	if p := new(os.PathError); errors.As(err, &p) {
		err = p.Err // the path holds the key's name
	}
	if l := new(os.LinkError); errors.As(err, &l) {
		err = l.Err
	}
	return fmt.Errorf("%w: %w", vault.ErrUnavailable, err)
}
