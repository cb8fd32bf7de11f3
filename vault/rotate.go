package vault

import (
	"context"
	"fmt"
)

// Rotate adds a version to the key, under which data keys are wrapped from now
// on. The keys of the system can be rotated too.
func (k *Keys) Rotate(ctx context.Context, key string) (err error) {
	const op = "rotate"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, name(key)); err != nil {
		return failed(ctx, op, err)
	}
	return failed(ctx, op, k.driver.Rotate(ctx, key))
}

// Rewrap brings a wrapped data key under the newest version of its key. The
// data key itself stays the same and is not seen. What is under the newest
// version already comes back as it was, byte for byte.
func (k *Keys) Rewrap(ctx context.Context, key string, c Context, wrapped []byte) ([]byte, error) {
	again, err := k.rewrap(ctx, "rewrap", key, c, [][]byte{wrapped})
	if err != nil {
		return nil, err
	}
	return again[0], nil
}

// RewrapAll is [Keys.Rewrap] of several data keys at once, answered in their
// order. It rewraps all of them or none.
func (k *Keys) RewrapAll(ctx context.Context, key string, c Context, wrapped [][]byte) ([][]byte, error) {
	if len(wrapped) == 0 {
		return nil, nil
	}
	return k.rewrap(ctx, "rewrap all", key, c, wrapped)
}

func (k *Keys) rewrap(ctx context.Context, op, key string, c Context, wrapped [][]byte) (again [][]byte, err error) {
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	if err := check(ctx, wrapping(key), compartment(c), sane(wrapped...)); err != nil {
		return nil, failed(ctx, op, err)
	}
	again, err = k.driver.Rewrap(ctx, key, c, wrapped)
	if err == nil && len(again) != len(wrapped) {
		err = fmt.Errorf("%d data keys in answer to %d", len(again), len(wrapped))
	}
	if err == nil {
		err = sane(again...)
	}
	if err != nil {
		return nil, failed(ctx, op, err)
	}
	return again, nil
}

// Retire destroys all versions of a customer's key below oldest, for good: data
// keys that were wrapped under them do not open any more, here or out of a
// backup of what they sealed. Before it, everything has to be rewrapped. Where
// it fails, their use may have ended already; repeat it.
// The error is [ErrInvalid] where there is no version oldest.
func (k *Keys) Retire(ctx context.Context, key string, oldest int) (err error) {
	const op = "retire"
	ctx, done := k.observer.begin(ctx, op)
	defer func() { done(err) }()
	malformed := customer(key)
	if malformed == nil && oldest < 1 {
		malformed = fmt.Errorf("%w: versions begin with 1", ErrInvalid)
	}
	if err := check(ctx, malformed); err != nil {
		return failed(ctx, op, err)
	}
	return failed(ctx, op, k.driver.Retire(ctx, key, oldest))
}
