package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/vault"
)

const secretSize = 32

// IndexSecret keys the pseudonyms and blind indexes of a deployment. It lies
// in the store, wrapped by the system's key, and in clear in memory only.
//
// It is two: a root that is never rotated, from which pseudonyms and all that
// authenticates what lies in the store come, and the index, which is.
type IndexSecret struct {
	key   hashKey
	index index
	etag  string // of the object that it was read from
}

// LogValue keeps the secret out of logs.
func (IndexSecret) LogValue() slog.Value { return slog.StringValue("[index secret]") }

// Format keeps the secret out of every fmt verb.
func (IndexSecret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[index secret]") }

var indexSecretBinding = seal.Binding{
	Institute: "system", Pseudonym: "system", Object: indexSecretObject, Compartment: string(vault.Index),
}

// Prepare makes a deployment ready to serve: the bucket, the keys of the
// system, the index secret, and the public keys that verify receipts. Repeated,
// it leaves alone what is there.
func Prepare(ctx context.Context, keys *vault.Keys, store *blobstore.Store) error {
	if err := keys.Prepare(ctx); err != nil {
		return fmt.Errorf("preparing the keys: %w", err)
	}
	if err := store.Prepare(ctx); err != nil {
		return fmt.Errorf("preparing the store: %w", err)
	}
	if err := prepareIndexSecret(ctx, keys, store); err != nil {
		return fmt.Errorf("preparing the index secret: %w", err)
	}
	public, err := PublicKeys(ctx, keys)
	if err != nil {
		return fmt.Errorf("reading the public keys: %w", err)
	}
	if _, err := store.Put(ctx, publicKeysObject, public, blobstore.Condition{}); err != nil {
		return fmt.Errorf("writing the public keys: %w", err)
	}
	return nil
}

func prepareIndexSecret(ctx context.Context, keys *vault.Keys, store *blobstore.Store) error {
	if _, err := store.Stat(ctx, indexSecretObject); !errors.Is(err, blobstore.ErrNotFound) {
		return err
	}
	// Without the old secret nothing that lies here would ever be found again.
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return err
		}
		if !strings.HasPrefix(info.Name, "system/") {
			return errors.New("the store holds data but no index secret: restore " + indexSecretObject + " from a backup")
		}
	}
	secret := IndexSecret{key: newHashKey(), index: index{versions: []indexVersion{{1, newHashKey()}}, writing: 1}}
	err := storeIndexSecret(ctx, keys, store, secret, blobstore.IfAbsent())
	if errors.Is(err, blobstore.ErrConflict) {
		return nil // somebody else prepared it meanwhile, and theirs holds
	}
	return err
}

func newHashKey() hashKey {
	key := make(hashKey, secretSize)
	rand.Read(key) // never fails: the process ends first
	return key
}

// storeIndexSecret seals the secret, under a data key that nobody has seen
// before, and writes it on the condition.
func storeIndexSecret(ctx context.Context, keys *vault.Keys, store *blobstore.Store, s IndexSecret, condition blobstore.Condition) error {
	dk, err := keys.DataKey(ctx, vault.SystemKey, vault.Index)
	if err != nil {
		return err
	}
	record, err := s.record()
	if err != nil {
		return err
	}
	sealed, err := seal.Seal(seal.Key{Name: vault.SystemKey, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}, indexSecretBinding, record)
	if err != nil {
		return err
	}
	_, err = store.Put(ctx, indexSecretObject, sealed, condition)
	return err
}

// LoadIndexSecret reads the deployment's index secret, which Prepare made.
func LoadIndexSecret(ctx context.Context, keys *vault.Keys, store *blobstore.Store) (IndexSecret, error) {
	sealed, info, err := store.Get(ctx, indexSecretObject)
	if errors.Is(err, blobstore.ErrNotFound) {
		return IndexSecret{}, errors.New("the store holds no index secret: run `wertfach init` for a new deployment, or restore " + indexSecretObject + " of an old one")
	}
	if err != nil {
		return IndexSecret{}, fmt.Errorf("reading the index secret: %w", err)
	}
	header, err := seal.ParseHeader(sealed)
	if err != nil {
		return IndexSecret{}, fmt.Errorf("reading the index secret: %w", err)
	}
	key, err := keys.Unwrap(ctx, vault.SystemKey, vault.Index, header.Wrapped)
	if err != nil {
		return IndexSecret{}, fmt.Errorf("unwrapping the index secret: %w", err)
	}
	record, err := seal.Open(key, indexSecretBinding, sealed)
	if err != nil {
		return IndexSecret{}, errors.New("the index secret in the store does not open")
	}
	secret, err := parseIndexSecret(record)
	secret.etag = info.ETag
	return secret, err
}

// PublicKeys are the keys that verify receipts, in PEM, the oldest first.
func PublicKeys(ctx context.Context, keys *vault.Keys) ([]byte, error) {
	versions, err := keys.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	var ordered []ed25519.PublicKey
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		ordered = append(ordered, versions[version])
	}
	return receipt.MarshalKeys(ordered)
}

// signer signs receipts with the attest key.
type signer struct{ keys *vault.Keys }

// SignReceipt gives the signature over message and the key that verifies it.
func (s signer) SignReceipt(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	sig, err := s.keys.Sign(ctx, message)
	if err != nil {
		return nil, nil, err
	}
	public, err := s.keys.PublicKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	return sig.Bytes, public[sig.KeyVersion], nil
}
