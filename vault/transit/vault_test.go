package transit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

// prepared is keys in a fresh mount of that Vault.
func prepared(t testing.TB, v *testenv.Vault) (*vault.Keys, string) {
	t.Helper()
	mount := v.FreshMount(t)
	keys := vault.New(open(t, v, mount))
	t.Cleanup(func() { _ = keys.Close() })
	if err := keys.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return keys, mount
}

// TestCreatedKeyIsWhatItShouldBe reads back what the one call of Create made.
func TestCreatedKeyIsWhatItShouldBe(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	keys, mount := prepared(t, v)
	if _, err := keys.Create(t.Context(), "bank-alice", vault.Dossier); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]map[string]any{
		"bank-alice":    {"type": "aes256-gcm96", "derived": true, "kdf": "hkdf_sha256"},
		vault.SystemKey: {"type": "aes256-gcm96", "derived": true, "kdf": "hkdf_sha256"},
		vault.AttestKey: {"type": "ed25519", "derived": false},
	} {
		s, err := v.Client().Logical().ReadWithContext(t.Context(), mount+"/keys/"+key)
		if err != nil || s == nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, off := range []string{"exportable", "allow_plaintext_backup", "deletion_allowed", "imported_key"} {
			want[off] = false
		}
		for field, value := range want {
			if got, ok := s.Data[field]; field == "imported_key" && !ok {
				continue // said of imported keys only
			} else if got != value {
				t.Errorf("%s: %s is %v, want %v", key, field, got, value)
			}
		}
	}
}

// everyCall makes each call once. Those on the key named for it must not
// succeed half-way, so the tests can go on with the key afterwards.
func everyCall(keys *vault.Keys, key string, dk vault.DataKey) map[string]func(context.Context) error {
	c, w := vault.Dossier, dk.Wrapped
	return map[string]func(context.Context) error{
		"create":      func(ctx context.Context) error { _, err := keys.Create(ctx, "bank-new", c); return err },
		"data key":    func(ctx context.Context) error { _, err := keys.DataKey(ctx, key, c); return err },
		"unwrap":      func(ctx context.Context) error { _, err := keys.Unwrap(ctx, key, c, w); return err },
		"unwrap all":  func(ctx context.Context) error { _, err := keys.UnwrapAll(ctx, key, c, [][]byte{w, w}); return err },
		"rewrap":      func(ctx context.Context) error { _, err := keys.Rewrap(ctx, key, c, w); return err },
		"rotate":      func(ctx context.Context) error { return keys.Rotate(ctx, key) },
		"retire":      func(ctx context.Context) error { return keys.Retire(ctx, key, 1) },
		"destroy":     func(ctx context.Context) error { return keys.Destroy(ctx, key) },
		"info":        func(ctx context.Context) error { _, err := keys.Info(ctx, key); return err },
		"sign":        func(ctx context.Context) error { _, err := keys.Sign(ctx, []byte("receipt")); return err },
		"public keys": func(ctx context.Context) error { _, err := keys.PublicKeys(ctx); return err },
		"prepare":     func(ctx context.Context) error { return keys.Prepare(ctx) },
		"ping":        func(ctx context.Context) error { return keys.Ping(ctx) },
	}
}

// TestOutages takes one Vault through everything that happens to one, and the
// same client goes on afterwards.
func TestOutages(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := testenv.NewVault(t)
	keys, _ := prepared(t, v)
	const key = "bank-alice"
	dk, err := keys.Create(ctx, key, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	down := func(state string) {
		t.Helper()
		for name, call := range everyCall(keys, key, dk) {
			if err := call(ctx); !errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s, %s: got error %v, want %v", state, name, err, vault.ErrUnavailable)
			}
		}
	}
	up := func(state string) {
		t.Helper()
		if err := keys.Ping(ctx); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		plain, err := keys.Unwrap(ctx, key, vault.Dossier, dk.Wrapped)
		if err != nil || string(plain) != string(dk.Plaintext) {
			t.Fatalf("%s: unwrap: %v", state, err)
		}
		if info, err := keys.Info(ctx, key); err != nil || info.LatestVersion != 1 {
			t.Errorf("%s: a call that failed changed the key: version %d, %v", state, info.LatestVersion, err)
		}
	}
	up("at first")

	if err := v.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	down("sealed")
	if err := v.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	up("unsealed")

	if err := v.Stop(); err != nil {
		t.Fatal(err)
	}
	down("stopped")
	if err := v.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	up("restarted")

	if err := v.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := v.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	up("restarted after a crash")

	if err := keys.Destroy(ctx, key); err != nil {
		t.Fatal(err)
	}
	if err := v.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := v.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Unwrap(ctx, key, vault.Dossier, dk.Wrapped); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a destroyed key after a crash: %v", err)
	}
}

