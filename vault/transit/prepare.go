package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wertfach/wertfach/vault"
)

// Prepare mounts the transit engine, bounds its cache and makes the system's
// keys. What is there and right it leaves alone; what is there and wrong, such
// as another engine in that place, is an error. It needs an operator's token.
func (t *Transit) Prepare(ctx context.Context) error {
	if err := t.mount(ctx); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := t.boundCache(ctx); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	err := t.ensure(ctx, vault.AttestKey, keyAnswer{Type: "ed25519"})
	if err == nil {
		err = t.ensure(ctx, vault.SystemKey, keyAnswer{Type: "aes256-gcm96", Derived: true})
	}
	return err
}

func (t *Transit) mount(ctx context.Context) error {
	there, err := t.mounted(ctx)
	if there || err != nil {
		return err
	}
	err = t.call(ctx, request{
		method: http.MethodPost, path: "sys/mounts/" + t.config.Mount, once: true,
		in: struct {
			Type        string `json:"type"`
			Description string `json:"description"`
		}{"transit", "keys of wertfach's customers"},
	})
	if errors.Is(err, vault.ErrInvalid) {
		// Another process may have come first.
		if there, err := t.mounted(ctx); there || err != nil {
			return err
		}
	}
	return err
}

// mounted is whether the transit engine is mounted in its place. Vault answers
// 400 for a place where nothing is.
func (t *Transit) mounted(ctx context.Context) (bool, error) {
	var out struct {
		Type string `json:"type"`
	}
	err := t.call(ctx, request{method: http.MethodGet, path: "sys/mounts/" + t.config.Mount, out: &out})
	switch {
	case errors.Is(err, vault.ErrInvalid):
		return false, nil
	case err != nil:
		return false, err
	case out.Type != "transit":
		return false, errors.New("another secrets engine is mounted in the place of transit")
	}
	return true, nil
}

// boundCache sets the size of transit's key cache. Setting it empties the
// cache, so that it is not done for nothing.
func (t *Transit) boundCache(ctx context.Context) error {
	type cache struct {
		Size int `json:"size"`
	}
	var now cache
	r := request{method: http.MethodGet, path: t.path("cache-config"), out: &now}
	if err := t.call(ctx, r); err != nil {
		return err
	}
	if now.Size == t.config.CacheSize {
		return nil
	}
	return t.call(ctx, request{method: http.MethodPost, path: t.path("cache-config"), in: cache{t.config.CacheSize}})
}

// ensure makes a key of the system where it is missing, and checks that it is
// what it should be.
func (t *Transit) ensure(ctx context.Context, key string, want keyAnswer) error {
	have, err := t.read(ctx, key)
	if errors.Is(err, vault.ErrNotFound) {
		in := struct {
			Type    string `json:"type"`
			Derived bool   `json:"derived"`
		}{want.Type, want.Derived}
		if err = t.call(ctx, request{method: http.MethodPost, path: t.path("keys", key), key: key, in: in}); err == nil {
			have, err = t.read(ctx, key)
		}
	}
	if err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	want.LatestVersion = have.LatestVersion
	if have != want {
		return fmt.Errorf("key %s is there, and is not of type %s, derived %t and not exportable", key, want.Type, want.Derived)
	}
	return nil
}
