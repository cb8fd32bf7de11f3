package transit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wertfach/wertfach/vault"
)

// Rotate adds a version. One call must not add two, so it is sent once.
func (t *Transit) Rotate(ctx context.Context, key string) error {
	return t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "rotate"), key: key, once: true})
}

// Rewrap has Vault decrypt and encrypt again, all in one call: unlike Unwrap it
// needs no policy that tells contexts apart, since no data key comes out. Vault
// encrypts anew also what is under the newest version; the version in both
// ciphertexts tells, and it stays as it was.
func (t *Transit) Rewrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	var in struct {
		Batch []sealed `json:"batch_input"`
	}
	for _, w := range wrapped {
		if err := canonical(w); err != nil {
			return nil, err
		}
		in.Batch = append(in.Batch, sealed{string(w), []byte(c)})
	}
	var out struct {
		Results []struct {
			Ciphertext string `json:"ciphertext"`
			Error      string `json:"error"`
		} `json:"batch_results"`
	}
	err := t.call(ctx, request{method: http.MethodPost, path: t.path("rewrap", key), key: key, in: in, out: &out})
	if err != nil {
		return nil, err
	}
	if len(out.Results) != len(wrapped) {
		return nil, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	again := make([][]byte, len(wrapped))
	for i, result := range out.Results {
		if result.Error != "" {
			return nil, fmt.Errorf("%w: does not open", vault.ErrInvalid)
		}
		if again[i], err = ciphertext(result.Ciphertext); err != nil {
			return nil, err
		}
		if version(again[i]) == version(wrapped[i]) {
			again[i] = bytes.Clone(wrapped[i])
		}
	}
	return again, nil
}

// version is the part of a canonical ciphertext that names the key's version.
func version(c []byte) string {
	name, _, _ := bytes.Cut(c[len(cipherPrefix):], []byte(":"))
	return string(name)
}

// Retire is two calls: the first ends the use of older versions, which Vault
// would take back, and the second, which Vault makes only after that, destroys
// them for good. Where it breaks off between the two the next one trims. Vault
// destroys nothing that may still be asked to encrypt, so that the first call
// raises min_encryption_version too; data keys are under the newest version
// with it and without it.
func (t *Transit) Retire(ctx context.Context, key string, oldest int) error {
	now, err := t.versions(ctx, key)
	switch {
	case err != nil:
		return err
	case oldest > now.Latest:
		return fmt.Errorf("%w: the key has no such version", vault.ErrInvalid)
	case oldest <= now.oldest():
		return nil
	}
	err = t.end(ctx, key, now, oldest)
	if err == nil {
		in := struct {
			Oldest int `json:"min_available_version"`
		}{oldest}
		err = t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "trim"), key: key, in: in})
	}
	// Vault has no clear answer where another call destroys the key meanwhile,
	// nor where it retires more.
	if errors.Is(err, vault.ErrInvalid) {
		again, unread := t.versions(ctx, key)
		if errors.Is(unread, vault.ErrNotFound) || unread == nil && oldest <= again.oldest() {
			return unread
		}
	}
	return err
}

// end has versions below oldest neither decrypt nor encrypt. It lowers nothing:
// that would bring back what somebody else has ended.
func (t *Transit) end(ctx context.Context, key string, now versions, oldest int) error {
	if now.Decrypts >= oldest && now.Encrypts >= oldest {
		return nil
	}
	decrypts := max(now.Decrypts, oldest)
	in := struct {
		Decrypts int `json:"min_decryption_version"`
		Encrypts int `json:"min_encryption_version"`
	}{decrypts, max(now.Encrypts, decrypts)}
	return t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "config"), key: key, in: in})
}

// versions is what transit tells about the versions of a key: the newest, and
// the oldest that decrypts, that may encrypt (0 where only the newest does) and
// that is there (0 where none was destroyed).
type versions struct {
	Latest    int `json:"latest_version"`
	Decrypts  int `json:"min_decryption_version"`
	Encrypts  int `json:"min_encryption_version"`
	Available int `json:"min_available_version"`
}

// oldest is the oldest version that was not destroyed.
func (v versions) oldest() int { return max(v.Available, 1) }

func (t *Transit) versions(ctx context.Context, key string) (versions, error) {
	var out versions
	err := t.call(ctx, request{method: http.MethodGet, path: t.path("keys", key), key: key, out: &out})
	return out, err
}

// Info reads the key's public part.
func (t *Transit) Info(ctx context.Context, key string) (vault.Info, error) {
	v, err := t.versions(ctx, key)
	if err != nil {
		return vault.Info{}, err
	}
	return vault.Info{LatestVersion: v.Latest, OldestVersion: v.oldest()}, nil
}
