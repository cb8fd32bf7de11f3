package transit_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

const retiring = "bank-alice"

// aged is a key of that many versions, with a data key under each.
func aged(t *testing.T, keys *vault.Keys, key string, versions int) (made []vault.DataKey) {
	t.Helper()
	for version := range versions {
		if version > 0 {
			if err := keys.Rotate(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		dk, err := keys.Create(t.Context(), key, vault.Dossier)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(dk.Wrapped), fmt.Sprintf("vault:v%d:", version+1)) {
			t.Fatalf("a data key is not under version %d", version+1)
		}
		made = append(made, dk)
	}
	return made
}

// bounds are what Vault says of the oldest versions of the key: that decrypts,
// that encrypts, that is there.
func bounds(t *testing.T, v *testenv.Vault, mount string) [3]string {
	t.Helper()
	s, err := v.Client().Logical().ReadWithContext(t.Context(), mount+"/keys/"+retiring)
	if err != nil || s == nil {
		t.Fatalf("reading the key: %v", err)
	}
	var is [3]string
	for i, field := range []string{"min_decryption_version", "min_encryption_version", "min_available_version"} {
		is[i] = fmt.Sprint(s.Data[field])
	}
	return is
}

// ended checks that data keys below the version do not open, and all others do.
func ended(t *testing.T, keys *vault.Keys, made []vault.DataKey, oldest int) {
	t.Helper()
	for i, dk := range made {
		plain, err := keys.Unwrap(t.Context(), retiring, vault.Dossier, dk.Wrapped)
		if i+1 < oldest && !errors.Is(err, vault.ErrInvalid) || i+1 >= oldest && (err != nil || !bytes.Equal(plain, dk.Plaintext)) {
			t.Errorf("under version %d: %v", i+1, err)
		}
	}
}

// configure writes to the key's configuration, or trims it, with root's rights.
func configure(t *testing.T, v *testenv.Vault, path string, in map[string]any) error {
	t.Helper()
	_, err := v.Client().Logical().WriteWithContext(t.Context(), path, in)
	return err
}

// TestRetiredVersionsAreDestroyed: nobody brings them back, not even who may do
// anything in Vault, and the key goes on.
func TestRetiredVersionsAreDestroyed(t *testing.T) {
	t.Parallel()
	v := testenv.SharedVault(t)
	keys, mount := prepared(t, v)
	made := aged(t, keys, retiring, 4)
	if err := keys.Retire(t.Context(), retiring, 3); err != nil {
		t.Fatal(err)
	}
	path := mount + "/keys/" + retiring
	for _, back := range []struct {
		path string
		in   map[string]any
	}{
		{path + "/config", map[string]any{"min_decryption_version": 2}},
		{path + "/config", map[string]any{"min_decryption_version": 1}},
		{path + "/config", map[string]any{"min_decryption_version": 0}},
		{path + "/config", map[string]any{"min_decryption_version": 1, "min_encryption_version": 1}},
		{path + "/config", map[string]any{"min_encryption_version": 0}},
		{path + "/trim", map[string]any{"min_available_version": 1}},
	} {
		if err := configure(t, v, back.path, back.in); err == nil || !strings.Contains(err.Error(), "Code: 400") {
			t.Errorf("%v: %v", back.in, err)
		}
		ended(t, keys, made, 3)
	}
	if got := bounds(t, v, mount); got != [3]string{"3", "3", "3"} {
		t.Errorf("the versions that decrypt, encrypt and are there begin with %v", got)
	}
	// Rotating goes on, and what is made or rewrapped is under the newest version.
	if err := keys.Rotate(t.Context(), retiring); err != nil {
		t.Fatal(err)
	}
	dk, err := keys.DataKey(t.Context(), retiring, vault.Dossier)
	if err != nil || !strings.HasPrefix(string(dk.Wrapped), "vault:v5:") {
		t.Errorf("a data key after it: %v", err)
	}
	moved, err := keys.Rewrap(t.Context(), retiring, vault.Dossier, made[3].Wrapped)
	if err != nil || !strings.HasPrefix(string(moved), "vault:v5:") {
		t.Errorf("rewrapping after it: %v", err)
	}
}

// TestRetireGoesOn takes keys in every state that may be found: versions that an
// earlier release only ended, and what a crash between the two calls leaves.
func TestRetireGoesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		found map[string]any
		trim  int
		ask   int
		want  [3]string
	}{
		"only ended":               {found: map[string]any{"min_decryption_version": 3}, ask: 3, want: [3]string{"3", "3", "3"}},
		"not trimmed":              {found: map[string]any{"min_decryption_version": 3, "min_encryption_version": 3}, ask: 3, want: [3]string{"3", "3", "3"}},
		"trimmed":                  {found: map[string]any{"min_decryption_version": 3, "min_encryption_version": 3}, trim: 3, ask: 3, want: [3]string{"3", "3", "3"}},
		"trimmed less":             {found: map[string]any{"min_decryption_version": 2, "min_encryption_version": 2}, trim: 2, ask: 3, want: [3]string{"3", "3", "3"}},
		"trimmed more":             {found: map[string]any{"min_decryption_version": 3, "min_encryption_version": 3}, trim: 3, ask: 2, want: [3]string{"3", "3", "3"}},
		"encrypts later ones only": {found: map[string]any{"min_encryption_version": 4}, ask: 2, want: [3]string{"2", "4", "2"}},
		"ended more":               {found: map[string]any{"min_decryption_version": 4}, ask: 2, want: [3]string{"4", "4", "2"}},
		"ended more, both":         {found: map[string]any{"min_decryption_version": 3, "min_encryption_version": 4}, ask: 2, want: [3]string{"3", "4", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := testenv.SharedVault(t)
			keys, mount := prepared(t, v)
			aged(t, keys, retiring, 4)
			path := mount + "/keys/" + retiring
			err := configure(t, v, path+"/config", test.found)
			if err == nil && test.trim > 0 {
				err = configure(t, v, path+"/trim", map[string]any{"min_available_version": test.trim})
			}
			if err != nil {
				t.Fatal(err)
			}
			// What is only ended is still there, so that whoever retires comes by.
			if info, err := keys.Info(t.Context(), retiring); err != nil || info != (vault.Info{LatestVersion: 4, OldestVersion: max(test.trim, 1)}) {
				t.Errorf("found %+v, %v", info, err)
			}
			if err := keys.Retire(t.Context(), retiring, test.ask); err != nil {
				t.Fatal(err)
			}
			if got := bounds(t, v, mount); got != test.want {
				t.Errorf("the versions that decrypt, encrypt and are there begin with %v, want %v", got, test.want)
			}
			if info, err := keys.Info(t.Context(), retiring); err != nil || fmt.Sprint(info.OldestVersion) != test.want[2] {
				t.Errorf("afterwards %+v, %v", info, err)
			}
		})
	}
}

