// Package vault keeps the keys under which everything else is sealed.
//
// There is one key per enrolled customer, and it never leaves its keeper:
// HashiCorp Vault's transit engine (vault/transit), or a folder of encrypted
// key files for development (vault/keyring). What is sealed is sealed under
// *data keys*, 32 random bytes each. A data key is stored only *wrapped*, that
// is encrypted under the customer's key, beside the data that it sealed, and is
// unwrapped here whenever the data is opened. Destroying the customer's key
// therefore makes all of the customer's data unreadable at once, in every copy
// and backup of it; nothing else of an erasure is irrevocable.
//
//	keys := vault.New(driver)
//	dk, err := keys.Create(ctx, "sparkasse-4f7q…", vault.Dossier) // enrolment
//	… seal with dk.Plaintext, store dk.Wrapped beside what was sealed …
//	plain, err := keys.Unwrap(ctx, "sparkasse-4f7q…", vault.Dossier, wrapped)
//	err = keys.Destroy(ctx, "sparkasse-4f7q…") // erasure: nothing opens any more
//
// A key has versions, one more after each [Keys.Rotate]. What was wrapped under
// an old version still opens; [Keys.Rewrap] brings it under the newest, and once
// everything is there, [Keys.Retire] destroys the old ones.
//
// The [Context] of a call names the compartment that the data key is for. What
// was wrapped in one context does not open in another, so that a process which
// may open dossiers need not be able to open secrets.
//
// Beside the customers' keys there are two of the system's own: [AttestKey]
// signs erasure receipts and audit checkpoints, [SystemKey] wraps the secrets
// of the process itself.
//
// [Keys] is the type that callers use. It checks names before they come near a
// URL or a path, and everything that a keeper answers; a keeper is a [Driver],
// and vault/vaulttest holds the tests that each must pass.
package vault

import (
	"context"
	"crypto/ed25519"
	"fmt"
)

// DataKeySize is the length of a data key in bytes: AES-256.
const DataKeySize = 32

// Keys is the keeper of all keys. It is safe for concurrent use.
//
// Its errors wrap [ErrNotFound], [ErrInvalid], [ErrDenied] or [ErrUnavailable]
// where they are of such a kind, or the error of the request's context where
// that ended first. They hold no key, no wrapped key and no name of a key.
type Keys struct {
	driver   Driver
	observer Observer
}

// Option changes how [New] sets up [Keys].
type Option func(*Keys)

// New gives the keys that the driver keeps.
func New(d Driver, options ...Option) *Keys {
	k := &Keys{driver: d}
	for _, o := range options {
		o(k)
	}
	return k
}

// Create makes a customer's key and returns a first data key wrapped under it.
// Names are never used twice: a customer who comes back gets a new one. For a
// key that is there already Create is [Keys.DataKey].
//
// Where Create fails, the key may exist nonetheless; destroy it, or repeat.
func (k *Keys) Create(ctx context.Context, key string, c Context) (dk DataKey, err error) {
	const op = "create"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, customer(key), compartment(c)); err != nil {
		return DataKey{}, failed(ctx, op, err)
	}
	dk, err = k.driver.Create(ctx, key, c)
	return checked(ctx, op, dk, err)
}

// DataKey returns a fresh data key wrapped under a key that exists. It never
// makes the key: for one that was destroyed the error is [ErrNotFound].
func (k *Keys) DataKey(ctx context.Context, key string, c Context) (dk DataKey, err error) {
	const op = "data key"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, wrapping(key), compartment(c)); err != nil {
		return DataKey{}, failed(ctx, op, err)
	}
	dk, err = k.driver.DataKey(ctx, key, c)
	return checked(ctx, op, dk, err)
}

// Unwrap opens a wrapped data key. The error is [ErrNotFound] where the key is
// destroyed, and [ErrInvalid] where the bytes are not what was wrapped under
// this key in this context.
func (k *Keys) Unwrap(ctx context.Context, key string, c Context, wrapped []byte) ([]byte, error) {
	plain, err := k.unwrap(ctx, "unwrap", key, c, [][]byte{wrapped})
	if err != nil {
		return nil, err
	}
	return plain[0], nil
}

// UnwrapAll is [Keys.Unwrap] of several data keys at once, answered in their
// order. It opens all of them or none.
func (k *Keys) UnwrapAll(ctx context.Context, key string, c Context, wrapped [][]byte) ([][]byte, error) {
	if len(wrapped) == 0 {
		return nil, nil
	}
	return k.unwrap(ctx, "unwrap all", key, c, wrapped)
}

