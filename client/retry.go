package client

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// firstWait is how long to wait before the second attempt, give or take jitter;
// each further wait is twice the last, up to maxWait.
const (
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	jitter    = 0.2
)

// retries makes calls again that are safe to repeat and that may succeed.
type retries struct{ attempts int }

// unary is the interceptor.
func (r retries) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if !safe(method, req) {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	return r.do(ctx, func(ctx context.Context) error {
		return invoke(ctx, method, req, reply, conn, opts...)
	})
}

// do makes a call, and makes it again while that is worth it.
func (r retries) do(ctx context.Context, call func(context.Context) error) error {
	// The middleware asks these one after the other: whether the error is worth
	// another attempt, then how long to wait for it.
	var wait time.Duration
	doubling := retry.BackoffExponentialWithJitterBounded(firstWait, jitter, maxWait)
	attempt := uint(0)
	again := func(err error) bool {
		attempt++
		asked, worth := retriable(err)
		wait = max(doubling(ctx, attempt), asked)
		deadline, bounded := ctx.Deadline()
		// Better the server's own error now than a passed deadline later.
		return worth && (!bounded || time.Until(deadline) > wait)
	}
	loop := retry.UnaryClientInterceptor(
		retry.WithMax(uint(max(r.attempts, 1))),
		retry.WithRetriable(again),
		retry.WithBackoff(func(context.Context, uint) time.Duration { return wait }),
	)
	return grpcfault.FromStatus(loop(ctx, "", nil, nil, nil,
		func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			return call(ctx)
		}))
}

// safe says whether a call can be made twice and be done once: it has an id, or
// changes nothing. Every call of the API is one of both; a test holds the schema
// to it.
func safe(method string, req any) bool {
	if m, ok := req.(proto.Message); ok {
		if id := requestID(m.ProtoReflect()); id != nil {
			return m.ProtoReflect().Get(id).String() != ""
		}
	}
	switch effect(method) {
	case wertfachv1.Effect_EFFECT_READ, wertfachv1.Effect_EFFECT_REVEAL:
		return true
	default:
		return false
	}
}

// effect is what the schema says that a call does.
func effect(method string) wertfachv1.Effect {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return wertfachv1.Effect_EFFECT_UNSPECIFIED
	}
	access, _ := proto.GetExtension(found.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
	return access.GetEffect()
}

// contention is the reason of a change that lost against others too often. A
// stale etag is of the same kind, and trying again can't mend that.
const contention = "CONTENTION"

// retriable says whether an error may go away by itself, and how long the server
// asks to wait for that.
func retriable(err error) (wait time.Duration, worth bool) {
	var e *fault.Error
	if !errors.As(grpcfault.FromStatus(err), &e) {
		return 0, false
	}
	switch {
	case errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		return 0, false
	case e.Kind == fault.Unavailable, e.Kind == fault.Aborted && e.Reason == contention:
		return e.RetryAfter, true
	}
	return 0, false
}
