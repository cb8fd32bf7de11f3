package vault

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
)

// Driver is a keeper of keys, the little that [Keys] stands on. Names and
// contexts that reach it are well-formed. vault/vaulttest tests what is
// promised here.
//
// Every method is safe for concurrent use, ends soon after its context does,
// and reports failures by errors that wrap this package's kinds and hold no key
// material, wrapped or not. What a method changed is durable when it returns:
// a created key survives a crash of the keeper, a destroyed one stays destroyed.
type Driver interface {
	// Create makes the key where it is missing and returns a data key under it.
	Create(ctx context.Context, key string, c Context) (DataKey, error)

	// DataKey returns a fresh data key under a key that exists: ErrNotFound,
	// and no new key, where it does not.
	DataKey(ctx context.Context, key string, c Context) (DataKey, error)

	// Unwrap opens one or more data keys, in order, all or none: ErrNotFound
	// where the key does not exist, ErrInvalid where one does not open. Each is
	// asked for in a way in which the keeper's access rules can tell contexts
	// apart.
	Unwrap(ctx context.Context, key string, c Context, wrapped [][]byte) ([][]byte, error)

	// Rewrap brings one or more data keys under the newest version, in order,
	// all or none; errors as Unwrap. One that is there already comes back as it
	// is. No data key leaves the keeper.
	Rewrap(ctx context.Context, key string, c Context, wrapped [][]byte) ([][]byte, error)

	// Rotate adds a version; older ones stay usable. ErrNotFound where the key
	// does not exist.
	Rotate(ctx context.Context, key string) error

	// Retire destroys all versions below oldest, for good: what is wrapped under
	// them is ErrInvalid from then on, and nobody can bring them back, whatever
	// rights the keeper gives. It is no error where those are retired already;
	// ErrInvalid where there is no version oldest, ErrNotFound where the key does
	// not exist.
	//
	// A version that opens nothing any more but is still there is not retired: a
	// keeper that needs several steps, and broke off between them, does the rest
	// when it is asked again.
	Retire(ctx context.Context, key string, oldest int) error

	// Destroy destroys the key for good, and is no error where it does not
	// exist. A keeper that can't tell whether the key exists must say
	// ErrUnavailable or ErrDenied: nil lets an erasure go on, and ErrNotFound
	// elsewhere lets data be taken for erased.
	Destroy(ctx context.Context, key string) error

	// Info tells about a key; ErrNotFound where it does not exist.
	Info(ctx context.Context, key string) (Info, error)

	// Sign signs with the newest version of AttestKey, pure Ed25519.
	Sign(ctx context.Context, message []byte) (Signature, error)

	// PublicKeys are all versions of AttestKey that can still be verified.
	PublicKeys(ctx context.Context) (map[int]ed25519.PublicKey, error)

	// Prepare makes the keeper ready, with AttestKey and SystemKey, and leaves
	// alone what is there.
	Prepare(ctx context.Context) error

	// Ping is nil if the keeper serves now.
	Ping(ctx context.Context) error

	// Close ends all work and every goroutine of the driver.
	Close() error
}

// DataKey is a fresh data key. It prints as its type's name only.
type DataKey struct {
	// Plaintext are the 32 bytes to seal with. They are never stored.
	Plaintext []byte
	// Wrapped is the same key encrypted under the customer's key, to be stored
	// beside what was sealed. Only the keeper that made it can read it.
	Wrapped []byte
}

// Format keeps keys out of everything that fmt prints.
func (DataKey) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("vault.DataKey")) }

// LogValue keeps keys out of structured logs.
func (DataKey) LogValue() slog.Value { return slog.StringValue("vault.DataKey") }

// MarshalJSON refuses: keys do not belong into JSON, and where it is made they
// are about to leave the process.
func (DataKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("vault: a data key is not made into JSON")
}

// Info tells about a key.
type Info struct {
	// LatestVersion is the newest version, from 1.
	LatestVersion int
	// OldestVersion is the oldest version that was not retired, from 1: the
	// oldest that is still there. One whose use was only ended counts, so that
	// who retires what is left comes by it again.
	OldestVersion int
}

// Signature is an Ed25519 signature by a version of [AttestKey].
type Signature struct {
	// KeyVersion says which of the public keys verifies it, from 1.
	KeyVersion int
	// Bytes are the 64 bytes of RFC 8032.
	Bytes []byte
}
