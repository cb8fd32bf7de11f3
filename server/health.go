package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const (
	probeTime  = 2 * time.Second // how long a probe may take
	probeEvery = 5 * time.Second // how often a watched health is looked at
)

// health answers the standard health service by looking, not by remembering.
type health struct {
	healthv1.UnsafeHealthServer
	ready   func(context.Context) error
	log     *slog.Logger
	ill     atomic.Bool // whether the last probe failed
	stopped chan struct{}
	once    sync.Once
}

func newHealth(ready func(context.Context) error, log *slog.Logger) *health {
	return &health{ready: ready, log: log, stopped: make(chan struct{})}
}

// stop says that the server takes no further calls.
func (h *health) stop() { h.once.Do(func() { close(h.stopped) }) }

func (h *health) status(ctx context.Context) healthv1.HealthCheckResponse_ServingStatus {
	select {
	case <-h.stopped:
		return healthv1.HealthCheckResponse_NOT_SERVING
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := h.ready(ctx)
	switch was := h.ill.Swap(err != nil); {
	case err != nil && !was:
		h.log.WarnContext(ctx, "keys, objects or the audit log can't be used; not serving", slog.Any("cause", err))
	case err == nil && was:
		h.log.InfoContext(ctx, "keys, objects and the audit log can be used again; serving")
	}
	if err != nil {
		return healthv1.HealthCheckResponse_NOT_SERVING
	}
	return healthv1.HealthCheckResponse_SERVING
}

// Check probes keys and objects now. The whole server is the only service that
// it knows.
func (h *health) Check(ctx context.Context, req *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if req.GetService() != "" {
		return nil, status.Error(codes.NotFound, "service: only the whole server is known, by the empty name")
	}
	return &healthv1.HealthCheckResponse{Status: h.status(ctx)}, nil
}

// List gives the health of the whole server.
func (h *health) List(ctx context.Context, _ *healthv1.HealthListRequest) (*healthv1.HealthListResponse, error) {
	return &healthv1.HealthListResponse{Statuses: map[string]*healthv1.HealthCheckResponse{"": {Status: h.status(ctx)}}}, nil
}

// Watch tells of each change.
func (h *health) Watch(req *healthv1.HealthCheckRequest, stream healthv1.Health_WatchServer) error {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	last := healthv1.HealthCheckResponse_ServingStatus(-1)
	for {
		now := healthv1.HealthCheckResponse_SERVICE_UNKNOWN
		if req.GetService() == "" {
			now = h.status(stream.Context())
		}
		if now != last {
			if err := stream.Send(&healthv1.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			last = now
		}
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-h.stopped:
			return status.Error(codes.Unavailable, "the server is stopping")
		case <-ticker.C:
		}
	}
}
