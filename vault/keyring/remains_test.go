package keyring_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

// second gives a key's file a second name, under which its bytes can be looked
// at after the keyring has let go of them.
func second(t *testing.T, dir, key string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Link(filepath.Join(dir, "keys", key), link); err != nil {
		t.Fatal(err)
	}
	return link
}

func overwritten(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) == 0 || len(bytes.Trim(content, "\x00")) != 0 {
		t.Errorf("of %d bytes some are left", len(content))
	}
}

func TestDestroyOverwrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	defer closed(t, keys)
	create(t, keys, alice)
	link := second(t, dir, alice)
	if err := keys.Destroy(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	overwritten(t, link)
	tidy(t, dir)
}

// TestRotateOverwrites: the file before a rotation holds the older versions,
// which a later destruction could not reach any more.
func TestRotateOverwrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	defer closed(t, keys)
	dk := create(t, keys, alice)
	link := second(t, dir, alice)
	if err := keys.Rotate(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	overwritten(t, link)
	opens(t, keys, alice, dk)
	tidy(t, dir)
}

// tidy checks that no file on its way in or out is left.
func tidy(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestCrash puts the folder into each state that a crash can leave, and opens
// it again.
func TestCrash(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		crash     func(keys string) error // in the folder of keys, with alice's key in it
		destroyed bool
	}{
		"creating, nothing written": {crash: func(d string) error {
			return os.WriteFile(filepath.Join(d, ".new-"+bob), nil, 0o600)
		}},
		"creating, all written": {crash: func(d string) error {
			return os.WriteFile(filepath.Join(d, ".new-"+bob), []byte("keyset"), 0o600)
		}},
		"rotating, old one named twice": {crash: func(d string) error {
			return os.Link(filepath.Join(d, alice), filepath.Join(d, ".old-"+alice))
		}},
		"rotating, new one written": {crash: func(d string) error {
			return errors.Join(
				os.Link(filepath.Join(d, alice), filepath.Join(d, ".old-"+alice)),
				os.WriteFile(filepath.Join(d, ".new-"+alice), []byte("keyset"), 0o600))
		}},
		"rotating, new one in its place": {crash: func(d string) error {
			content, err := os.ReadFile(filepath.Join(d, alice))
			return errors.Join(err,
				os.Rename(filepath.Join(d, alice), filepath.Join(d, ".old-"+alice)),
				os.WriteFile(filepath.Join(d, alice), content, 0o600))
		}},
		"rotating, old one half overwritten": {crash: func(d string) error {
			return os.WriteFile(filepath.Join(d, ".old-"+alice), make([]byte, 100), 0o600)
		}},
		"destroying, out of its place": {destroyed: true, crash: func(d string) error {
			return os.Rename(filepath.Join(d, alice), filepath.Join(d, ".end-"+alice))
		}},
		"destroying, overwritten": {destroyed: true, crash: func(d string) error {
			return errors.Join(
				os.Rename(filepath.Join(d, alice), filepath.Join(d, ".end-"+alice)),
				os.WriteFile(filepath.Join(d, ".end-"+alice), make([]byte, 100), 0o600))
		}},
		"destroying after half a rotation": {destroyed: true, crash: func(d string) error {
			return errors.Join(
				os.Link(filepath.Join(d, alice), filepath.Join(d, ".old-"+alice)),
				os.Rename(filepath.Join(d, alice), filepath.Join(d, ".end-"+alice)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			keys := open(t, dir)
			dk := create(t, keys, alice)
			link := second(t, dir, alice)
			closed(t, keys)
			if err := test.crash(filepath.Join(dir, "keys")); err != nil {
				t.Fatal(err)
			}

			keys = open(t, dir)
			defer closed(t, keys)
			tidy(t, dir)
			if test.destroyed {
				overwritten(t, link)
				if _, err := keys.Info(t.Context(), alice); !errors.Is(err, vault.ErrNotFound) {
					t.Errorf("got error %v, want %v", err, vault.ErrNotFound)
				}
				return
			}
			opens(t, keys, alice, dk)
			if err := keys.Rotate(t.Context(), alice); err != nil {
				t.Error(err)
			}
			if _, err := keys.Info(t.Context(), bob); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("half a key: %v", err)
			}
		})
	}
}

func BenchmarkUnwrap(b *testing.B) {
	keys := open(b, b.TempDir())
	defer closed(b, keys)
	dk := create(b, keys, alice)
	for b.Loop() {
		opens(b, keys, alice, dk)
	}
}

func BenchmarkCreate(b *testing.B) {
	keys := open(b, b.TempDir())
	defer closed(b, keys)
	for i := 0; b.Loop(); i++ {
		create(b, keys, alice+strings.Repeat("0", i%100)+string(rune('a'+i%26)))
	}
}
