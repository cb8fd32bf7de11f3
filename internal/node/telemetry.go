package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/telemetry"
)

// Watched is a process that tells how it works, as far as its configuration asks
// for that: metrics and traces, and a listener for those who look at it. Where
// nothing is asked for, its Telemetry is nil and tells nothing.
type Watched struct {
	*telemetry.Telemetry
	config  *config.Config
	admin   *telemetry.Admin
	backlog *telemetry.Remembered[telemetry.Backlog]
}

// Option changes how [Open] opens back ends.
type Option func(*Backends)

// ObservedBy has t told of all calls to the back ends; a nil one is told nothing.
func ObservedBy(t *telemetry.Telemetry) Option { return func(b *Backends) { b.telemetry = t } }

// Watch begins to tell. It comes first in a process: while that waits for Vault,
// the listener says that it lives and is not ready. Close it last.
func Watch(ctx context.Context, c *config.Config, version string, health *Health, log *slog.Logger) (*Watched, error) {
	asked, w := c.Telemetry, &Watched{config: c}
	o := telemetry.Config{Metrics: asked.Listen != "", Version: version, Log: log}
	if asked.OTLPEndpoint != "" {
		o.Traces = &telemetry.Traces{
			Endpoint: asked.OTLPEndpoint, CAFile: asked.OTLPCAFile, Ratio: asked.SampleRatio, ServiceName: asked.ServiceName,
		}
	}
	var err error
	if w.Telemetry, err = telemetry.New(o); err != nil {
		return nil, fmt.Errorf("telemetry.otlp_ca_file: %w", err)
	}
	if asked.Listen != "" {
		if w.admin, err = w.Listen(ctx, asked.Listen, health.State); err != nil {
			w.Telemetry.Close(ctx)
			return nil, fmt.Errorf("telemetry.listen: %w", err)
		}
		log.Info("metrics and health are told", "address", w.admin.Address())
	}
	return w, nil
}

// AdminAddress is where metrics and health are told, host:port; empty where they
// are not.
func (w *Watched) AdminAddress() string {
	if w.admin == nil {
		return ""
	}
	return w.admin.Address()
}

// Served is what a server that runs can be asked about.
type Served struct {
	Health    *Health
	Backends  *Backends
	Custodian *custody.Custodian
	Audit     *AuditLog
	// TLS is the configuration whose certificate is shown.
	TLS *tls.Config
	// Connections says how many connections are open, and how many may be.
	Connections func() (open, most int)
}

const (
	// backlogEvery is how often at most what waits for a sweep is counted, and
	// backlogTime how long that may take. It lists names that are there only until
	// the next sweep, a thousand of a kind at most.
	backlogEvery = time.Minute
	backlogTime  = 30 * time.Second
	backlogMost  = 1000
)

// Serving has the server asked about whatever somebody looks at.
func (w *Watched) Serving(s Served) {
	w.backlog = telemetry.Remember(backlogEvery, backlogTime, func(ctx context.Context) (telemetry.Backlog, error) {
		b, err := s.Custodian.Backlog(ctx, w.config.Sweep.Grace, backlogMost)
		return telemetry.Backlog{Due: b.Due, Erasing: b.Erasing, BrokenOff: b.BrokenOff, Oldest: b.OldestDue}, err
	})
	w.Watch(telemetry.Sources{
		Health: s.Health.State,
		Audit:  s.Audit.Stats,
		// What the log has where the configuration is silent.
		SpoolBytes: cmp.Or(int64(w.config.Audit.SpoolSize), audit.DefaultMaxBytes), SpoolAge: cmp.Or(w.config.Audit.SpoolAge, audit.DefaultMaxAge),
		Backlog:     w.backlog.Last,
		Certificate: func() (time.Time, bool) { return certificateEnds(s.TLS) },
		VaultToken:  s.Backends.tokenEnds,
		Connections: s.Connections,
	})
}

// Swept tells of a sweep that has ended, and how long it took.
func (w *Watched) Swept(r custody.SweepReport, took time.Duration, err error) {
	w.Telemetry.Swept(telemetry.Sweep{
		Resumed: r.Resumed, Erased: r.Erased, Shed: r.Shed, Settled: r.Settled, Removed: r.Removed, Failures: r.Failures, Took: took, Err: err,
	})
}

// watchedEnd is how long it may take to end, even where nothing is left of the time
// to stop.
const watchedEnd = 2 * time.Second

// Close sends the spans that are left and stops the listener, in two seconds at
// most. It comes before the back ends are closed.
func (w *Watched) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), watchedEnd)
	defer cancel()
	var err error
	if w.admin != nil {
		err = w.admin.Close(ctx)
	}
	if w.backlog != nil {
		w.backlog.Close()
	}
	w.Telemetry.Close(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // a scrape was cut off
	}
	return err
}

// certificateEnds is when the certificate ends that is shown now: it may have been
// renewed.
func certificateEnds(c *tls.Config) (time.Time, bool) {
	if c != nil && c.GetConfigForClient != nil {
		if now, err := c.GetConfigForClient(&tls.ClientHelloInfo{}); err == nil && now != nil {
			c = now
		}
	}
	if c == nil || len(c.Certificates) == 0 || c.Certificates[0].Leaf == nil {
		return time.Time{}, false
	}
	return c.Certificates[0].Leaf.NotAfter, true
}
