package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the admin listener.
const (
	scrapes    = 4 // at once; further ones are sent away
	headerTime = 5 * time.Second
	answerTime = 15 * time.Second
	idleTime   = 2 * time.Minute // longer than between two scrapes
	maxHeader  = 16 << 10        // bytes
)

// handler answers /metrics, /healthz (the process lives) and /readyz (it could do
// its work now, as far as health says).
func (t *Telemetry) handler(health func(context.Context) Health) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "alive\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		health(r.Context()).ServeHTTP(w, r)
	})
	if t != nil && t.metrics != nil {
		// Compression would take a MiB of memory for good, to save some KiB on a
		// network that is near.
		mux.Handle("GET /metrics", promhttp.HandlerFor(t.metrics.registry,
			promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: scrapes}))
	}
	return mux
}

// Admin is the listener for those who watch the process. It speaks plain HTTP and
// asks nobody who they are, so it belongs on loopback or on a private network.
type Admin struct {
	listener net.Listener
	server   *http.Server
	served   chan error
}

// Listen answers on that address, host:port, until [Admin.Close].
func (t *Telemetry) Listen(ctx context.Context, address string, health func(context.Context) Health) (*Admin, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	a := &Admin{listener, &http.Server{
		Handler:           t.handler(health),
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader,
		// What it would log are the addresses of those who broke off.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}, make(chan error, 1)}
	go func() { a.served <- a.server.Serve(listener) }()
	return a, nil
}

// Address is where it listens, host:port.
func (a *Admin) Address() string { return a.listener.Addr().String() }

// Close lets answers under way finish while ctx lasts, and stops.
func (a *Admin) Close(ctx context.Context) error {
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = a.server.Close()
	}
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
