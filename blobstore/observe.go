package blobstore

import (
	"context"
	"iter"
)

// Observer is told of every operation of a [Store] or an [Archive], for traces
// and metrics. It is called when one begins, with its name, and gives the context
// for the rest of it; the function that it gives is called once, when the
// operation is over, with its error. Waiting for one of the [Limits] is part of an
// operation. [Store.Open] lasts until its reader is closed, a list until its loop
// ends, the time of the loop's body included.
//
// Operations have fixed names, and no more than these: get, put, stat, delete,
// list, open, put_stream, ping and prepare of a store; create, versions, read,
// ping and prepare of an archive. An observer never learns which object it is.
type Observer func(ctx context.Context, op string) (context.Context, func(error))

// WithObserver has o told of all operations of the store.
func WithObserver(o Observer) Option { return func(s *Store) { s.observer = o } }

// WithArchiveObserver has o told of all operations of the archive.
func WithArchiveObserver(o Observer) ArchiveOption { return func(a *Archive) { a.observer = o } }

// begin tells the observer, if there is one.
func (o Observer) begin(ctx context.Context, op string) (context.Context, func(error)) {
	if o == nil {
		return ctx, unobserved
	}
	return o(ctx, op)
}

func unobserved(error) {}

// observed goes through a list for which it tells the observer.
func observed[T any](ctx context.Context, o Observer, op string, list func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	if o == nil {
		return list(ctx)
	}
	return func(yield func(T, error) bool) {
		ctx, done := o(ctx, op)
		var failed error
		defer func() { done(failed) }()
		for item, err := range list(ctx) {
			failed = err
			if !yield(item, err) {
				return
			}
		}
	}
}