func (k *Keys) unwrap(ctx context.Context, op, key string, c Context, wrapped [][]byte) (plain [][]byte, err error) {
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, wrapping(key), compartment(c), sane(wrapped...)); err != nil {
		return nil, failed(ctx, op, err)
	}
	plain, err = k.driver.Unwrap(ctx, key, c, wrapped)
	if err == nil && len(plain) != len(wrapped) {
		err = fmt.Errorf("%d data keys in answer to %d", len(plain), len(wrapped))
	}
	if err != nil {
		return nil, failed(ctx, op, err)
	}
	for _, p := range plain {
		if len(p) != DataKeySize {
			return nil, failed(ctx, op, fmt.Errorf("%w: not the length of a data key", ErrInvalid))
		}
	}
	return plain, nil
}

// Destroy destroys a customer's key with all its versions, for good. When it
// returns without an error, nothing that was wrapped under the key opens. For a
// key that does not exist that is so already, and there is no error. The
// system's own keys can't be destroyed.
func (k *Keys) Destroy(ctx context.Context, key string) (err error) {
	const op = "destroy"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, customer(key)); err != nil {
		return failed(ctx, op, err)
	}
	return failed(ctx, op, k.driver.Destroy(ctx, key))
}

// Info tells about a key; the error is [ErrNotFound] where it does not exist.
func (k *Keys) Info(ctx context.Context, key string) (info Info, err error) {
	const op = "info"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, name(key)); err != nil {
		return Info{}, failed(ctx, op, err)
	}
	info, err = k.driver.Info(ctx, key)
	if err == nil && (info.OldestVersion < 1 || info.LatestVersion < info.OldestVersion) {
		err = fmt.Errorf("key without a version")
	}
	if err != nil {
		return Info{}, failed(ctx, op, err)
	}
	return info, nil
}

// Sign signs the message with the newest version of [AttestKey]: pure Ed25519
// as in RFC 8032, which anyone can verify with [Keys.PublicKeys] and no keeper.
func (k *Keys) Sign(ctx context.Context, message []byte) (sig Signature, err error) {
	const op = "sign"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := ctx.Err(); err != nil {
		return Signature{}, failed(ctx, op, err)
	}
	sig, err = k.driver.Sign(ctx, message)
	if err == nil && (sig.KeyVersion < 1 || len(sig.Bytes) != ed25519.SignatureSize) {
		err = fmt.Errorf("not an Ed25519 signature")
	}
	if err != nil {
		return Signature{}, failed(ctx, op, err)
	}
	return sig, nil
}

// PublicKeys are the public halves of [AttestKey] by version.
func (k *Keys) PublicKeys(ctx context.Context) (keys map[int]ed25519.PublicKey, err error) {
	const op = "public keys"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := ctx.Err(); err != nil {
		return nil, failed(ctx, op, err)
	}
	keys, err = k.driver.PublicKeys(ctx)
	if err != nil {
		return nil, failed(ctx, op, err)
	}
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			return nil, failed(ctx, op, fmt.Errorf("not an Ed25519 public key"))
		}
	}
	return keys, nil
}

// Prepare sets up what the keeper needs before its first use, among it
// [AttestKey] and [SystemKey]. What is there already it leaves alone.
func (k *Keys) Prepare(ctx context.Context) (err error) {
	const op = "prepare"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	return failed(ctx, op, k.driver.Prepare(ctx))
}

// Ping tells whether the keeper serves: nil only after it was asked just now
// and answered that it is open and knows us.
func (k *Keys) Ping(ctx context.Context) (err error) {
	const op = "ping"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	return failed(ctx, op, k.driver.Ping(ctx))
}

// Close ends the work with the keeper. No other method may be called after it.
func (k *Keys) Close() error {
	if err := k.driver.Close(); err != nil {
		return fmt.Errorf("vault: close: %w", err)
	}
	return nil
}

// checked is a data key as it comes from a driver, checked for its shape.
func checked(ctx context.Context, op string, dk DataKey, err error) (DataKey, error) {
	if err == nil && len(dk.Plaintext) != DataKeySize {
		err = fmt.Errorf("data key of %d bytes", len(dk.Plaintext))
	}
	if err == nil {
		err = sane(dk.Wrapped)
	}
	if err != nil {
		return DataKey{}, failed(ctx, op, err)
	}
	return dk, nil
}
