package client

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/internal/grpcfault"
)

// mapUnary gives the caller the errors of package fault.
func mapUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return grpcfault.FromStatus(invoke(ctx, method, req, reply, conn, opts...))
}

// mapStream does the same for every step of a stream.
func mapStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, opts...)
	if err != nil {
		return nil, grpcfault.FromStatus(err)
	}
	return mappedStream{stream}, nil
}

type mappedStream struct{ grpc.ClientStream }

// Header waits for the server's header.
func (s mappedStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, grpcfault.FromStatus(err)
}

// CloseSend says that no message follows.
func (s mappedStream) CloseSend() error { return grpcfault.FromStatus(s.ClientStream.CloseSend()) }

// SendMsg sends a message.
func (s mappedStream) SendMsg(m any) error { return grpcfault.FromStatus(s.ClientStream.SendMsg(m)) }

// RecvMsg takes a message.
func (s mappedStream) RecvMsg(m any) error { return grpcfault.FromStatus(s.ClientStream.RecvMsg(m)) }

// timeout bounds calls that nobody bounded.
type timeout time.Duration

func (t timeout) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(t))
		defer cancel()
	}
	return invoke(ctx, method, req, reply, conn, opts...)
}

// identify gives a request its request_id, where it has one and the caller left
// it empty: the same for all attempts of this call, another for the next call.
func identify(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(ctx, method, identified(req), reply, conn, opts...)
}

// identified is the request with an id. The caller's own message stays as it
// is: it may be in use for other calls at the same time.
func identified(req any) any {
	m, ok := req.(proto.Message)
	if !ok {
		return req
	}
	given := m.ProtoReflect()
	id := requestID(given)
	if id == nil || given.Get(id).String() != "" {
		return req
	}
	made := given.New()
	given.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		made.Set(fd, v) // shares what lies below, which nobody changes
		return true
	})
	made.SetUnknown(given.GetUnknown())
	made.Set(id, protoreflect.ValueOfString(uuid.NewString()))
	return made.Interface()
}

// requestID is the field that makes a change safe to repeat, or nil.
func requestID(m protoreflect.Message) protoreflect.FieldDescriptor {
	fd := m.Descriptor().Fields().ByName("request_id")
	if fd == nil || fd.Kind() != protoreflect.StringKind || fd.Cardinality() == protoreflect.Repeated {
		return nil
	}
	return fd
}
