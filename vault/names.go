package vault

import (
	"context"
	"fmt"
)

// Context is a compartment of a customer's data. The keeper derives a key of
// its own for each, so a data key that was wrapped in one does not open in
// another.
type Context string

// The contexts. Their names are part of what is stored: they never change.
const (
	Dossier Context = "dossier" // what a listing opens
	Secret  Context = "secret"  // what only a reveal opens: PIN, PUK, PAN
	Scan    Context = "scan"    // scanned documents
	Index   Context = "index"   // the secret behind pseudonyms and blind indexes
	System  Context = "system"  // anything else of the process itself
)

// The names of the system's own keys. Customers' keys have longer ones.
const (
	// AttestKey signs erasure receipts and audit checkpoints (Ed25519).
	AttestKey = "attest"
	// SystemKey wraps the secrets of the process itself.
	SystemKey = "system"
)

// MaxKeyName is the longest name of a key, in bytes.
const MaxKeyName = 128

// maxWrapped bounds a wrapped data key in bytes. Real ones have about 90; the
// bound keeps a damaged object from becoming a huge request.
const maxWrapped = 1024

// check is whether a call may go to the driver at all: its context has not
// ended and its input is well-formed.
func check(ctx context.Context, inputs ...error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range inputs {
		if err != nil {
			return err
		}
	}
	return nil
}

// name checks the form of a key's name: lower-case letters, digits and inner
// hyphens. Names go into URLs and file paths, so nothing else may pass.
func name(key string) error {
	malformed := len(key) == 0 || len(key) > MaxKeyName || key[0] == '-' || key[len(key)-1] == '-'
	for i := 0; i < len(key) && !malformed; i++ {
		b := key[i]
		malformed = (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-'
	}
	if malformed {
		return fmt.Errorf("%w: the key's name is not of [a-z0-9-], 1 to %d characters", ErrInvalid, MaxKeyName)
	}
	return nil
}

// wrapping checks the name of a key that wraps data keys.
func wrapping(key string) error {
	if key == AttestKey {
		return fmt.Errorf("%w: the attesting key wraps nothing", ErrInvalid)
	}
	return name(key)
}

// customer checks the name of a key that may come and go.
func customer(key string) error {
	if key == AttestKey || key == SystemKey {
		return fmt.Errorf("%w: the key is the system's own", ErrInvalid)
	}
	return name(key)
}

func compartment(c Context) error {
	switch c {
	case Dossier, Secret, Scan, Index, System:
		return nil
	}
	return fmt.Errorf("%w: unknown context", ErrInvalid)
}

// sane checks the length of wrapped data keys.
func sane(wrapped ...[]byte) error {
	for _, w := range wrapped {
		if len(w) == 0 || len(w) > maxWrapped {
			return fmt.Errorf("%w: a wrapped data key has 1 to %d bytes", ErrInvalid, maxWrapped)
		}
	}
	return nil
}
