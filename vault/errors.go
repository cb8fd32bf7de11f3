package vault

import (
	"context"
	"errors"
	"fmt"
)

// The kinds of failure, for errors.Is.
var (
	// ErrNotFound is a key that does not exist. Where it existed before, it was
	// destroyed, and what it sealed is gone. A keeper that can't be reached, or
	// that has lost its key store as a whole, never answers so.
	ErrNotFound = errors.New("key not found")

	// ErrInvalid is a wrapped data key that does not open under this key in
	// this context, or a malformed name or context.
	ErrInvalid = errors.New("invalid input")

	// ErrDenied is a keeper that knows us and refuses, or does not know us.
	ErrDenied = errors.New("denied by the keeper of keys")

	// ErrUnavailable is a keeper that does not serve now: not reachable,
	// sealed, overloaded or not set up. Trying again later may help.
	ErrUnavailable = errors.New("keeper of keys unavailable")
)

// failed names the operation in an error of a driver. Where the request's
// context has ended, its error is kept recognisable even if a driver lost it,
// because a keeper is not to blame for a caller that went away.
func failed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("vault: %s: %w", op, cause)
	}
	return fmt.Errorf("vault: %s: %w", op, err)
}
