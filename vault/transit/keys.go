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

	"golang.org/x/sync/errgroup"

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

// unwrapsAtOnce is how many data keys of one Unwrap are opened at a time. A
// reveal opens a few; the bound is for the one that opens hundreds.
const unwrapsAtOnce = 16

// Unwrap is a call for each data key, several at a time. Transit would take them
// all in one, and must not: policies say which contexts a process may open, and
// Vault does not look for them within a batch.
func (t *Transit) Unwrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	for _, w := range wrapped {
		if err := canonical(w); err != nil {
			return nil, err
		}
	}
	if len(wrapped) == 1 {
		plain, err := t.unwrap(ctx, key, c, wrapped[0])
		if err != nil {
			return nil, err
		}
		return [][]byte{plain}, nil
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(unwrapsAtOnce)
	plain := make([][]byte, len(wrapped))
	for i, w := range wrapped {
		group.Go(func() (err error) {
			if gctx.Err() != nil {
				return gctx.Err() // one did not open, so none will be given
			}
			plain[i], err = t.unwrap(gctx, key, c, w)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		for _, p := range plain {
			clear(p)
		}
		return nil, err
	}
	return plain, nil
}

func (t *Transit) unwrap(ctx context.Context, key string, c vault.Context, wrapped []byte) ([]byte, error) {
	var out struct {
		Plaintext []byte `json:"plaintext"`
	}
	err := t.call(ctx, request{
		method: http.MethodPost, path: t.path("decrypt", key), key: key,
		in: sealed{string(wrapped), []byte(c)}, out: &out,
	})
	return out.Plaintext, err
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
