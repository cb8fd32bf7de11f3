package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
)

// Traces says where traces go, and how many.
type Traces struct {
	// Endpoint is the collector's URL, "https://host:4318"; spans are posted to
	// /v1/traces below it (OTLP over HTTP).
	Endpoint string
	// CAFile holds the authorities, PEM, that the collector's certificate may come
	// from; those of the system where empty.
	CAFile string
	// Ratio is how many of all calls are traced, above 0 and at most 1. Callers
	// can lower it: a call that says it is not traced is not.
	Ratio float64
	// ServiceName is who we are in the traces.
	ServiceName string
	// Exporter takes the spans in place of the collector.
	Exporter sdktrace.SpanExporter
}

const (
	scope = "github.com/wertfach/wertfach"
	// exportTime bounds an attempt to send spans. Nothing waits for it but the
	// next one: spans that do not fit the queue meanwhile are dropped.
	exportTime = 10 * time.Second
	queue      = 2048 // spans
)

// tracing makes spans. A nil one makes none.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracing(c Traces, version string, failed func(first bool)) (*tracing, error) {
	exporter := c.Exporter
	if exporter == nil {
		var err error
		if exporter, err = newExporter(c); err != nil {
			return nil, err
		}
	}
	ours := sdktrace.TraceIDRatioBased(c.Ratio)
	p := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&plain{SpanExporter: exporter, failed: failed},
			sdktrace.WithMaxQueueSize(queue), sdktrace.WithExportTimeout(exportTime)),
		// A caller's wish not to be traced holds; its wish to be is one of many.
		sdktrace.WithSampler(sdktrace.ParentBased(ours, sdktrace.WithRemoteParentSampled(ours))),
		sdktrace.WithoutPanicRecording(), // a panic's text may hold anything
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", c.ServiceName), attribute.String("service.version", version))),
	)
	return &tracing{p, p.Tracer(scope)}, nil
}

// newExporter speaks to the collector. It does not connect yet.
func newExporter(c Traces) (sdktrace.SpanExporter, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, errors.New("telemetry: the collector's endpoint is not a URL")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("telemetry: the collector's authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("telemetry: the collector's authorities: no certificate in the file")
		}
	}
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpoint(u.Host), otlptracehttp.WithURLPath("/v1/traces"), otlptracehttp.WithTimeout(exportTime),
		// A second attempt would keep the next spans waiting, for old ones.
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}),
	}
	if u.Scheme == "http" {
		options = append(options, otlptracehttp.WithInsecure())
	} else {
		options = append(options, otlptracehttp.WithTLSClientConfig(cfg))
	}
	exporter, err := otlptracehttp.New(context.Background(), options...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return exporter, nil
}

func (t *tracing) close(ctx context.Context) {
	_ = t.provider.Shutdown(ctx) // the exporter tells of what can't be sent
}

// handler makes a span for each call of the API. Of the library's attributes there
// are the RPC's name, the code, and our own address; not the caller's.
func (t *tracing) handler(known rpcs) stats.Handler {
	return otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(t.provider),
		otelgrpc.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelgrpc.WithPropagators(parent{}),
		otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool {
			_, ours := known[info.FullMethodName]
			return ours
		}),
	)
}

// backendSpan begins a span for a call to a back end, if it is part of a call
// that is traced.
func (t *tracing) backendSpan(ctx context.Context, backend, op string) (context.Context, func(outcome string)) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, backend+" "+op, trace.WithSpanKind(trace.SpanKindClient))
	return ctx, func(outcome string) {
		span.SetAttributes(attribute.String("wertfach.outcome", outcome))
		if faulty(outcome) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// plain is an exporter that takes texts of errors out of the spans, and whose own
// failures stay within this package: the library would print them.
type plain struct {
	sdktrace.SpanExporter
	failed  func(first bool)
	failing atomic.Bool
}

// ExportSpans exports the spans. It never fails.
func (p *plain) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	bare := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		bare[i] = textless{s}
	}
	if err := p.SpanExporter.ExportSpans(ctx, bare); err != nil {
		p.failed(!p.failing.Swap(true))
		return nil
	}
	p.failing.Store(false)
	return nil
}

// textless is a span whose status has a code only: texts of errors are ours, but
// for those that gRPC made.
type textless struct{ sdktrace.ReadOnlySpan }

// Status is the span's, without its text.
func (s textless) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
