// Package keyring keeps keys in files, for `wertfach dev` and for small use on
// a single machine. It needs no server and starts at once.
//
// THE KEYS LIE BESIDE THE DATA. Whoever copies the disk has both, a backup of
// the folder brings destroyed keys back, and nobody but the process itself
// decides who may open what. Where customers' data is real, use Vault
// (vault/transit). [Warning] is this in a sentence, for the process to print.
//
// A key is a Tink keyset for key derivation (HKDF-SHA-256 to AES-256-GCM): from
// it a keyset per context is derived, as transit does, and that wraps data keys.
// The attesting key is a keyset of Ed25519 keys. Each lies in a file of its own,
// encrypted under the master key and bound to its name:
//
//	master.key      the master key, mode 0600, a Tink keyset in JSON
//	lock            held while a process has the folder open
//	keys/<name>     one key with all its versions
//
// Once a key's oldest versions were destroyed, its file begins with a line that
// says how many. Releases from before that do not open such a file.
//
// A file each, and not a database: destroying a key must remove its bytes. A
// database of pages keeps what was deleted in free pages, in copies of pages it
// moved and in its log, for nobody knows how long. A file is overwritten in
// place, then removed. That is as far as a program can go: a disk that remaps
// blocks, or a file system that never writes in place, may still have a copy.
package keyring

import (
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/wertfach/wertfach/vault"
)

// Warning is what a process that keeps keys in files should say at start.
const Warning = "keys lie beside the data: whoever copies the disk can read everything; " +
	"this is for development and small single-machine use, use Vault for real customers"

// Config says where the keys lie.
type Config struct {
	// Dir is the folder of the keyring, made with mode 0700 where it is missing.
	Dir string
	// MasterKeyFile is the file with the master key; Dir/master.key if empty.
	// Another disk is a better place. It is made with the first key, and must
	// be a file of mode 0600.
	MasterKeyFile string
}

// Keyring keeps keys in files.
type Keyring struct {
	files  *folder
	master tink.AEAD
	lock   *lock

	// A key is read under its lock and changed under its write lock, so that
	// nobody reads a file that is being overwritten. Few locks serve all keys.
	seed  maphash.Seed
	locks [64]sync.RWMutex
}

var _ vault.Driver = (*Keyring)(nil)

// Open opens the keyring, for this process alone, and makes it where it is
// missing. It finishes what a crash left half done.
func Open(c Config) (*Keyring, error) {
	if c.MasterKeyFile == "" {
		c.MasterKeyFile = filepath.Join(c.Dir, "master.key")
	}
	if err := os.MkdirAll(filepath.Join(c.Dir, "keys"), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	k := &Keyring{seed: maphash.MakeSeed()}
	if err := k.open(c); err != nil {
		return nil, errors.Join(fmt.Errorf("keyring: %w", err), k.Close())
	}
	return k, nil
}

func (k *Keyring) open(c Config) (err error) {
	if k.lock, err = acquire(filepath.Join(c.Dir, "lock")); err != nil {
		return err
	}
	if k.files, err = openFolder(filepath.Join(c.Dir, "keys")); err != nil {
		return err
	}
	// A folder that was just made is durable once those around it are.
	for _, around := range []string{c.Dir, filepath.Dir(c.Dir)} {
		if err := syncFolder(around); err != nil {
			return err
		}
	}
	if err = k.files.recover(); err != nil {
		return err
	}
	empty, err := k.files.empty()
	if err != nil {
		return err
	}
	// Without its master key a keyring is lost. A new one beside old keys would
	// only hide that.
	k.master, err = openMaster(c.MasterKeyFile, empty)
	return err
}

// Close lets other processes open the keyring.
func (k *Keyring) Close() error {
	var err error
	if k.files != nil {
		err = k.files.close()
	}
	if k.lock != nil {
		err = errors.Join(err, k.lock.release())
	}
	return err
}

// guard is the lock of a key.
func (k *Keyring) guard(key string) *sync.RWMutex {
	return &k.locks[maphash.String(k.seed, key)%uint64(len(k.locks))]
}
