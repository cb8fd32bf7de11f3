package telemetry_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/internal/telemetry"
	"github.com/wertfach/wertfach/vault"
)

// traces gives a server all of whose calls are traced, and a function that waits
// for its spans.
func traces(t *testing.T, ratio float64) (*site, func() tracetest.SpanStubs) {
	t.Helper()
	kept := &keeper{InMemoryExporter: tracetest.NewInMemoryExporter()}
	s := open(t, telemetry.Config{Metrics: true, Version: "1", Traces: &telemetry.Traces{Ratio: ratio, ServiceName: "wertfach", Exporter: kept}})
	return s, func() tracetest.SpanStubs {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		s.Telemetry.Close(ctx) // sends all; what comes later is not traced
		return kept.spans
	}
}

// keeper keeps spans beyond its shutdown.
type keeper struct {
	*tracetest.InMemoryExporter
	spans tracetest.SpanStubs
}

func (k *keeper) Shutdown(ctx context.Context) error {
	k.spans = k.GetSpans()
	return k.InMemoryExporter.Shutdown(ctx)
}

func headers(ctx context.Context, pairs ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs(pairs...))
}

const (
	traceID   = "0af7651916cd43dd8448eb211c80319c"
	sampled   = "00-" + traceID + "-b7ad6b7169203331-01"
	unsampled = "00-" + traceID + "-b7ad6b7169203331-00"
)

// TestSpans: a call is a span, with those of its back ends below it, in the
// caller's trace. All that they hold is named here.
func TestSpans(t *testing.T) {
	t.Parallel()
	s, spans := traces(t, 1)
	_, err := s.GetArtefact(headers(t.Context(), "traceparent", sampled, "tracestate", "v="+marker, "baggage", "v="+marker), named(marker))
	ok(t, err)
	_, err = s.GetArtefact(t.Context(), named("internal"))
	if err == nil {
		t.Fatal("no error")
	}
	_ = s.conn.Invoke(t.Context(), "/"+marker+"/Get", &emptypb.Empty{}, &emptypb.Empty{})
	s.eventually(t, count("ArtefactService/GetArtefact", "Internal"), "1")
	got := spans()
	var names []string
	for _, span := range got {
		names = append(names, span.Name)
		for _, a := range span.Attributes {
			switch string(a.Key) {
			case "rpc.system.name", "rpc.method", "rpc.response.status_code", "wertfach.outcome", "wertfach.call":
			case "server.address", "server.port": // ours
			default:
				t.Errorf("%s: attribute %s", span.Name, a.Key)
			}
		}
		if len(span.Events) > 0 || len(span.Links) > 0 || span.Status.Description != "" || span.SpanContext.TraceState().Len() > 0 {
			t.Errorf("%s holds more than it should: %+v", span.Name, span)
		}
		if text := fmt.Sprintf("%+v", span); strings.Contains(text, marker) {
			t.Errorf("a span holds what a caller sent: %s", text)
		}
	}
	if want := []string{"vault unwrap_all", "wertfach.v1.ArtefactService/GetArtefact", "vault unwrap_all", "wertfach.v1.ArtefactService/GetArtefact"}; !slices.Equal(names, want) {
		t.Fatalf("got %q, want %q", names, want)
	}
	if got[1].SpanContext.TraceID().String() != traceID || got[0].Parent.SpanID() != got[1].SpanContext.SpanID() {
		t.Error("the spans are not in the caller's trace")
	}
	if got[1].Status.Code == codes.Error || got[3].Status.Code != codes.Error {
		t.Errorf("status: %v and %v", got[1].Status, got[3].Status)
	}
}

// TestSpansOfFaults: a back end's fault is an error without a text; that something
// is not there is none.
func TestSpansOfFaults(t *testing.T) {
	t.Parallel()
	kept := &keeper{InMemoryExporter: tracetest.NewInMemoryExporter()}
	tel, err := telemetry.New(telemetry.Config{Traces: &telemetry.Traces{Ratio: 1, Exporter: kept}})
	ok(t, err)
	provider := sdktrace.NewTracerProvider()
	ctx, parent := provider.Tracer("test").Start(t.Context(), "call")
	observe := tel.Observer(telemetry.Vault)
	for _, err := range []error{vault.ErrUnavailable, vault.ErrNotFound} {
		_, done := observe(ctx, "unwrap")
		done(fmt.Errorf("%s: %w", marker, err))
	}
	parent.End()
	_, done := observe(t.Context(), "unwrap") // of no call that is traced
	done(nil)
	tel.Close(t.Context())
	if len(kept.spans) != 2 {
		t.Fatalf("%d spans, want 2", len(kept.spans))
	}
	for i, want := range []codes.Code{codes.Error, codes.Unset} {
		if got := kept.spans[i].Status; got.Code != want || got.Description != "" {
			t.Errorf("status %+v, want %v", got, want)
		}
	}
}

