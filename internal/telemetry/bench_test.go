package telemetry_test

import (
	"context"
	"net"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wertfach/wertfach/internal/telemetry"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// BenchmarkCall is what telling costs a call that does nothing but one call to a
// back end.
func BenchmarkCall(b *testing.B) {
	traces := func(ratio float64) *telemetry.Traces {
		return &telemetry.Traces{Ratio: ratio, Exporter: tracetest.NewNoopExporter()}
	}
	for _, bench := range []struct {
		name string
		c    telemetry.Config
	}{
		{"off", telemetry.Config{}},
		{"metrics", telemetry.Config{Metrics: true}},
		{"metrics and a trace of a hundred", telemetry.Config{Metrics: true, Traces: traces(0.01)}},
		{"metrics and all traces", telemetry.Config{Metrics: true, Traces: traces(1)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			tel, err := telemetry.New(bench.c)
			ok(b, err)
			defer tel.Close(context.Background())
			server := grpc.NewServer(tel.ServerOptions()...)
			defer server.Stop()
			wertfachv1.RegisterArtefactServiceServer(server, artefacts{observe: tel.Observer(telemetry.Vault)})
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			ok(b, err)
			go func() { _ = server.Serve(listener) }()
			conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
			ok(b, err)
			defer conn.Close()
			client := wertfachv1.NewArtefactServiceClient(conn)
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := client.GetArtefact(context.Background(), named("a")); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
