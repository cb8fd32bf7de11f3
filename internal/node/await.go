package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/vault"
)

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// ErrAway is a back end that stayed away for the whole of start_timeout.
var ErrAway = errors.New("gave up waiting for Vault and the object store")

// Await opens the back ends and does something first with them, and tries both
// again while Vault or the object store is away, for start_timeout at most. The
// error wraps [ErrAway] where they stayed away.
func Await(
	ctx context.Context, c *config.Config, log *slog.Logger, first func(context.Context, *Backends) error, options ...Option,
) (*Backends, error) {
	var b *Backends
	err := await(ctx, log, c.StartTimeout, func(ctx context.Context) (err error) {
		if b == nil {
			if b, err = Open(ctx, c, log, options...); err != nil {
				return err
			}
		}
		return first(ctx, b)
	})
	if err != nil && b != nil {
		err = errors.Join(err, b.Close())
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// await tries until it works, for as long as only a back end is away: machines
// that start together come up in any order. Each attempt in vain is logged, so
// that whoever watches a start sees what it waits for.
func await(ctx context.Context, log *slog.Logger, atMost time.Duration, try func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	begun, pause := time.Now(), firstPause
	var last error
	for attempt := 1; ; attempt++ {
		err := try(bounded)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err() // told to stop meanwhile
		case away(err):
			last = err
		case !errors.Is(err, context.DeadlineExceeded):
			return err // no waiting helps
		case last == nil:
			last = err
		}
		if bounded.Err() == nil {
			log.WarnContext(ctx, "waiting for Vault and the object store", "attempt", attempt,
				"waited", time.Since(begun).Round(time.Millisecond), "at_most", atMost, "error", err)
			select {
			case <-bounded.Done():
			case <-time.After(pause):
				pause = min(2*pause, longestPause)
				continue
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w after %v: %w", ErrAway, atMost, last)
	}
}

// away is whether an error may pass by itself.
func away(err error) bool {
	return errors.Is(err, vault.ErrUnavailable) || errors.Is(err, blobstore.ErrUnavailable)
}
