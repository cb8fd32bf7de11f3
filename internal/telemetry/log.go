package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Logger gives a logger whose lines name the trace that they belong to, where
// there is one: trace_id and span_id, in hexadecimal figures. Without traces it is
// the logger itself.
func (t *Telemetry) Logger(log *slog.Logger) *slog.Logger {
	if t == nil || t.tracing == nil {
		return log
	}
	return slog.New(traced{log.Handler()})
}

// traced adds the ids to what it hands on.
type traced struct{ slog.Handler }

// Handle hands a record on.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the wrapping.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the wrapping; the ids go into the group.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
