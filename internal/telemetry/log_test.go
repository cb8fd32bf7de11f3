package telemetry_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wertfach/wertfach/internal/telemetry"
)

// TestLogLines name the trace that they belong to.
func TestLogLines(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(telemetry.Config{Traces: &telemetry.Traces{Ratio: 1, Exporter: tracetest.NewNoopExporter()}})
	ok(t, err)
	t.Cleanup(func() { tel.Close(context.WithoutCancel(t.Context())) })
	j := &journal{}
	plain := slog.New(slog.NewJSONHandler(j, nil))
	var off *telemetry.Telemetry
	if off.Logger(plain) != plain {
		t.Error("a logger is wrapped although there are no traces")
	}
	log := tel.Logger(plain).With("method", "m").WithGroup("g")
	within := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
	log.InfoContext(within, "call", "a", 1)
	log.InfoContext(t.Context(), "call", "a", 1)
	lines := strings.Split(strings.TrimSpace(j.String()), "\n")
	var got struct {
		Method string
		G      map[string]any
	}
	ok(t, json.Unmarshal([]byte(lines[0]), &got))
	if got.Method != "m" || got.G["trace_id"] != "01000000000000000000000000000000" || got.G["span_id"] != "0200000000000000" || got.G["a"] != 1.0 {
		t.Errorf("got %s", lines[0])
	}
	if strings.Contains(lines[1], "trace_id") {
		t.Errorf("a line of no trace: %s", lines[1])
	}
}