// TestSilence pauses Vault: connections stay and nothing answers.
func TestSilence(t *testing.T) {
	t.Parallel()
	v := testenv.NewVault(t)
	keys, mount := prepared(t, v)
	const key = "bank-alice"
	dk, err := keys.Create(t.Context(), key, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	impatient, err := transit.New(t.Context(), transit.Config{
		Address: v.Addr(), Mount: mount, Login: transit.Login{Token: v.RootToken()}, Timeout: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()

	if err := v.Pause(); err != nil {
		t.Fatal(err)
	}
	for name, call := range everyCall(keys, key, dk) {
		t.Run(name, func(t *testing.T) {
			// Far below the driver's own timeout of 10 seconds, far above what
			// the way back takes on a busy machine.
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	for name, call := range everyCall(vault.New(impatient), key, dk) {
		if err := call(t.Context()); !errors.Is(err, vault.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want %v", name, err, vault.ErrUnavailable)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { _, err := keys.Unwrap(ctx, key, vault.Dossier, dk.Wrapped); waiting <- err }()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}

	if err := v.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := keys.Ping(t.Context()); err != nil {
		t.Errorf("after the silence: %v", err)
	}
}

// TestMissingEngineIsNoMissingKey: were it one, an operator's slip would make
// every customer's data look erased.
func TestMissingEngineIsNoMissingKey(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	keys := vault.New(open(t, v, v.FreshMount(t))) // nothing mounted
	defer keys.Close()
	dk := vault.DataKey{Wrapped: []byte("vault:v1:AAAA")}
	for name, call := range everyCall(keys, "bank-alice", dk) {
		if name == "prepare" || name == "ping" {
			continue // one mounts the engine, the other does not need it
		}
		if err := call(t.Context()); !errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%s: got error %v, want %v", name, err, vault.ErrUnavailable)
		}
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	sys, logical := v.Client().Sys(), v.Client().Logical()

	t.Run("bounds the cache", func(t *testing.T) {
		_, mount := prepared(t, v)
		s, err := logical.ReadWithContext(t.Context(), mount+"/cache-config")
		if err != nil || s == nil {
			t.Fatal(err)
		}
		if size, ok := s.Data["size"].(interface{ Int64() (int64, error) }); !ok {
			t.Error("no size")
		} else if n, _ := size.Int64(); n != 16384 {
			t.Errorf("size %d", n)
		}
	})
	t.Run("by several at once", func(t *testing.T) {
		mount := v.FreshMount(t)
		g, ctx := errgroup.WithContext(t.Context())
		for range 4 {
			d := open(t, v, mount)
			defer d.Close()
			g.Go(func() error { return d.Prepare(ctx) })
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("another engine in its place", func(t *testing.T) {
		mount := v.FreshMount(t)
		if err := sys.MountWithContext(t.Context(), mount, &api.MountInput{Type: "kv"}); err != nil {
			t.Fatal(err)
		}
		d := open(t, v, mount)
		defer d.Close()
		if err := d.Prepare(t.Context()); err == nil {
			t.Error("prepared over another engine")
		}
	})
	t.Run("a wrong key in its place", func(t *testing.T) {
		mount := v.FreshMount(t)
		if err := sys.MountWithContext(t.Context(), mount, &api.MountInput{Type: "transit"}); err != nil {
			t.Fatal(err)
		}
		_, err := logical.WriteWithContext(t.Context(), mount+"/keys/"+vault.SystemKey,
			map[string]any{"type": "aes256-gcm96", "derived": true, "exportable": true})
		if err != nil {
			t.Fatal(err)
		}
		d := open(t, v, mount)
		defer d.Close()
		if err := d.Prepare(t.Context()); err == nil {
			t.Error("took an exportable key for the system's")
		}
	})
}
