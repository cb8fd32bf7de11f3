package server_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/server"
)

// Health is looked at, not remembered.
func TestHealthTellsTheTruth(t *testing.T) {
	t.Parallel()
	var away, hangs atomic.Bool
	s := open(t, func(c *server.Config) {
		c.Ready = func(ctx context.Context) error {
			if hangs.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			if away.Load() {
				return errAway
			}
			return nil
		}
	})
	client := healthv1.NewHealthClient(s.connect(t))
	says := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		got, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{})
		if err != nil || got.GetStatus() != want {
			t.Errorf("%v, %v; want %v", got.GetStatus(), err, want)
		}
		list, err := client.List(t.Context(), &healthv1.HealthListRequest{})
		if err != nil || len(list.GetStatuses()) != 1 || list.GetStatuses()[""].GetStatus() != want {
			t.Errorf("listed %v, %v; want %v", list, err, want)
		}
	}
	says(healthv1.HealthCheckResponse_SERVING)
	away.Store(true)
	says(healthv1.HealthCheckResponse_NOT_SERVING)
	away.Store(false)
	says(healthv1.HealthCheckResponse_SERVING)
	hangs.Store(true)
	says(healthv1.HealthCheckResponse_NOT_SERVING)
	// The operator hears of each change once.
	if ill, well := strings.Count(s.log.String(), "level=WARN msg=\"keys, objects"), strings.Count(s.log.String(), "used again"); ill != 2 || well != 1 {
		t.Errorf("told %d times that it is away and %d times that it is back:\n%s", ill, well, s.log)
	}
}

// Who watches hears at once how it is, and of the end.
func TestWatchedHealthEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	client := healthv1.NewHealthClient(s.connect(t))
	watch := func(service string, want healthv1.HealthCheckResponse_ServingStatus) healthv1.Health_WatchClient {
		t.Helper()
		stream, err := client.Watch(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		ok(t, err)
		first, err := stream.Recv()
		if err != nil || first.GetStatus() != want {
			t.Errorf("%q: %v, %v; want %v", service, first, err, want)
		}
		return stream
	}
	whole := watch("", healthv1.HealthCheckResponse_SERVING)
	part := watch("wertfach.v1.ArtefactService", healthv1.HealthCheckResponse_SERVICE_UNKNOWN)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.Shutdown(ctx)
	for _, stream := range []healthv1.Health_WatchClient{whole, part} {
		if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("a watch ended with %v", err)
		}
	}
	ok(t, ctx.Err()) // they did not hold up the stop
	ok(t, <-s.served)
}