// TestSampling: how much is traced is the configuration's matter, and a caller's
// that wants less.
func TestSampling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ratio  float64
		parent string
		want   int
	}{
		{1, "", 2}, {1, sampled, 2}, {1, unsampled, 0}, {1e-12, "", 0}, {1e-12, sampled, 0},
	} {
		s, spans := traces(t, test.ratio)
		ctx := t.Context()
		if test.parent != "" {
			ctx = headers(ctx, "traceparent", test.parent)
		}
		_, err := s.GetArtefact(ctx, named("a"))
		ok(t, err)
		s.eventually(t, count("ArtefactService/GetArtefact", "OK"), "1")
		if got := len(spans()); got != test.want {
			t.Errorf("%v of parent %q: %d spans, want %d", test.ratio, test.parent, got, test.want)
		}
	}
}

// TestCollector sends spans by OTLP over HTTP, with TLS under the collector's own
// authority.
func TestCollector(t *testing.T) {
	t.Parallel()
	posted := make(chan string, 16)
	collector := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_, err := fmt.Fprint(body, r.Method, " ", r.URL.Path, " ")
		ok(t, errors.Join(err, r.Write(body)))
		posted <- body.String()
	}))
	defer collector.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	ok(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: collector.Certificate().Raw}), 0o600))
	s := open(t, telemetry.Config{Metrics: true, Traces: &telemetry.Traces{Endpoint: collector.URL, CAFile: ca, Ratio: 1, ServiceName: "wertfach-test"}})
	_, err := s.GetArtefact(t.Context(), named(marker))
	ok(t, err)
	s.eventually(t, count("ArtefactService/GetArtefact", "OK"), "1")
	s.Close(t.Context())
	got := <-posted
	for _, want := range []string{"POST /v1/traces ", "wertfach-test", "vault unwrap_all", "ArtefactService/GetArtefact"} {
		if !strings.Contains(got, want) {
			t.Errorf("what was sent lacks %q:\n%q", want, got)
		}
	}
	if strings.Contains(got, marker) {
		t.Errorf("a marker was sent:\n%q", got)
	}
	if failed := s.scrape(t)["wertfach_trace_exports_failed_total"]; failed != "0" {
		t.Errorf("%s exports failed", failed)
	}
}

// TestCollectorsThatAreNone: one that refuses, hangs, or answers with errors slows
// no call, fails none, and does not keep the process from stopping.
func TestCollectorsThatAreNone(t *testing.T) {
	t.Parallel()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	ok(t, refusing.Close())
	hanging, err := net.Listen("tcp", "127.0.0.1:0") // connections wait for an Accept that does not come
	ok(t, err)
	defer hanging.Close()
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, marker, http.StatusServiceUnavailable)
	}))
	defer failing.Close()
	for name, endpoint := range map[string]string{
		"refusing": "http://" + refusing.Addr().String(), "hanging": "http://" + hanging.Addr().String(), "failing": failing.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &journal{}
			s := open(t, telemetry.Config{Metrics: true, Log: slog.New(slog.NewTextHandler(j, nil)), Traces: &telemetry.Traces{Endpoint: endpoint, Ratio: 1}})
			const calls = 1500          // more spans than the queue takes
			longest := time.Duration(0) // whoever waits for a collector waits until it is given up
			for range calls {
				begun := time.Now()
				_, err := s.GetArtefact(t.Context(), named("a"))
				ok(t, err)
				longest = max(longest, time.Since(begun))
			}
			if longest > 5*time.Second {
				t.Errorf("a call took %v", longest)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			begun := time.Now()
			s.Close(ctx)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it stopped after %v", took)
			}
			if name == "hanging" {
				return // no attempt has ended
			}
			if failed := s.scrape(t)["wertfach_trace_exports_failed_total"]; failed == "0" || failed == "" {
				t.Errorf("%q exports failed", failed)
			}
			if n := strings.Count(j.String(), "can't be sent"); n != 1 || strings.Contains(j.String(), marker) {
				t.Errorf("%d lines say so, want one:\n%s", n, j)
			}
		})
	}
}

// TestWrongAuthorities show when the process starts.
func TestWrongAuthorities(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	ok(t, os.WriteFile(empty, nil, 0o600))
	for _, file := range []string{empty, filepath.Join(t.TempDir(), "none.pem")} {
		if _, err := telemetry.New(telemetry.Config{Traces: &telemetry.Traces{Endpoint: "https://localhost:1", CAFile: file, Ratio: 1}}); err == nil {
			t.Errorf("%s was taken", file)
		}
	}
}
