package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wertfach/wertfach/audit"
)

// Sources are asked whenever somebody looks at the metrics. Those that are nil
// are left out. Each answers at once, or within the two seconds of a health check.
type Sources struct {
	// Health says which of the things that the server needs can be used now.
	Health func(context.Context) Health
	// Audit tells of the audit log. SpoolBytes and SpoolAge bound what may wait in
	// its spool before every call fails.
	Audit      func() audit.Stats
	SpoolBytes int64
	SpoolAge   time.Duration
	// Backlog counts what waits for a sweep; false while that is not known.
	Backlog func() (Backlog, bool)
	// Certificate is when the server's certificate ends; false where unknown.
	Certificate func() (time.Time, bool)
	// VaultToken is when Vault stops taking our token unless it is renewed; false
	// for one that does not end.
	VaultToken func() (time.Time, bool)
	// Connections says how many connections are open, those that have not proved yet
	// who they are among them, and how many may be.
	Connections func() (open, most int)
}

// Backlog is what waits for a sweep.
type Backlog struct {
	// Due are customers of whom something is due, Erasing are erasures that were
	// begun, BrokenOff are changes that left traces.
	Due, Erasing, BrokenOff int
	// Oldest is the beginning of the day since when something is due, the longest
	// ago; zero where nothing is.
	Oldest time.Time
}

// Watch has the sources asked from now on. It is called once.
func (t *Telemetry) Watch(s Sources) {
	if t != nil && t.metrics != nil {
		t.metrics.registry.MustRegister(sources{s})
	}
}

// sources is a collector: it reads, and counts nothing.
type sources struct{ Sources }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("wertfach_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector. It says nothing, as what there is
// depends on the answers: the registry takes that for an unchecked collector.
func (sources) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s sources) Collect(out chan<- prometheus.Metric) {
	gauge := func(value float64, name, help string) {
		out <- prometheus.MustNewConstMetric(desc(name, help), prometheus.GaugeValue, value)
	}
	if s.Health != nil {
		h := s.Health(context.Background())
		gauge(truth(h.Ready), "ready", "1 while the server could serve a call, else 0.")
		for _, p := range h.Parts {
			out <- prometheus.MustNewConstMetric(desc("part_ready", "1 while this part of what the server needs can be used, else 0.", "part"),
				prometheus.GaugeValue, truth(p.Ready), p.Name)
		}
	}
	if s.Audit != nil {
		s.audit(out, s.Audit())
	}
	if s.Backlog != nil {
		if b, known := s.Backlog(); known {
			s.backlog(out, b)
		}
	}
	if s.Certificate != nil {
		if ends, known := s.Certificate(); known {
			gauge(seconds(ends), "certificate_expires_timestamp_seconds", "When the server's certificate ends, in Unix time.")
		}
	}
	if s.VaultToken != nil {
		if ends, known := s.VaultToken(); known {
			gauge(seconds(ends), "vault_token_expires_timestamp_seconds", "When the token for Vault ends unless it is renewed, in Unix time.")
		}
	}
	if s.Connections != nil {
		open, most := s.Connections()
		gauge(float64(open), "connections_accepted", "Connections that are open, those that have not proved yet who they are among them.")
		gauge(float64(most), "connections_limit", "How many may be open before further ones wait.")
	}
}

func (s sources) audit(out chan<- prometheus.Metric, a audit.Stats) {
	for _, m := range []struct {
		name, help string
		kind       prometheus.ValueType
		value      float64
	}{
		{"audit_events_total", "Events that went on record.", prometheus.CounterValue, float64(a.Recorded)},
		{"audit_segments_total", "Segments of events that reached the locked store.", prometheus.CounterValue, float64(a.Segments)},
		{"audit_unshipped_events", "Events that are in the spool and not in the locked store yet.", prometheus.GaugeValue, float64(a.Events)},
		{"audit_unshipped_bytes", "The same in bytes.", prometheus.GaugeValue, float64(a.Bytes)},
		{"audit_spool_capacity_bytes", "How many bytes may wait in the spool before every call fails.", prometheus.GaugeValue, float64(s.SpoolBytes)},
		{"audit_lag_seconds", "The age of the oldest event that is not in the locked store yet.", prometheus.GaugeValue, a.Lag.Seconds()},
		{"audit_lag_limit_seconds", "How old it may be before every call fails.", prometheus.GaugeValue, s.SpoolAge.Seconds()},
		{"audit_refusing", "1 while no events are taken, and so every call fails, else 0.", prometheus.GaugeValue, truth(a.Refusing)},
	} {
		out <- prometheus.MustNewConstMetric(desc(m.name, m.help), m.kind, m.value)
	}
	failures := desc("audit_failures_total", "Writes of the audit log that failed: to the spool, to the locked store, and of a chain's head.", "target")
	for target, n := range map[string]uint64{"spool": a.SpoolFailures, "locked_store": a.ShipFailures, "head": a.HeadFailures} {
		out <- prometheus.MustNewConstMetric(failures, prometheus.CounterValue, float64(n), target)
	}
}

func (sources) backlog(out chan<- prometheus.Metric, b Backlog) {
	d := desc("sweep_backlog", "What waits for a sweep: customers of whom something is due, erasures begun, changes that broke off.", "kind")
	for kind, n := range map[string]int{"due": b.Due, "erasing": b.Erasing, "broken_off": b.BrokenOff} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), kind)
	}
	age := 0.0
	if !b.Oldest.IsZero() {
		age = max(0, time.Since(b.Oldest).Seconds())
	}
	out <- prometheus.MustNewConstMetric(desc("sweep_oldest_due_seconds", "For how long something of a customer has been due by the retention rules that is not gone, at the longest; 0 if nothing is."),
		prometheus.GaugeValue, age)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.Unix()) }