// between stands between the driver and a real Vault, and may do something before
// a call, keep it from Vault, or lose its answer.
type between struct {
	mu     sync.Mutex
	calls  []string
	at     string // the end of the path at which it acts
	before func()
	refuse bool
	lose   bool
}

// front gives keys that reach the Vault by way of it.
func (b *between) front(t *testing.T, v *testenv.Vault, mount string) *vault.Keys {
	t.Helper()
	target, err := url.Parse(v.Addr())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, call, _ := strings.Cut(r.URL.Path, retiring)
		b.calls = append(b.calls, r.Method+call)
		if b.at == "" || !strings.HasSuffix(r.URL.Path, b.at) {
			proxy.ServeHTTP(w, r)
			return
		}
		if b.before != nil {
			b.before()
		}
		if b.lose {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		if b.lose || b.refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	d, err := transit.New(t.Context(), transit.Config{Address: srv.URL, Mount: mount, Login: transit.Login{Token: v.RootToken()}})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(d)
	t.Cleanup(func() { _ = keys.Close() })
	return keys
}

// TestRetireBrokenOff has Vault go away at each of the calls: what was not done is
// done when it is asked for again, with no more calls than that takes.
func TestRetireBrokenOff(t *testing.T) {
	t.Parallel()
	const read, config, trim = "GET", "POST/config", "POST/trim"
	for name, test := range map[string]struct {
		between *between
		left    [3]string
		again   string
	}{
		"reading":                 {&between{at: "/" + retiring, refuse: true}, [3]string{"1", "0", "0"}, read + " " + config + " " + trim},
		"before ending":           {&between{at: "/config", refuse: true}, [3]string{"1", "0", "0"}, read + " " + config + " " + trim},
		"after ending":            {&between{at: "/config", lose: true}, [3]string{"2", "2", "0"}, read + " " + trim},
		"between the two":         {&between{at: "/trim", refuse: true}, [3]string{"2", "2", "0"}, read + " " + trim},
		"after the versions went": {&between{at: "/trim", lose: true}, [3]string{"2", "2", "2"}, read},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := testenv.SharedVault(t)
			direct, mount := prepared(t, v)
			made := aged(t, direct, retiring, 2)
			b := test.between
			keys := b.front(t, v, mount)
			err := keys.Retire(t.Context(), retiring, 2)
			if !errors.Is(err, vault.ErrUnavailable) || strings.Contains(err.Error(), retiring) {
				t.Errorf("got error %v, want %v", err, vault.ErrUnavailable)
			}
			if got := bounds(t, v, mount); got != test.left {
				t.Errorf("left %v, want %v", got, test.left)
			}
			b.mu.Lock()
			b.at, b.calls = "", nil
			b.mu.Unlock()
			for _, want := range []string{test.again, read} {
				if err := keys.Retire(t.Context(), retiring, 2); err != nil {
					t.Fatal(err)
				}
				b.mu.Lock()
				if got := strings.Join(b.calls, " "); got != want {
					t.Errorf("asked again: %s, want %s", got, want)
				}
				b.calls = nil
				b.mu.Unlock()
			}
			if got := bounds(t, v, mount); got != [3]string{"2", "2", "2"} {
				t.Errorf("in the end %v", got)
			}
			ended(t, direct, made, 2)
		})
	}
}

