package transit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/wertfach/wertfach/vault"
)

// Sign signs with the newest version of the attesting key. Transit's signature
// is "vault:v<version>:<base64>".
func (t *Transit) Sign(ctx context.Context, message []byte) (vault.Signature, error) {
	in := struct {
		Input []byte `json:"input"`
	}{message}
	var out struct {
		Signature string `json:"signature"`
	}
	err := t.call(ctx, request{
		method: http.MethodPost, path: t.path("sign", vault.AttestKey), key: vault.AttestKey, in: in, out: &out,
	})
	if err != nil {
		return vault.Signature{}, err
	}
	version, sig, ok := strings.Cut(strings.TrimPrefix(out.Signature, cipherPrefix), ":")
	n, err := strconv.Atoi(version)
	b, err64 := base64.StdEncoding.DecodeString(sig)
	if !ok || err != nil || err64 != nil {
		return vault.Signature{}, fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	return vault.Signature{KeyVersion: n, Bytes: b}, nil
}

// PublicKeys reads the versions that Vault still holds of the attesting key.
func (t *Transit) PublicKeys(ctx context.Context) (map[int]ed25519.PublicKey, error) {
	var out struct {
		Keys map[int]struct {
			PublicKey []byte `json:"public_key"`
		} `json:"keys"`
	}
	err := t.call(ctx, request{
		method: http.MethodGet, path: t.path("keys", vault.AttestKey), key: vault.AttestKey, out: &out,
	})
	if err != nil {
		return nil, err
	}
	keys := make(map[int]ed25519.PublicKey, len(out.Keys))
	for version, k := range out.Keys {
		keys[version] = k.PublicKey
	}
	return keys, nil
}
