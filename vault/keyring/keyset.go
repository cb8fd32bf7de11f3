package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyderivation"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/signature"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/wertfach/wertfach/vault"
)

// template is what a version of the key is made from.
func template(key string) (*tinkpb.KeyTemplate, error) {
	if key == vault.AttestKey {
		// No prefix: the signature is to be verified without Tink.
		return signature.ED25519KeyWithoutPrefixTemplate(), nil
	}
	return keyderivation.CreatePRFBasedKeyTemplate(prf.HKDFSHA256PRFKeyTemplate(), aead.AES256GCMKeyTemplate())
}

// versions are the versions of a key that are there, in a keyset whose last one
// is the newest. Older ones were destroyed: a version's number is its place, and
// so is counted from them.
type versions struct {
	*keyset.Handle
	destroyed int
}

// latest is the number of the newest version.
func (v versions) latest() int { return v.destroyed + v.Len() }

// oldest is the number of the oldest version that is there.
func (v versions) oldest() int { return v.destroyed + 1 }

// load reads a key. The caller has its lock.
func (k *Keyring) load(ctx context.Context, key string) (versions, error) {
	if err := ctx.Err(); err != nil {
		return versions{}, err
	}
	content, err := k.files.read(key)
	if errors.Is(err, os.ErrNotExist) {
		// A folder that was lost as a whole must not look like erased customers.
		if err := k.lock.held(); err != nil {
			return versions{}, unavailable(err)
		}
		return versions{}, vault.ErrNotFound
	}
	if err != nil {
		return versions{}, unavailable(err)
	}
	content, destroyed := behead(content)
	reader := keyset.NewBinaryReader(bytes.NewReader(content))
	handle, err := keyset.ReadWithAssociatedData(reader, k.master, bound(key, destroyed))
	if err != nil {
		return versions{}, unavailable(errors.New("the key's file is damaged, or of another master key"))
	}
	return versions{handle, destroyed}, nil
}

// save writes a key that is new, or one that is there already.
func (k *Keyring) save(key string, v versions, put func(name string, content []byte) error) error {
	var content bytes.Buffer
	content.WriteString(head(v.destroyed))
	err := v.WriteWithAssociatedData(keyset.NewBinaryWriter(&content), k.master, bound(key, v.destroyed))
	if err != nil {
		return fmt.Errorf("encrypt the key: %w", err)
	}
	if err := put(key, content.Bytes()); err != nil {
		return unavailable(err)
	}
	return nil
}

// mint makes a key with one version. The caller has its write lock.
func (k *Keyring) mint(key string) (versions, error) {
	t, err := template(key)
	if err != nil {
		return versions{}, fmt.Errorf("template: %w", err)
	}
	handle, err := keyset.NewHandle(t)
	if err != nil {
		return versions{}, fmt.Errorf("make the key: %w", err)
	}
	v := versions{Handle: handle}
	return v, k.save(key, v, k.files.write)
}

// rotated is the key with one more version, its newest.
func rotated(key string, v versions) (versions, error) {
	t, err := template(key)
	if err != nil {
		return versions{}, fmt.Errorf("template: %w", err)
	}
	manager := keyset.NewManagerFromHandle(v.Handle)
	id, err := manager.Add(t)
	if err != nil {
		return versions{}, fmt.Errorf("add a version: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return versions{}, fmt.Errorf("add a version: %w", err)
	}
	handle, err := manager.Handle()
	return versions{handle, v.destroyed}, err
}

// wrapper is what wraps data keys in a context.
func wrapper(v versions, c vault.Context) (tink.AEAD, error) {
	deriver, err := keyderivation.New(v.Handle)
	if err != nil {
		return nil, fmt.Errorf("derive: %w", err)
	}
	derived, err := deriver.DeriveKeyset([]byte("wertfach/" + c))
	if err != nil {
		return nil, fmt.Errorf("derive: %w", err)
	}
	return aead.New(derived)
}

// head is the line that a key's file begins with once versions were destroyed:
// how many. The file of a key that has them all is the bare keyset, as every file
// was before versions were destroyed. The line can't be taken for one: what Tink
// writes does not begin so.
func head(destroyed int) string {
	if destroyed == 0 {
		return ""
	}
	return headPrefix + strconv.Itoa(destroyed) + "\n"
}

const headPrefix = "wertfach/keyring/v2 destroyed="

// behead takes the line off a file's content and gives what it says. Where it is
// not as [head] writes it, the content is left as it is, and does not open.
func behead(content []byte) ([]byte, int) {
	line, rest, _ := bytes.Cut(content, []byte("\n"))
	number, ok := bytes.CutPrefix(line, []byte(headPrefix))
	destroyed, err := strconv.Atoi(string(number))
	if !ok || err != nil || destroyed < 1 || !bytes.HasPrefix(content, []byte(head(destroyed))) {
		return content, 0
	}
	return rest, destroyed
}

// bound ties a key's file to its name, so that files can't be exchanged, and to
// how many versions were destroyed, so that none is taken for another.
func bound(key string, destroyed int) []byte {
	if destroyed == 0 {
		return []byte("wertfach/keyring/v1/" + key)
	}
	return []byte("wertfach/keyring/v2/" + strconv.Itoa(destroyed) + "/" + key)
}

// unavailable is a failure of the disk. Its text names the folder at most.
func unavailable(err error) error {
	if p := new(os.PathError); errors.As(err, &p) {
		err = p.Err // the path holds the key's name
	}
	if l := new(os.LinkError); errors.As(err, &l) {
		err = l.Err
	}
	return fmt.Errorf("%w: %w", vault.ErrUnavailable, err)
}
