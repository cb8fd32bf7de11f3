package keyring_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
)

// master is the master key of a keyring, for who has the disk.
func master(t *testing.T, dir string) tink.AEAD {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(content)))
	if err != nil {
		t.Fatal("the master key is not a keyset")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return primitive
}

// material reads the file of alice's key with the master key: how many versions
// it says were destroyed, and what it holds of each version in it.
func material(t *testing.T, dir string) (destroyed int, of [][]byte) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "keys", alice))
	if err != nil {
		t.Fatal(err)
	}
	bound := "wertfach/keyring/v1/" + alice
	if line, rest, ok := bytes.Cut(content, []byte("\n")); ok && bytes.HasPrefix(line, []byte("wertfach/keyring/v2 destroyed=")) {
		_, number, _ := strings.Cut(string(line), "=")
		if destroyed, err = strconv.Atoi(number); err != nil {
			t.Fatal(err)
		}
		content, bound = rest, fmt.Sprintf("wertfach/keyring/v2/%d/%s", destroyed, alice)
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(content)), master(t, dir), []byte(bound))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range insecurecleartextkeyset.KeysetMaterial(handle).GetKey() {
		of = append(of, key.GetKeyData().GetValue())
	}
	return destroyed, of
}

// TestRetireTakesOut: who opens the file with the master key finds nothing of the
// versions that were retired, and neither does who looks where the old file lay.
func TestRetireTakesOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	defer func() { closed(t, keys) }()
	made := []vault.DataKey{create(t, keys, alice)}
	for range 4 {
		if err := keys.Rotate(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		made = append(made, create(t, keys, alice))
	}
	_, all := material(t, dir)
	if len(all) != len(made) {
		t.Fatalf("the file holds %d versions of %d", len(all), len(made))
	}
	for _, oldest := range []int{3, 4} {
		link := second(t, dir, alice)
		if err := keys.Retire(t.Context(), alice, oldest); err != nil {
			t.Fatal(err)
		}
		overwritten(t, link)
		tidy(t, dir)
		destroyed, left := material(t, dir)
		if destroyed != oldest-1 || len(left) != len(made)-destroyed {
			t.Errorf("below %d: %d destroyed, %d left", oldest, destroyed, len(left))
		}
		for i := range all {
			if there := bytes.Contains(bytes.Join(left, nil), all[i]); there != (i+1 >= oldest) {
				t.Errorf("below %d: version %d is in the file: %t", oldest, i+1, there)
			}
		}
	}
	// The numbers outlive the process.
	closed(t, keys)
	keys = open(t, dir)
	if info, err := keys.Info(t.Context(), alice); err != nil || info != (vault.Info{LatestVersion: 5, OldestVersion: 4}) {
		t.Errorf("%+v, %v", info, err)
	}
	for i, dk := range made {
		if i+1 >= 4 {
			opens(t, keys, alice, dk)
		} else if _, err := keys.Unwrap(t.Context(), alice, vault.Dossier, dk.Wrapped); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("version %d: %v", i+1, err)
		}
	}
}

