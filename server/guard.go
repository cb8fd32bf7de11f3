package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/grpcfault"
)

// guard does a call. It turns a panic into an error, an error into a status, puts
// the outcome on record, if the call is one of ours, and logs it: names of
// methods, codes and reasons, never a value.
func (e *edge) guard(ctx context.Context, method string, c *call, do func() error) error {
	begun := time.Now()
	err := protect(do)
	id := c.id()
	log := e.log.With(slog.String("method", strings.TrimPrefix(method, "/")), slog.String("call", id), slog.String("caller", caller(ctx)))
	if err != nil && fault.KindOf(err) == fault.Internal && !ended(err) && status.Code(err) == codes.Unknown {
		log.ErrorContext(ctx, "internal error", slog.Any("cause", fault.Cause(err)))
		err = fault.Wrap(err, fault.Internal, "INTERNAL", "internal error; the operator finds it as call "+id)
	}
	st := grpcfault.Status(err)
	if c != nil {
		if failed := c.recorded(ctx, st.Code(), reason(st)); failed != nil {
			err, st = failed, grpcfault.Status(failed)
		}
	}
	level := slog.LevelInfo
	if strings.HasPrefix(method, "/grpc.health.") {
		level = slog.LevelDebug // asked every few seconds; changes are logged by health itself
	}
	if code := st.Code(); code == codes.Unavailable || code == codes.DataLoss {
		level = slog.LevelWarn
		log = log.With(slog.Any("cause", fault.Cause(err)))
	}
	log.LogAttrs(ctx, level, "call", slog.String("code", st.Code().String()),
		slog.String("reason", reason(st)), slog.Duration("took", time.Since(begun)))
	return st.Err()
}

// id is the call's id, by which the log and the audit log name it.
func (c *call) id() string {
	if c == nil {
		return strings.ToLower(rand.Text())
	}
	return c.draft.Event().ID
}

// reason is the reason in a status, if it has one.
func reason(st *status.Status) string {
	if st.Code() == codes.OK {
		return ""
	}
	return fault.ReasonOf(grpcfault.FromStatus(st.Err()))
}

func protect(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			// The panic's own text may hold a value; where it happened does not.
			err = fmt.Errorf("panic of type %T at %s", r, where(debug.Stack()))
		}
	}()
	return call()
}

// where keeps of a stack the names of functions and lines, without arguments.
func where(stack []byte) string {
	var lines []string
	for line := range strings.Lines(string(stack)) {
		if at, isPlace := strings.CutPrefix(line, "\t"); isPlace {
			at, _, _ = strings.Cut(strings.TrimSpace(at), " ")
			lines = append(lines, at)
		}
	}
	return strings.Join(lines, " < ")
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// caller is the name in the client's certificate: its first URI (SPIFFE).
func caller(ctx context.Context) string {
	leaf := certificate(ctx)
	if leaf == nil || len(leaf.URIs) == 0 {
		return ""
	}
	return leaf.URIs[0].String()
}

// content is a request as bytes that are the same for the same request, without
// the id by which it is told from others, and without secrets: a hash of it stays
// in the dossier, where a PIN could be guessed from it.
func content(method string, req proto.Message) []byte {
	req = proto.Clone(req)
	if fd := req.ProtoReflect().Descriptor().Fields().ByName("request_id"); fd != nil {
		req.ProtoReflect().Clear(fd)
	}
	clearSecrets(req.ProtoReflect())
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return []byte(method) // it was just unmarshalled, so it marshals
	}
	return append([]byte(method+"\x00"), b...)
}

// clearSecrets empties the fields of class SECRET in a message and below it.
func clearSecrets(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsSecret(fd):
			m.Clear(fd)
		case fd.Kind() != protoreflect.MessageKind || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				clearSecrets(v.List().Get(i).Message())
			}
		default:
			clearSecrets(v.Message())
		}
		return true
	})
}
