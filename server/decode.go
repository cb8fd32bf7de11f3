package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/custody/fault"
)

// ReasonMalformed is a request that is no message of its call, or a larger one than
// is taken.
const ReasonMalformed = "MALFORMED"

// registrar registers services such that a request which can't be decoded, or is too
// large, comes to the edge like any other and is put on record. Its caller has had
// gRPC's own answer by then.
type registrar struct{ *grpc.Server }

// RegisterService implements grpc.ServiceRegistrar.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, service any) {
	own := *desc
	own.Methods = slices.Clone(desc.Methods)
	for i, m := range desc.Methods {
		own.Methods[i].Handler = func(service any, ctx context.Context, decode func(any) error, edge grpc.UnaryServerInterceptor) (any, error) {
			failed := new(bool)
			return m.Handler(service, context.WithValue(ctx, malformedKey{}, failed), func(request any) error {
				*failed = decode(request) != nil
				return nil
			}, edge)
		}
	}
	r.Server.RegisterService(&own, service)
}

type malformedKey struct{}

// decoded is whether the call's request is a message of it.
func decoded(ctx context.Context) error {
	if failed, ok := ctx.Value(malformedKey{}).(*bool); ok && *failed {
		return fault.New(fault.Invalid, ReasonMalformed, "the request is no message of this call")
	}
	return nil
}