// TestDestroyedCountIsAuthenticated changes what a key's file says of how many
// versions were destroyed, which would give the others other numbers.
func TestDestroyedCountIsAuthenticated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	defer closed(t, keys)
	create(t, keys, alice)
	whole := filepath.Join(dir, "keys", alice)
	before, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(keys.Rotate(t.Context(), alice), keys.Retire(t.Context(), alice, 2)); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	line, rest, _ := bytes.Cut(good, []byte("\n"))
	if string(line) != "wertfach/keyring/v2 destroyed=1" {
		t.Fatalf("the file begins with %d other bytes", len(line))
	}
	for _, head := range []string{
		"", "\n", "destroyed=1\n", "wertfach/keyring/v2 destroyed=2\n", "wertfach/keyring/v2 destroyed=0\n", "wertfach/keyring/v2 destroyed=01\n",
		"wertfach/keyring/v2 destroyed=+1\n", "wertfach/keyring/v2 destroyed=-1\n", "wertfach/keyring/v2 destroyed=\n", "wertfach/keyring/v2 destroyed=1\r\n",
		"wertfach/keyring/v2 destroyed=99999999999999999999\n", "wertfach/keyring/v2 destroyed=1 \n", "wertfach/keyring/v3 destroyed=1\n",
		"wertfach/keyring/v2 destroyed=1", "wertfach/keyring/v2 destroyed=1\nwertfach/keyring/v2 destroyed=1\n",
	} {
		if err := os.WriteFile(whole, append([]byte(head), rest...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Info(t.Context(), alice); !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%q: %v", head, err)
		}
	}
	if err := os.WriteFile(whole, append([]byte("wertfach/keyring/v2 destroyed=1\n"), before...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Info(t.Context(), alice); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("the line before a file that had none: %v", err)
	}
	if err := os.WriteFile(whole, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := keys.Info(t.Context(), alice); err != nil || info.LatestVersion != 2 {
		t.Errorf("as it was: %v", err)
	}
}

// TestDisabledVersions: a file in which versions were only disabled, as earlier
// releases left it, opens as before, and the next retirement takes them out.
func TestDisabledVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := open(t, dir)
	made := []vault.DataKey{create(t, keys, alice)}
	for range 2 {
		if err := keys.Rotate(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		made = append(made, create(t, keys, alice))
	}
	closed(t, keys)
	disable(t, dir, 2)

	keys = open(t, dir)
	defer closed(t, keys)
	opens(t, keys, alice, made[2])
	if info, err := keys.Info(t.Context(), alice); err != nil || info != (vault.Info{LatestVersion: 3, OldestVersion: 1}) {
		t.Errorf("%+v, %v", info, err)
	}
	for _, dk := range made[:2] {
		if _, err := keys.Unwrap(t.Context(), alice, vault.Dossier, dk.Wrapped); !errors.Is(err, vault.ErrInvalid) {
			t.Errorf("under a disabled version: %v", err)
		}
	}
	if err := keys.Retire(t.Context(), alice, 3); err != nil {
		t.Fatal(err)
	}
	if destroyed, left := material(t, dir); destroyed != 2 || len(left) != 1 {
		t.Errorf("%d destroyed, %d left", destroyed, len(left))
	}
	opens(t, keys, alice, made[2])
	if info, err := keys.Info(t.Context(), alice); err != nil || info != (vault.Info{LatestVersion: 3, OldestVersion: 3}) {
		t.Errorf("%+v, %v", info, err)
	}
}

// disable disables the oldest versions in the file of alice's key.
func disable(t *testing.T, dir string, n int) {
	t.Helper()
	path, bound := filepath.Join(dir, "keys", alice), []byte("wertfach/keyring/v1/"+alice)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(content)), master(t, dir), bound)
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	for _, key := range handle.KeysetInfo().GetKeyInfo()[:n] {
		if err := manager.Disable(key.GetKeyId()); err != nil {
			t.Fatal(err)
		}
	}
	if handle, err = manager.Handle(); err != nil {
		t.Fatal(err)
	}
	if status := handle.KeysetInfo().GetKeyInfo()[0].GetStatus(); status != tinkpb.KeyStatusType_DISABLED {
		t.Fatalf("the first version is %v", status)
	}
	var out bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), master(t, dir), bound); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAttestingVersionsKeepTheirNumbers: a signature says which version made it, and
// that must be found under this number for good. Nobody retires versions of this key;
// the numbers would stand it.
func TestAttestingVersionsKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	k, err := keyring.Open(keyring.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(k)
	defer closed(t, keys)
	if err := errors.Join(keys.Prepare(t.Context()), keys.Rotate(t.Context(), vault.AttestKey), keys.Rotate(t.Context(), vault.AttestKey)); err != nil {
		t.Fatal(err)
	}
	before, err := keys.PublicKeys(t.Context())
	if err != nil || len(before) != 3 {
		t.Fatalf("%d public keys, %v", len(before), err)
	}
	if err := keys.Retire(t.Context(), vault.AttestKey, 3); !errors.Is(err, vault.ErrInvalid) {
		t.Errorf("retiring: %v", err)
	}
	if err := k.Retire(t.Context(), vault.AttestKey, 3); err != nil {
		t.Fatal(err)
	}
	after, err := keys.PublicKeys(t.Context())
	if err != nil || len(after) != 1 || !after[3].Equal(before[3]) {
		t.Errorf("%d public keys, %v", len(after), err)
	}
	if sig, err := keys.Sign(t.Context(), []byte("receipt")); err != nil || sig.KeyVersion != 3 || !ed25519.Verify(before[3], []byte("receipt"), sig.Bytes) {
		t.Errorf("signed with version %d, %v", sig.KeyVersion, err)
	}
}
