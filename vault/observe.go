package vault

import "context"

// Observer is told of every operation of [Keys], for traces and metrics. It is
// called when one begins, with its name, and gives the context for the rest of it;
// the function that it gives is called once, when the operation is over, with its
// error.
//
// Operations have fixed names, and no more than these: create, data key, unwrap,
// unwrap all, rewrap, rewrap all, rotate, retire, destroy, info, sign, public keys, prepare and ping.
// An observer never learns which key it is.
type Observer func(ctx context.Context, op string) (context.Context, func(error))

// WithObserver has o told of all operations.
func WithObserver(o Observer) Option { return func(k *Keys) { k.observer = o } }

// begin tells the observer, if there is one.
func (o Observer) begin(ctx context.Context, op string) (context.Context, func(error)) {
	if o == nil {
		return ctx, unobserved
	}
	return o(ctx, op)
}

func unobserved(error) {}
