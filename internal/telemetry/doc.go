// Package telemetry is what a process tells about how it works: metrics for
// Prometheus, and traces for a collector that speaks OTLP. Both are off until they
// are configured, and cost nothing then.
//
//	t, err := telemetry.New(telemetry.Config{Metrics: true})
//	…
//	keys := vault.New(driver, vault.WithObserver(t.Observer(telemetry.Vault)))
//	server := grpc.NewServer(t.ServerOptions()...)
//	go telemetry.Serve(listener, t.Handler(health))
//
// What is measured, and by whom:
//
//   - calls of the API: a stats handler of gRPC's own ([Telemetry.ServerOptions]),
//     which also sees calls that never reach a handler (calls.go);
//   - calls to Vault and to the object store: observers of the fronts in vault and
//     blobstore (backend.go);
//   - what others count, such as the audit log, is asked for when somebody looks
//     ([Telemetry.Watch], sources.go). Nothing that can wait is asked at that
//     moment: slow answers are remembered ([Remember]).
//
// Nothing here holds a value of a request: labels and span attributes are names of
// RPCs, codes, reasons and outcomes, each from a fixed set. The caller is not among
// them, as a person may be one, nor is its address (Art. 5(1)(c) GDPR).
// internal/telemetry/marker_test.go searches for what should not be there.
//
// # Why these libraries
//
// Metrics go by prometheus/client_golang and not by OpenTelemetry's metrics with a
// Prometheus exporter, which uses the same library underneath: on linux/amd64 the
// binary grows by 1.3 MB in place of 4.0 MB, the idle process by 2.3 MiB in place
// of 3.3 MiB, and a scrape reads counters instead of translating them. Traces go by
// OTLP over HTTP: the same size as over gRPC, half a MiB less of memory, and a
// proxy can carry it.
package telemetry
