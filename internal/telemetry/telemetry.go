package telemetry

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"
)

// Config says what is told. The zero value tells nothing.
type Config struct {
	// Metrics says that metrics are kept.
	Metrics bool
	// Traces says where traces go; nowhere where nil.
	Traces *Traces
	// Version is the program's own, for traces and metrics.
	Version string
	// Log takes what goes wrong with telemetry itself; discarded where nil.
	Log *slog.Logger
}

// Telemetry is what a process tells about itself. A nil one tells nothing. It is
// safe for concurrent use.
type Telemetry struct {
	rpcs    rpcs
	metrics *metrics // nil where there are none
	tracing *tracing // nil where there is none
}

// metrics are what is counted here; what is only read is in sources.go.
type metrics struct {
	registry *prometheus.Registry
	calls    *calls
	backends *prometheus.HistogramVec
	sweeps   sweeps
	exports  prometheus.Counter
}

// New makes what the configuration asks for. The error is a CA file that can't be
// read; a collector that is away is none. Close it.
func New(c Config) (*Telemetry, error) {
	if !c.Metrics && c.Traces == nil {
		return nil, nil
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	t := &Telemetry{rpcs: readRPCs()}
	if c.Metrics {
		t.metrics = newMetrics(c.Version)
	}
	if c.Traces != nil {
		var err error
		if t.tracing, err = newTracing(*c.Traces, c.Version, t.exportFailed(c.Log)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls:    newCalls(),
		backends: newBackends(),
		sweeps:   newSweeps(),
		exports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wertfach_trace_exports_failed_total", Help: "Attempts in vain to send spans to the collector.",
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wertfach_build_info", Help: "Always 1; the label says which version runs.",
			ConstLabels: prometheus.Labels{"version": version},
		}, func() float64 { return 1 }),
		m.calls, m.backends, m.sweeps, m.exports,
	)
	return m
}

// exportFailed counts a failed export, and logs the first of a row.
func (t *Telemetry) exportFailed(log *slog.Logger) func(first bool) {
	return func(first bool) {
		if first {
			log.Warn("traces can't be sent; they are dropped until the collector takes them again")
		}
		if t.metrics != nil {
			t.metrics.exports.Inc()
		}
	}
}

// ServerOptions are what a gRPC server needs to measure and trace its calls.
func (t *Telemetry) ServerOptions() []grpc.ServerOption {
	var options []grpc.ServerOption
	if t != nil && t.tracing != nil {
		options = append(options, grpc.StatsHandler(t.tracing.handler(t.rpcs)))
	}
	if t != nil && t.metrics != nil {
		options = append(options, grpc.StatsHandler(callHandler{t.metrics.calls, t.rpcs.handles(t.metrics.calls)}))
	}
	return options
}

// Refused counts a call that was refused before any work on it began. The reason is
// one of a fixed set, in the manner of "ROLE_NOT_ALLOWED".
func (t *Telemetry) Refused(reason string) {
	if t != nil && t.metrics != nil {
		t.metrics.calls.refused.WithLabelValues(reason).Inc()
	}
}

// Close sends the spans that are left, for as long as ctx lasts, and stops. What
// can't be sent then is lost, and no error.
func (t *Telemetry) Close(ctx context.Context) {
	if t != nil && t.tracing != nil {
		t.tracing.close(ctx)
	}
}