// TestRetireAmongOthers has others do something to the key between the calls.
func TestRetireAmongOthers(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"/config", "/trim"} {
		for name, test := range map[string]struct {
			other func(*testing.T, *vault.Keys) error
			want  error
		}{
			"destroyed":    {func(t *testing.T, k *vault.Keys) error { return k.Destroy(t.Context(), retiring) }, vault.ErrNotFound},
			"retired":      {func(t *testing.T, k *vault.Keys) error { return k.Retire(t.Context(), retiring, 2) }, nil},
			"retired more": {func(t *testing.T, k *vault.Keys) error { return k.Retire(t.Context(), retiring, 3) }, nil},
			"rotated":      {func(t *testing.T, k *vault.Keys) error { return k.Rotate(t.Context(), retiring) }, nil},
		} {
			t.Run(name+" before "+at[1:], func(t *testing.T) {
				t.Parallel()
				v := testenv.SharedVault(t)
				direct, mount := prepared(t, v)
				made := aged(t, direct, retiring, 3)
				b := &between{at: at}
				b.before = func() {
					if err := test.other(t, direct); err != nil {
						t.Error(err)
					}
				}
				err := b.front(t, v, mount).Retire(t.Context(), retiring, 2)
				if !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
				if test.want == nil {
					ended(t, direct, made, map[bool]int{true: 3, false: 2}[name == "retired more"])
				}
			})
		}
	}
}

// TestSnapshotHoldsRetiredVersions says what destroying can't reach: a snapshot of
// Vault from before brings the versions back, with all that is under them. Retired
// again, they are gone again.
func TestSnapshotHoldsRetiredVersions(t *testing.T) {
	t.Parallel()
	v := testenv.NewVault(t)
	keys, mount := prepared(t, v)
	made := aged(t, keys, retiring, 2)
	var snapshot bytes.Buffer
	if err := v.Client().Sys().RaftSnapshotWithContext(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	if err := keys.Retire(t.Context(), retiring, 2); err != nil {
		t.Fatal(err)
	}
	ended(t, keys, made, 2)
	if err := v.Client().Sys().RaftSnapshotRestoreWithContext(t.Context(), bytes.NewReader(snapshot.Bytes()), true); err != nil {
		t.Fatal(err)
	}
	if err := v.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended(t, keys, made, 1)
	if info, err := keys.Info(t.Context(), retiring); err != nil || info != (vault.Info{LatestVersion: 2, OldestVersion: 1}) {
		t.Errorf("restored: %+v, %v", info, err)
	}
	if err := keys.Retire(t.Context(), retiring, 2); err != nil {
		t.Fatal(err)
	}
	ended(t, keys, made, 2)
	if got := bounds(t, v, mount); got != [3]string{"2", "2", "2"} {
		t.Errorf("retired again: %v", got)
	}
}
