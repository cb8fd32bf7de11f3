package transit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/wertfach/wertfach/vault"
)

// cipherPrefix begins everything that transit encrypts.
const cipherPrefix = "vault:v"

// Create is one call: transit's encrypt makes a key that is missing, of the
// type that is named and derived because a context is given. The data key is
// made here, as transit's datakey makes none for a missing key.
func (t *Transit) Create(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	plain := make([]byte, vault.DataKeySize)
	_, _ = rand.Read(plain) // never fails
	in := struct {
		Type      string `json:"type"`
		Plaintext []byte `json:"plaintext"`
		Context   []byte `json:"context"`
	}{"aes256-gcm96", plain, []byte(c)}
	var out struct {
		Ciphertext string `json:"ciphertext"`
	}
	err := t.call(ctx, request{
		method: http.MethodPost, path: t.path("encrypt", key), key: key, in: in, out: &out,
		once: true, // a late copy could bring back a key that was destroyed meanwhile
	})
	if err != nil {
		return vault.DataKey{}, err
	}
	wrapped, err := ciphertext(out.Ciphertext)
	return vault.DataKey{Plaintext: plain, Wrapped: wrapped}, err
}

// DataKey has Vault make the key: unlike encrypt, datakey never makes the
// customer's key that it wraps under.
func (t *Transit) DataKey(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	in := struct {
		Context []byte `json:"context"`
	}{[]byte(c)}
	var out struct {
		Plaintext  []byte `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
	}
	err := t.call(ctx, request{method: http.MethodPost, path: t.path("datakey", "plaintext", key), key: key, in: in, out: &out})
	if err != nil {
		return vault.DataKey{}, err
	}
	wrapped, err := ciphertext(out.Ciphertext)
	return vault.DataKey{Plaintext: out.Plaintext, Wrapped: wrapped}, err
}

// sealed is a ciphertext and the context that it was made in.
type sealed struct {
	Ciphertext string `json:"ciphertext"`
	Context    []byte `json:"context"`
}

// opened is a plaintext.
type opened struct {
	Plaintext []byte `json:"plaintext"`
}

// Unwrap sends a single ciphertext in the plain form, and only several ones as
// a batch: policies check the context of the plain form and forbid the other.
func (t *Transit) Unwrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	for _, w := range wrapped {
		if err := canonical(w); err != nil {
			return nil, err
		}
	}
	r := request{method: http.MethodPost, path: t.path("decrypt", key), key: key}
	if len(wrapped) == 1 {
		var out opened
		r.in, r.out = sealed{string(wrapped[0]), []byte(c)}, &out
		if err := t.call(ctx, r); err != nil {
			return nil, err
		}
		return [][]byte{out.Plaintext}, nil
	}
	type batch struct {
		Input []sealed `json:"batch_input"`
	}
	in := batch{make([]sealed, len(wrapped))}
	for i, w := range wrapped {
		in.Input[i] = sealed{string(w), []byte(c)}
	}
	var out struct {
		Results []opened `json:"batch_results"`
	}
	r.in, r.out = in, &out
	if err := t.call(ctx, r); err != nil {
		return nil, err // one item that does not open makes the whole answer a 400
	}
	plain := make([][]byte, len(out.Results))
	for i, o := range out.Results {
		plain[i] = o.Plaintext
	}
	return plain, nil
}

// Rewrap has Vault decrypt and encrypt again; the data key is not seen here.
func (t *Transit) Rewrap(ctx context.Context, key string, c vault.Context, wrapped []byte) ([]byte, error) {
	if err := canonical(wrapped); err != nil {
		return nil, err
	}
	var out struct {
		Ciphertext string `json:"ciphertext"`
	}
	err := t.call(ctx, request{
		method: http.MethodPost, path: t.path("rewrap", key), key: key,
		in: sealed{string(wrapped), []byte(c)}, out: &out,
	})
	if err != nil {
		return nil, err
	}
	return ciphertext(out.Ciphertext)
}

// Rotate adds a version.
func (t *Transit) Rotate(ctx context.Context, key string) error {
	return t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "rotate"), key: key, once: true})
}

// Destroy allows the key's deletion and deletes it. Until then Vault refuses to
// delete it, so that no single mistaken call by anyone destroys a key.
func (t *Transit) Destroy(ctx context.Context, key string) error {
	allow := struct {
		Allowed bool `json:"deletion_allowed"`
	}{true}
	err := t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "config"), key: key, in: allow})
	if err == nil {
		err = t.call(ctx, request{method: http.MethodDelete, path: t.path("keys", key), key: key})
	}
	if errors.Is(err, vault.ErrNotFound) {
		return nil
	}
	// Vault has no clear answer where another call deletes the key meanwhile.
	var answered *refusal
	if errors.As(err, &answered) {
		if _, gone := t.Info(ctx, key); errors.Is(gone, vault.ErrNotFound) {
			return nil
		}
	}
	return err
}

// Info reads the key's public part.
func (t *Transit) Info(ctx context.Context, key string) (vault.Info, error) {
	k, err := t.read(ctx, key)
	return vault.Info{LatestVersion: k.LatestVersion}, err
}

// keyAnswer is what transit tells about a key.
type keyAnswer struct {
	Type          string `json:"type"`
	Derived       bool   `json:"derived"`
	Exportable    bool   `json:"exportable"`
	LatestVersion int    `json:"latest_version"`
}

func (t *Transit) read(ctx context.Context, key string) (keyAnswer, error) {
	var out keyAnswer
	err := t.call(ctx, request{method: http.MethodGet, path: t.path("keys", key), key: key, out: &out})
	return out, err
}

// ciphertext checks that Vault answered with one: an answer without it would
// otherwise be stored in place of a wrapped key.
func ciphertext(s string) ([]byte, error) {
	if canonical([]byte(s)) != nil {
		return nil, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	return []byte(s), nil
}

// canonical checks that a wrapped key is written in the one way that transit
// writes it. Transit reads more: it takes version 0 for 1, leading zeros, signs
// and line breaks, so that without this check a changed byte could go unseen.
func canonical(wrapped []byte) error {
	rest, ok := bytes.CutPrefix(wrapped, []byte(cipherPrefix))
	version, text, cut := bytes.Cut(rest, []byte(":"))
	n, err := strconv.Atoi(string(version))
	ok = ok && cut && err == nil && n > 0 && strconv.Itoa(n) == string(version)
	if ok {
		raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
		ok = err == nil && base64.StdEncoding.EncodedLen(len(raw)) == len(text)
	}
	if !ok {
		return fmt.Errorf("%w: not a ciphertext of transit", vault.ErrInvalid)
	}
	return nil
}
