package blobstore

import (
	"context"
	"fmt"
	"iter"
)

// paced goes through what a driver lists under a prefix. It pulls, so that a slot
// is held while the driver fetches a page and never while the loop's body runs,
// which may need slots itself.
func paced[T any](
	ctx context.Context, s slots, prefix, what string, list func(context.Context, string) iter.Seq2[T, error],
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		fail := func(err error) {
			var none T
			yield(none, fmt.Errorf("blobstore: %s: %w", what, err))
		}
		if err := CheckPrefix(prefix); err != nil {
			fail(err)
			return
		}
		next, stop := iter.Pull2(list(ctx, prefix))
		defer stop()
		for {
			if err := s.acquire(ctx); err != nil {
				fail(err)
				return
			}
			item, err, ok := next()
			s.release()
			switch {
			case !ok:
				return
			case err != nil:
				fail(err)
				return
			case !yield(item, nil):
				return
			}
		}
	}
}
