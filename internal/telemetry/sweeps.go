package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sweep is what a sweep did.
type Sweep struct {
	// Resumed, Erased, Shed, Settled and Removed are what it did, Failures what it
	// could not do.
	Resumed, Erased, Shed, Settled, Removed, Failures int
	// Took is how long it lasted.
	Took time.Duration
	// Err says that it broke off.
	Err error
}

// sweeps are the metrics of a process that sweeps.
type sweeps struct {
	runs     *prometheus.CounterVec
	done     *prometheus.CounterVec
	failures *prometheus.CounterVec
	took     *prometheus.GaugeVec
	left     *prometheus.GaugeVec
	last     *prometheus.GaugeVec
}

// newSweeps makes metrics that show nothing before the first sweep, as most
// processes never sweep. All are vectors for that, some of no labels.
func newSweeps() sweeps {
	return sweeps{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wertfach_sweeps_total", Help: "Sweeps of this process by outcome: ok, incomplete (some things failed) or failed (it broke off).",
		}, []string{"outcome"}),
		done: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wertfach_sweep_done_total", Help: "What sweeps did: erasures resumed, customers erased or shed of what was due, changes settled, objects removed.",
		}, []string{"what"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wertfach_sweep_failures_total", Help: "Things that sweeps could not do.",
		}, nil),
		took: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wertfach_sweep_duration_seconds", Help: "How long the last sweep took.",
		}, nil),
		left: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wertfach_sweep_last_failures", Help: "Things that the last sweep could not do; that it broke off is one more.",
		}, nil),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wertfach_sweep_last_timestamp_seconds", Help: "When the last sweep ended that did not break off, in Unix time.",
		}, nil),
	}
}

// Swept tells of a sweep that has ended.
func (t *Telemetry) Swept(s Sweep) {
	if t == nil || t.metrics == nil {
		return
	}
	m, outcome := t.metrics.sweeps, "ok"
	switch {
	case s.Err != nil:
		outcome = "failed"
	case s.Failures > 0:
		outcome = "incomplete"
	}
	for _, o := range []string{"ok", "incomplete", "failed"} {
		m.runs.WithLabelValues(o).Add(truth(o == outcome))
	}
	for what, n := range map[string]int{"resumed": s.Resumed, "erased": s.Erased, "shed": s.Shed, "settled": s.Settled, "removed": s.Removed} {
		m.done.WithLabelValues(what).Add(float64(n))
	}
	m.failures.WithLabelValues().Add(float64(s.Failures))
	m.left.WithLabelValues().Set(float64(s.Failures) + truth(s.Err != nil))
	m.took.WithLabelValues().Set(s.Took.Seconds())
	if s.Err == nil {
		m.last.WithLabelValues().SetToCurrentTime()
	}
}

// Describe implements prometheus.Collector.
func (s sweeps) Describe(out chan<- *prometheus.Desc) {
	for _, m := range s.all() {
		m.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (s sweeps) Collect(out chan<- prometheus.Metric) {
	for _, m := range s.all() {
		m.Collect(out)
	}
}

func (s sweeps) all() []prometheus.Collector {
	return []prometheus.Collector{s.runs, s.done, s.failures, s.took, s.left, s.last}
}
