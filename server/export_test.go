package server

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/custody"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// EndIdleStreams changes how long a stream may stand still, before the server
// serves.
func (s *Server) EndIdleStreams(after time.Duration) { s.streams.idle = after }

// Bare is a server without a network: what lies between the bytes of a message
// and custody.
type Bare struct {
	edge     edge
	services map[*grpc.ServiceDesc]any
}

// NewBare makes one.
func NewBare(c *custody.Custodian) (Bare, error) {
	valid, err := newValidator()
	return Bare{
		edge: edge{valid: valid, log: slog.New(slog.DiscardHandler)},
		services: map[*grpc.ServiceDesc]any{
			&wertfachv1.CustomerService_ServiceDesc:  customers{custodian: c},
			&wertfachv1.ArtefactService_ServiceDesc:  artefacts{streams: &streams{idle: idleStream}, custodian: c},
			&wertfachv1.LifecycleService_ServiceDesc: lifecycle{custodian: c},
		},
	}, err
}

// Unary are the names of the methods without streams.
func (b Bare) Unary() []string {
	var names []string
	for desc := range b.services {
		for _, m := range desc.Methods {
			names = append(names, m.MethodName)
		}
	}
	return names
}

// Call calls a method without streams.
func (b Bare) Call(ctx context.Context, method string, decode func(any) error) (any, error) {
	for desc, service := range b.services {
		for _, m := range desc.Methods {
			if m.MethodName == method {
				return m.Handler(service, ctx, decode, b.edge.unary)
			}
		}
	}
	panic("no method " + method)
}

// Stream calls a method with streams.
func (b Bare) Stream(method string, stream grpc.ServerStream) error {
	for desc, service := range b.services {
		for _, m := range desc.Streams {
			if m.StreamName == method {
				return b.edge.stream(service, stream, &grpc.StreamServerInfo{FullMethod: method}, m.Handler)
			}
		}
	}
	panic("no method " + method)
}
