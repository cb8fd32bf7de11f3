package keyring_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
	"github.com/wertfach/wertfach/vault/vaulttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vault.Driver {
		k, err := keyring.Open(keyring.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}

const alice, bob = "bank-alice", "bank-bob"

// open opens a keyring and prepares it.
func open(t testing.TB, dir string) *vault.Keys {
	t.Helper()
	k, err := keyring.Open(keyring.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(k)
	if err := keys.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return keys
}

func create(t testing.TB, keys *vault.Keys, key string) vault.DataKey {
	t.Helper()
	dk, err := keys.Create(t.Context(), key, vault.Dossier)
	if err != nil {
		t.Fatal(err)
	}
	return dk
}

func opens(t testing.TB, keys *vault.Keys, key string, dk vault.DataKey) {
	t.Helper()
	plain, err := keys.Unwrap(t.Context(), key, vault.Dossier, dk.Wrapped)
	if err != nil || !bytes.Equal(plain, dk.Plaintext) {
		t.Fatalf("unwrap: %v", err)
	}
}

func closed(t testing.TB, keys *vault.Keys) {
	t.Helper()
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	a, b := create(t, keys, alice), create(t, keys, bob)
	if err := keys.Rotate(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if err := keys.Destroy(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	closed(t, keys)

	keys = open(t, dir)
	defer closed(t, keys)
	opens(t, keys, alice, a)
	if info, err := keys.Info(t.Context(), alice); err != nil || info.LatestVersion != 2 {
		t.Errorf("version %d, error %v", info.LatestVersion, err)
	}
	if _, err := keys.Unwrap(t.Context(), bob, vault.Dossier, b.Wrapped); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a destroyed key: %v", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	if _, err := keyring.Open(keyring.Config{Dir: dir}); !errors.Is(err, keyring.ErrInUse) {
		t.Errorf("got error %v, want %v", err, keyring.ErrInUse)
	}
	closed(t, keys)
	closed(t, open(t, dir))
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	// attempt opens a keyring that has a key, after something was done to its
	// master key.
	attempt := func(t *testing.T, change func(t *testing.T, path string)) error {
		t.Helper()
		dir := t.TempDir()
		closed(t, open(t, dir))
		change(t, filepath.Join(dir, "master.key"))
		k, err := keyring.Open(keyring.Config{Dir: dir})
		if err == nil {
			return k.Close()
		}
		return err
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o604, 0o644, 0o660, 0o700, 0o777, 0o000} {
		err := attempt(t, func(t *testing.T, path string) {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		})
		if (err == nil) != (mode == 0o600) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, change := range map[string]func(*testing.T, string){
		"empty":   write(""),
		"garbage": write("garbage-that-is-secret"),
		"no keys": write(`{"primaryKeyId":1,"key":[]}`),
		"missing": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o600)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		err := attempt(t, change)
		if err == nil {
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes the file", name)
		}
	}
}

// TestMasterKeyElsewhere: with the master key on another disk, the folder alone
// is of no use.
func TestMasterKeyElsewhere(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "master")
	k, err := keyring.Open(keyring.Config{Dir: dir, MasterKeyFile: other})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(k)
	dk := create(t, keys, alice)
	closed(t, keys)
	if _, err := os.Stat(filepath.Join(dir, "master.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a master key beside the keys: %v", err)
	}
	k, err = keyring.Open(keyring.Config{Dir: dir, MasterKeyFile: filepath.Join(t.TempDir(), "none")})
	if err == nil {
		t.Error("made a new master key for old keys")
		_ = k.Close()
	}
	if k, err = keyring.Open(keyring.Config{Dir: dir, MasterKeyFile: other}); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	opens(t, vault.New(k), alice, dk)
}

// TestFilesShowNothing searches every file for the data keys, and checks the
// modes.
func TestFilesShowNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	dk := create(t, keys, alice)
	closed(t, keys)
	seen := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && path != dir {
			t.Errorf("%s has mode %04o", e.Name(), info.Mode().Perm())
		}
		if e.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, dk.Plaintext) {
			t.Errorf("%s holds a data key", e.Name())
		}
		seen++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != 5 { // master key, lock, two of the system, one of a customer
		t.Errorf("%d files", seen)
	}
}

// TestFilesAreBoundToTheirNames exchanges and damages keys' files. That is no
// missing key: the customer was not erased.
func TestFilesAreBoundToTheirNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	defer func() { closed(t, keys) }()
	dk := create(t, keys, alice)
	create(t, keys, bob)
	file := func(key string) string { return filepath.Join(dir, "keys", key) }
	good, err := os.ReadFile(file(alice))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(file(bob))
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, content := range map[string][]byte{
		"of another key": other, "flipped": flipped, "cut": good[:len(good)/2], "empty": {}, "zeros": make([]byte, len(good)),
	} {
		if err := os.WriteFile(file(alice), content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keys.Unwrap(t.Context(), alice, vault.Dossier, dk.Wrapped)
		if !errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrNotFound) || strings.Contains(err.Error(), alice) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := keys.Create(t.Context(), alice, vault.Dossier); !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s: create: %v", name, err)
		}
	}
	if err := os.WriteFile(file(alice), good, 0o600); err != nil {
		t.Fatal(err)
	}
	opens(t, keys, alice, dk)
	// A damaged key can still be destroyed.
	if err := os.WriteFile(file(alice), flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keys.Destroy(t.Context(), alice); err != nil {
		t.Error(err)
	}
}

// TestLostFolderIsNoMissingKey: were it one, every customer would look erased.
func TestLostFolderIsNoMissingKey(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(dir string) error{
		"moved":    func(dir string) error { return os.Rename(dir, dir+"-moved") },
		"removed":  os.RemoveAll,
		"replaced": func(dir string) error { return errors.Join(os.RemoveAll(dir), replacement(dir)) },
	} {
		dir := filepath.Join(t.TempDir(), "ring")
		keys := open(t, dir)
		if err := lose(dir); err != nil {
			t.Fatal(err)
		}
		for call, err := range map[string]error{
			"info":    func() error { _, err := keys.Info(t.Context(), bob); return err }(),
			"destroy": keys.Destroy(t.Context(), bob),
			"ping":    keys.Ping(t.Context()),
		} {
			if !errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s: %s: %v", name, call, err)
			}
		}
		closed(t, keys)
	}
}

// replacement makes another keyring in the same place.
func replacement(dir string) error {
	k, err := keyring.Open(keyring.Config{Dir: dir})
	if err != nil {
		return err
	}
	return k.Close()
}
