package vault_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

// stub is a driver that gives fixed answers and counts what reaches it.
type stub struct {
	calls  int
	err    error
	dk     vault.DataKey
	plain  [][]byte
	again  [][]byte
	info   vault.Info
	sig    vault.Signature
	public map[int]ed25519.PublicKey
}

func (s *stub) called() error { s.calls++; return s.err }

func (s *stub) Create(context.Context, string, vault.Context) (vault.DataKey, error) {
	return s.dk, s.called()
}

func (s *stub) DataKey(context.Context, string, vault.Context) (vault.DataKey, error) {
	return s.dk, s.called()
}

func (s *stub) Unwrap(context.Context, string, vault.Context, [][]byte) ([][]byte, error) {
	return s.plain, s.called()
}

func (s *stub) Rewrap(context.Context, string, vault.Context, [][]byte) ([][]byte, error) {
	return s.again, s.called()
}
func (s *stub) Retire(context.Context, string, int) error             { return s.called() }
func (s *stub) Rotate(context.Context, string) error                  { return s.called() }
func (s *stub) Destroy(context.Context, string) error                 { return s.called() }
func (s *stub) Info(context.Context, string) (vault.Info, error)      { return s.info, s.called() }
func (s *stub) Sign(context.Context, []byte) (vault.Signature, error) { return s.sig, s.called() }
func (s *stub) Prepare(context.Context) error                         { return s.called() }
func (s *stub) Ping(context.Context) error                            { return s.called() }
func (s *stub) Close() error                                          { return s.called() }
func (s *stub) PublicKeys(context.Context) (map[int]ed25519.PublicKey, error) {
	return s.public, s.called()
}

// healthy gives the answers of a driver that works.
func healthy() *stub {
	return &stub{
		dk:     vault.DataKey{Plaintext: make([]byte, 32), Wrapped: []byte("wrapped")},
		plain:  [][]byte{make([]byte, 32)},
		again:  [][]byte{[]byte("wrapped anew")},
		info:   vault.Info{LatestVersion: 1, OldestVersion: 1},
		sig:    vault.Signature{KeyVersion: 1, Bytes: make([]byte, 64)},
		public: map[int]ed25519.PublicKey{1: make([]byte, 32)},
	}
}

// on makes each call that takes a key's name.
func on(keys *vault.Keys, ctx context.Context, key string, c vault.Context, wrapped []byte) map[string]error {
	_, create := keys.Create(ctx, key, c)
	_, dataKey := keys.DataKey(ctx, key, c)
	_, unwrap := keys.Unwrap(ctx, key, c, wrapped)
	_, unwrapAll := keys.UnwrapAll(ctx, key, c, [][]byte{wrapped})
	_, rewrap := keys.Rewrap(ctx, key, c, wrapped)
	_, rewrapAll := keys.RewrapAll(ctx, key, c, [][]byte{wrapped})
	_, info := keys.Info(ctx, key)
	return map[string]error{
		"create": create, "data key": dataKey, "unwrap": unwrap, "unwrap all": unwrapAll, "rewrap": rewrap,
		"rewrap all": rewrapAll, "retire": keys.Retire(ctx, key, 1), "info": info, "rotate": keys.Rotate(ctx, key), "destroy": keys.Destroy(ctx, key),
	}
}

func TestWellFormedCallsPass(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"a", "7", "bank-alice", "sparkasse-bad-homburg-0v3hg5m2k8-q1c7d4", strings.Repeat("a", vault.MaxKeyName)} {
		d := healthy()
		for name, err := range on(vault.New(d), t.Context(), key, vault.Scan, []byte("wrapped")) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if d.calls != 10 {
			t.Errorf("%d calls reached the driver", d.calls)
		}
	}
}

func TestMalformedNamesStopHere(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"", "-", "-a", "a-", "Alice", "a_b", "a.b", "a/b", "../sys/seal", "a%2fb", "a b", "a\n", "a\x00", "a?b", "a#b",
		"bänk", "ａ", "а", strings.Repeat("a", vault.MaxKeyName+1),
	} {
		d := healthy()
		for name, err := range on(vault.New(d), t.Context(), key, vault.Dossier, []byte("wrapped")) {
			if !errors.Is(err, vault.ErrInvalid) {
				t.Errorf("%s of %q: got error %v, want %v", name, key, err, vault.ErrInvalid)
			} else if len(key) > 3 && strings.Contains(err.Error(), key) {
				t.Errorf("%s: the error repeats the name", name)
			}
		}
		if d.calls != 0 {
			t.Errorf("%q reached the driver", key)
		}
	}
}

