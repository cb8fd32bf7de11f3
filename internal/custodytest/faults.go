package custodytest

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"iter"
	"sync/atomic"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/vault"
)

// Call is a call of a driver that is about to be made.
type Call struct {
	// Number counts the calls of both drivers from 1.
	Number int
	// Op is "vault." or "store." and the method in lower case: "store.put".
	Op string
	// Name is the key's or the object's, or the prefix of a list.
	Name string
	// Context is that of a data key.
	Context vault.Context
}

// Fate is what becomes of a call.
type Fate int

// The fates.
const (
	// Pass makes the call.
	Pass Fate = iota
	// Refuse does not make the call and says that the back end is away.
	Refuse
	// Lose makes the call, even if the caller's context ends, and then says that
	// the back end is away: the answer got lost.
	Lose
)

// Script decides what becomes of each call. It may be called from many
// goroutines; while it waits, so does the call.
type Script func(context.Context, Call) Fate

// Wrap puts a script before both drivers. Closing the wrapped drivers does
// nothing: the drivers within stay their owner's.
func Wrap(keys vault.Driver, blobs blobstore.Driver, script Script) (vault.Driver, blobstore.Driver) {
	s := &stage{script: script}
	return faultyKeys{keys, s}, faultyBlobs{blobs, s}
}

type stage struct {
	script Script
	calls  atomic.Int64
}

func (s *stage) fate(ctx context.Context, c Call) Fate {
	c.Number = int(s.calls.Add(1))
	return s.script(ctx, c)
}

// play makes a call, or not, as its fate is.
func play[T any](ctx context.Context, s *stage, c Call, away error, call func(context.Context) (T, error)) (T, error) {
	var none T
	switch s.fate(ctx, c) {
	case Refuse:
		return none, fmt.Errorf("%w: refused by the test", away)
	case Lose:
		_, _ = call(context.WithoutCancel(ctx)) // whatever it was, nobody hears of it
		return none, fmt.Errorf("%w: answer lost by the test", away)
	default:
		return call(ctx)
	}
}

type faultyKeys struct {
	vault.Driver
	stage *stage
}

type nothing struct{}

func (f faultyKeys) Create(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	return play(ctx, f.stage, Call{Op: "vault.create", Name: key, Context: c}, vault.ErrUnavailable, func(ctx context.Context) (vault.DataKey, error) {
		return f.Driver.Create(ctx, key, c)
	})
}

func (f faultyKeys) DataKey(ctx context.Context, key string, c vault.Context) (vault.DataKey, error) {
	return play(ctx, f.stage, Call{Op: "vault.datakey", Name: key, Context: c}, vault.ErrUnavailable, func(ctx context.Context) (vault.DataKey, error) {
		return f.Driver.DataKey(ctx, key, c)
	})
}

func (f faultyKeys) Unwrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	return play(ctx, f.stage, Call{Op: "vault.unwrap", Name: key, Context: c}, vault.ErrUnavailable, func(ctx context.Context) ([][]byte, error) {
		return f.Driver.Unwrap(ctx, key, c, wrapped)
	})
}

func (f faultyKeys) Rewrap(ctx context.Context, key string, c vault.Context, wrapped [][]byte) ([][]byte, error) {
	return play(ctx, f.stage, Call{Op: "vault.rewrap", Name: key, Context: c}, vault.ErrUnavailable, func(ctx context.Context) ([][]byte, error) {
		return f.Driver.Rewrap(ctx, key, c, wrapped)
	})
}

func (f faultyKeys) Rotate(ctx context.Context, key string) error {
	_, err := play(ctx, f.stage, Call{Op: "vault.rotate", Name: key}, vault.ErrUnavailable, func(ctx context.Context) (nothing, error) {
		return nothing{}, f.Driver.Rotate(ctx, key)
	})
	return err
}

func (f faultyKeys) Retire(ctx context.Context, key string, oldest int) error {
	_, err := play(ctx, f.stage, Call{Op: "vault.retire", Name: key}, vault.ErrUnavailable, func(ctx context.Context) (nothing, error) {
		return nothing{}, f.Driver.Retire(ctx, key, oldest)
	})
	return err
}

func (f faultyKeys) Destroy(ctx context.Context, key string) error {
	_, err := play(ctx, f.stage, Call{Op: "vault.destroy", Name: key}, vault.ErrUnavailable, func(ctx context.Context) (nothing, error) {
		return nothing{}, f.Driver.Destroy(ctx, key)
	})
	return err
}

func (f faultyKeys) Info(ctx context.Context, key string) (vault.Info, error) {
	return play(ctx, f.stage, Call{Op: "vault.info", Name: key}, vault.ErrUnavailable, func(ctx context.Context) (vault.Info, error) {
		return f.Driver.Info(ctx, key)
	})
}

func (f faultyKeys) Sign(ctx context.Context, message []byte) (vault.Signature, error) {
	return play(ctx, f.stage, Call{Op: "vault.sign", Name: vault.AttestKey}, vault.ErrUnavailable, func(ctx context.Context) (vault.Signature, error) {
		return f.Driver.Sign(ctx, message)
	})
}

func (f faultyKeys) PublicKeys(ctx context.Context) (map[int]ed25519.PublicKey, error) {
	return play(ctx, f.stage, Call{Op: "vault.publickeys", Name: vault.AttestKey}, vault.ErrUnavailable, func(ctx context.Context) (map[int]ed25519.PublicKey, error) {
		return f.Driver.PublicKeys(ctx)
	})
}

func (f faultyKeys) Close() error { return nil }

type faultyBlobs struct {
	blobstore.Driver
	stage *stage
}

type opened struct {
	body io.ReadCloser
	info blobstore.Info
}

func (f faultyBlobs) Open(ctx context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	o, err := play(ctx, f.stage, Call{Op: "store.open", Name: name}, blobstore.ErrUnavailable, func(ctx context.Context) (opened, error) {
		body, info, err := f.Driver.Open(ctx, name)
		return opened{body, info}, err
	})
	return o.body, o.info, err
}

func (f faultyBlobs) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	return play(ctx, f.stage, Call{Op: "store.put", Name: name}, blobstore.ErrUnavailable, func(ctx context.Context) (blobstore.Info, error) {
		return f.Driver.Put(ctx, name, body, size, cond)
	})
}

func (f faultyBlobs) Stat(ctx context.Context, name string) (blobstore.Info, error) {
	return play(ctx, f.stage, Call{Op: "store.stat", Name: name}, blobstore.ErrUnavailable, func(ctx context.Context) (blobstore.Info, error) {
		return f.Driver.Stat(ctx, name)
	})
}

func (f faultyBlobs) Delete(ctx context.Context, name string) error {
	_, err := play(ctx, f.stage, Call{Op: "store.delete", Name: name}, blobstore.ErrUnavailable, func(ctx context.Context) (nothing, error) {
		return nothing{}, f.Driver.Delete(ctx, name)
	})
	return err
}

// List is one call, however many pages it fetches. A lost answer is one that
// ends with an error.
func (f faultyBlobs) List(ctx context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		fate := f.stage.fate(ctx, Call{Op: "store.list", Name: prefix})
		if fate != Refuse {
			for info, err := range f.Driver.List(ctx, prefix) {
				if !yield(info, err) || err != nil {
					return
				}
			}
		}
		if fate != Pass {
			yield(blobstore.Info{}, fmt.Errorf("%w: by the test", blobstore.ErrUnavailable))
		}
	}
}

func (f faultyBlobs) Close() error { return nil }
