package transit

import (
	"bytes"
	"context"
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

// Retire raises the oldest version that decrypts. Vault would lower it too, and
// so bring versions back.
func (t *Transit) Retire(ctx context.Context, key string, oldest int) error {
	info, err := t.Info(ctx, key)
	switch {
	case err != nil:
		return err
	case oldest > info.LatestVersion:
		return fmt.Errorf("%w: the key has no such version", vault.ErrInvalid)
	case oldest <= info.OldestVersion:
		return nil
	}
	in := struct {
		Oldest int `json:"min_decryption_version"`
	}{oldest}
	return t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key, "config"), key: key, in: in})
}