func TestUnknownContextsStopHere(t *testing.T) {
	t.Parallel()
	for _, c := range []vault.Context{"", "Dossier", "dossier ", "pin", "secret\x00"} {
		d := healthy()
		errs := on(vault.New(d), t.Context(), "bank-alice", c, []byte("wrapped"))
		for _, name := range []string{"create", "data key", "unwrap", "unwrap all", "rewrap", "rewrap all"} {
			if !errors.Is(errs[name], vault.ErrInvalid) {
				t.Errorf("%s in %q: got error %v, want %v", name, c, errs[name], vault.ErrInvalid)
			}
		}
		if d.calls != 4 { // info, rotate, retire and destroy take no context
			t.Errorf("%d calls reached the driver", d.calls)
		}
	}
}

// TestOddAnswersAreErrors: a driver that answers nonsense gets no further.
func TestOddAnswersAreErrors(t *testing.T) {
	t.Parallel()
	ctx, w := t.Context(), []byte("wrapped")
	for name, test := range map[string]struct {
		spoil func(*stub)
		call  func(*vault.Keys) error
	}{
		"short data key": {
			func(s *stub) { s.dk.Plaintext = s.dk.Plaintext[1:] },
			func(k *vault.Keys) error { _, err := k.DataKey(ctx, "a", vault.Scan); return err },
		},
		"nothing wrapped": {
			func(s *stub) { s.dk.Wrapped = nil },
			func(k *vault.Keys) error { _, err := k.Create(ctx, "a", vault.Scan); return err },
		},
		"nothing rewrapped": {
			func(s *stub) { s.again[0] = nil },
			func(k *vault.Keys) error { _, err := k.Rewrap(ctx, "a", vault.Scan, w); return err },
		},
		"too few rewrapped": {
			func(s *stub) { s.again = nil },
			func(k *vault.Keys) error { _, err := k.Rewrap(ctx, "a", vault.Scan, w); return err },
		},
		"more retired than there is": {
			func(s *stub) { s.info.OldestVersion = 2 },
			func(k *vault.Keys) error { _, err := k.Info(ctx, "a"); return err },
		},
		"too few": {
			func(s *stub) { s.plain = nil },
			func(k *vault.Keys) error { _, err := k.Unwrap(ctx, "a", vault.Scan, w); return err },
		},
		"too many": {
			func(s *stub) { s.plain = append(s.plain, s.plain...) },
			func(k *vault.Keys) error { _, err := k.Unwrap(ctx, "a", vault.Scan, w); return err },
		},
		"short plaintext": {
			func(s *stub) { s.plain = [][]byte{make([]byte, 31)} },
			func(k *vault.Keys) error { _, err := k.Unwrap(ctx, "a", vault.Scan, w); return err },
		},
		"no version": {
			func(s *stub) { s.info = vault.Info{} },
			func(k *vault.Keys) error { _, err := k.Info(ctx, "a"); return err },
		},
		"short signature": {
			func(s *stub) { s.sig.Bytes = s.sig.Bytes[1:] },
			func(k *vault.Keys) error { _, err := k.Sign(ctx, w); return err },
		},
		"signature without a version": {
			func(s *stub) { s.sig.KeyVersion = 0 },
			func(k *vault.Keys) error { _, err := k.Sign(ctx, w); return err },
		},
		"short public key": {
			func(s *stub) { s.public[2] = nil },
			func(k *vault.Keys) error { _, err := k.PublicKeys(ctx); return err },
		},
	} {
		d := healthy()
		if err := test.call(vault.New(d)); err != nil {
			t.Errorf("%s: before: %v", name, err)
		}
		test.spoil(d)
		if err := test.call(vault.New(d)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		driver error
		want   error
	}{
		"kind":            {t.Context(), fmt.Errorf("%w: sealed", vault.ErrUnavailable), vault.ErrUnavailable},
		"other":           {t.Context(), errors.ErrUnsupported, errors.ErrUnsupported},
		"ended":           {ended, nil, context.Canceled},
		"ended, and kind": {ended, vault.ErrUnavailable, context.Canceled},
	} {
		d := healthy()
		d.err = test.driver
		for call, err := range on(vault.New(d), test.ctx, "bank-alice", vault.Dossier, []byte("wrapped")) {
			if !errors.Is(err, test.want) || !strings.HasPrefix(fmt.Sprint(err), "vault: "+call+": ") {
				t.Errorf("%s: %s: got error %v, want %v", name, call, err, test.want)
			}
		}
		if ended := test.ctx.Err() != nil; ended != (d.calls == 0) {
			t.Errorf("%s: %d calls reached the driver", name, d.calls)
		}
	}
}

func TestDataKeyDoesNotPrint(t *testing.T) {
	t.Parallel()
	dk := vault.DataKey{Plaintext: []byte("PLAINTEXT"), Wrapped: []byte("WRAPPED")}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", dk, "keys", []vault.DataKey{dk})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", dk)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+verb+verb, dk, &dk, struct{ K vault.DataKey }{dk})
	}
	for _, secret := range []string{"PLAINTEXT", "WRAPPED", "504c41494e", "504C41494E", "80 76 65"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("printed %s: %s", secret, log.String())
		}
	}
	if _, err := json.Marshal(dk); err == nil {
		t.Error("a data key was made into JSON")
	}
}
