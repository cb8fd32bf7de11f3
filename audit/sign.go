package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/vault"
)

// SignWith signs segments with the deployment's attest key. It remembers public
// keys and asks for them again when the key was rotated.
func SignWith(keys *vault.Keys) segment.Signer { return &attest{keys: keys} }

type attest struct {
	keys *vault.Keys

	mu     sync.Mutex
	public map[int]ed25519.PublicKey
}

// Sign gives the signature over message and the key that verifies it.
func (a *attest) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	sig, err := a.keys.Sign(ctx, message)
	if err != nil {
		return nil, nil, err
	}
	a.mu.Lock()
	key, known := a.public[sig.KeyVersion]
	a.mu.Unlock()
	if known {
		return sig.Bytes, key, nil
	}
	public, err := a.fetch(ctx)
	if err != nil {
		return nil, nil, err
	}
	if key, known = public[sig.KeyVersion]; !known {
		return nil, nil, fmt.Errorf("%w: the attest key has no public key", vault.ErrUnavailable)
	}
	return sig.Bytes, key, nil
}

// PublicKeys are all that may verify what was signed, the oldest first.
func (a *attest) PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	public, err := a.fetch(ctx)
	if err != nil {
		return nil, err
	}
	var list []ed25519.PublicKey
	for _, version := range slices.Sorted(maps.Keys(public)) {
		list = append(list, public[version])
	}
	return list, nil
}

func (a *attest) fetch(ctx context.Context) (map[int]ed25519.PublicKey, error) {
	public, err := a.keys.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.public = public
	return public, nil
}
