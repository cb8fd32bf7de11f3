package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/internal/telemetry"
)

// TestAdmin asks what probes and Prometheus ask, and what they should not.
func TestAdmin(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(telemetry.Config{Metrics: true})
	ok(t, err)
	state := telemetry.Health{Ready: true, Parts: []telemetry.Part{{Name: "keys", Ready: true}}}
	s := &site{Telemetry: tel}
	s.admin, err = tel.Listen(t.Context(), "127.0.0.1:0", func(context.Context) telemetry.Health { return state })
	ok(t, err)
	for _, want := range []struct {
		path, body string
		code       int
	}{
		{"/healthz", "alive\n", http.StatusOK},
		{"/readyz", "keys ready\n", http.StatusOK},
		{"/", "", http.StatusNotFound},
		{"/debug/pprof/", "", http.StatusNotFound},
		{"/debug/vars", "", http.StatusNotFound},
	} {
		if code, body := s.get(t, want.path); code != want.code || want.body != "" && body != want.body {
			t.Errorf("%s: %d\n%s", want.path, code, body)
		}
	}
	for _, away := range []telemetry.Health{
		{Parts: []telemetry.Part{{Name: "keys", Ready: true}, {Name: "audit"}}}, {Phase: "starting"}, {Phase: "stopping"},
	} {
		state = away
		if code, body := s.get(t, "/readyz"); code != http.StatusServiceUnavailable || body != away.String() {
			t.Errorf("%+v: %d\n%s", away, code, body)
		}
	}
	if code, _ := s.get(t, "/healthz"); code != http.StatusOK {
		t.Error("a process whose back ends are away is told to be dead")
	}
	answer, err := http.Post("http://"+s.admin.Address()+"/metrics", "text/plain", strings.NewReader(""))
	ok(t, err)
	answer.Body.Close()
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", answer.Status)
	}
	ok(t, s.admin.Close(t.Context()))
	if _, err := tel.Listen(t.Context(), "192.0.2.1:9464", nil); err == nil {
		t.Error("it listens on an address that is not ours")
	}
}

// TestSources shows all that others tell.
func TestSources(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	ends := time.Unix(1_900_000_000, 0)
	s.Watch(telemetry.Sources{
		Health: func(context.Context) telemetry.Health {
			return telemetry.Health{Parts: []telemetry.Part{{Name: "keys", Ready: true}, {Name: "audit"}}}
		},
		Audit: func() audit.Stats {
			return audit.Stats{Recorded: 7, Segments: 3, SpoolFailures: 1, ShipFailures: 2, HeadFailures: 4, Events: 5, Bytes: 600, Lag: 90 * time.Second, Refusing: true}
		},
		SpoolBytes: 1000, SpoolAge: 10 * time.Minute,
		Backlog: func() (telemetry.Backlog, bool) {
			return telemetry.Backlog{Due: 1, Erasing: 2, BrokenOff: 3, Oldest: time.Now().Add(-time.Hour)}, true
		},
		Certificate: func() (time.Time, bool) { return ends, true },
		VaultToken:  func() (time.Time, bool) { return ends, false },
		Connections: func() (open, most int) { return 17, 4096 },
	})
	got := s.scrape(t)
	for sample, want := range map[string]string{
		"wertfach_ready": "0", `wertfach_part_ready{part="keys"}`: "1", `wertfach_part_ready{part="audit"}`: "0",
		"wertfach_audit_events_total": "7", "wertfach_audit_segments_total": "3", "wertfach_audit_unshipped_events": "5",
		"wertfach_audit_unshipped_bytes": "600", "wertfach_audit_lag_seconds": "90", "wertfach_audit_lag_limit_seconds": "600",
		"wertfach_audit_spool_capacity_bytes": "1000", "wertfach_audit_refusing": "1",
		`wertfach_audit_failures_total{target="spool"}`: "1", `wertfach_audit_failures_total{target="locked_store"}`: "2",
		`wertfach_audit_failures_total{target="head"}`: "4",
		`wertfach_sweep_backlog{kind="due"}`:           "1", `wertfach_sweep_backlog{kind="erasing"}`: "2", `wertfach_sweep_backlog{kind="broken_off"}`: "3",
		"wertfach_certificate_expires_timestamp_seconds": "1.9e+09",
		"wertfach_connections_accepted":                  "17", "wertfach_connections_limit": "4096",
	} {
		if got[sample] != want {
			t.Errorf("%s: got %q, want %q", sample, got[sample], want)
		}
	}
	if age := got["wertfach_sweep_oldest_due_seconds"]; !strings.HasPrefix(age, "360") {
		t.Errorf("the oldest is due for %q s", age)
	}
	if token, there := got["wertfach_vault_token_expires_timestamp_seconds"]; there {
		t.Errorf("a token without end ends at %s", token)
	}
}

// TestSweeps: a process that never sweeps shows nothing of sweeps.
func TestSweeps(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	if _, body := s.get(t, "/metrics"); strings.Contains(body, "wertfach_sweep") {
		t.Error("there was no sweep")
	}
	s.Swept(telemetry.Sweep{Resumed: 1, Erased: 2, Settled: 3, Removed: 4, Took: 2 * time.Second})
	s.Swept(telemetry.Sweep{Erased: 1, Failures: 2, Took: 3 * time.Second})
	last := s.scrape(t)["wertfach_sweep_last_timestamp_seconds"]
	s.Swept(telemetry.Sweep{Err: context.DeadlineExceeded, Took: time.Second})
	got := s.scrape(t)
	for sample, want := range map[string]string{
		`wertfach_sweeps_total{outcome="ok"}`: "1", `wertfach_sweeps_total{outcome="incomplete"}`: "1", `wertfach_sweeps_total{outcome="failed"}`: "1",
		`wertfach_sweep_done_total{what="erased"}`: "3", `wertfach_sweep_done_total{what="removed"}`: "4",
		"wertfach_sweep_failures_total": "2", "wertfach_sweep_last_failures": "1", "wertfach_sweep_duration_seconds": "1", "wertfach_sweep_last_timestamp_seconds": last,
	} {
		if got[sample] != want {
			t.Errorf("%s: got %q, want %q", sample, got[sample], want)
		}
	}
}
