package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// parent takes from a call which trace it belongs to (W3C Trace Context): two
// random ids and whether it is traced. The caller's "tracestate" and "baggage" are
// left: they are free text, and would end up in every span.
type parent struct{ ids propagation.TraceContext }

// Extract gives the context of the caller's span.
func (p parent) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	caller := trace.SpanContextFromContext(p.ids.Extract(context.Background(), carrier))
	if !caller.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, caller.WithTraceState(trace.TraceState{}))
}

// Inject does nothing: neither Vault nor the object store takes part in traces.
func (parent) Inject(context.Context, propagation.TextMapCarrier) {}

// Fields are the headers that are read.
func (parent) Fields() []string { return []string{"traceparent"} }
