package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/internal/telemetry"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func named(name string) *wertfachv1.GetArtefactRequest {
	return &wertfachv1.GetArtefactRequest{Name: name}
}

func count(rpc, code string) string {
	return fmt.Sprintf(`wertfach_rpc_duration_seconds_count{code=%q,rpc=%q}`, code, rpc)
}

// TestCalls counts calls by RPC and code, and refusals that it is told of.
func TestCalls(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true, Version: "1.2.3"})
	const rpc = "ArtefactService/GetArtefact"
	first := s.scrape(t)
	if first[count(rpc, "OK")] != "0" || first[count("CustomerService/EnrolCustomer", "OK")] != "0" {
		t.Error("the first scrape does not show every RPC")
	}
	if first[`wertfach_build_info{version="1.2.3"}`] != "1" {
		t.Error("the version is missing")
	}
	for name, times := range map[string]int{marker: 3, "denied": 2, "often": 1, "internal": 1, "corrupt": 1, "odd": 1} {
		for range times {
			_, err := s.GetArtefact(t.Context(), named(name))
			if (err == nil) != (name == marker) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	s.eventually(t, count(rpc, "OK"), "3")
	for sample, want := range map[string]string{
		count(rpc, "PermissionDenied"): "2", count(rpc, "ResourceExhausted"): "1", count(rpc, "Internal"): "1", count(rpc, "Unknown"): "1",
		`wertfach_rpcs_in_flight{rpc="` + rpc + `"}`: "0", `wertfach_connections`: "1", "wertfach_corrupt_total": "1",
		`wertfach_backend_duration_seconds_count{backend="vault",op="unwrap_all",outcome="ok"}`: "9",
	} {
		s.eventually(t, sample, want)
	}
	if told := s.scrape(t)[`wertfach_refused_total{reason="TRANSPORT"}`]; told != "" {
		t.Errorf("%s refusals of gRPC's own", told)
	}
	s.Refused("ROLE_NOT_ALLOWED")
	s.eventually(t, `wertfach_refused_total{reason="ROLE_NOT_ALLOWED"}`, "1")
	s.leaksNothing(t)
}

// TestCallsThatReachNoHandler are counted, and names that their callers made up are
// not repeated.
func TestCallsThatReachNoHandler(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	large := named(marker + strings.Repeat("x", 2<<20))
	if _, err := s.GetArtefact(t.Context(), large); status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	s.eventually(t, count("ArtefactService/GetArtefact", "ResourceExhausted"), "1")
	s.eventually(t, `wertfach_refused_total{reason="TRANSPORT"}`, "1")
	for _, method := range []string{"/wertfach.v1.ArtefactService/" + marker, "/" + marker + "/Get"} {
		err := s.conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
		if status.Code(err) != codes.Unimplemented {
			t.Fatal(err)
		}
	}
	s.leaksNothing(t)
}

// TestProbesAreNotCalls: health is asked every few seconds, and would hide what
// happens.
func TestProbesAreNotCalls(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	if _, err := healthv1.NewHealthClient(s.conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.GetArtefact(t.Context(), named("a"))
	ok(t, err)
	s.eventually(t, count("ArtefactService/GetArtefact", "OK"), "1")
	for sample, value := range s.scrape(t) {
		if strings.HasPrefix(sample, "wertfach_rpc_duration_seconds_count") && value != "0" && !strings.Contains(sample, "GetArtefact") {
			t.Errorf("%s %s", sample, value)
		}
	}
}

// TestCallsInFlight shows a download that goes on.
func TestCallsInFlight(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stream, err := s.DownloadScan(ctx, &wertfachv1.DownloadScanRequest{})
	ok(t, err)
	_, err = stream.Recv()
	ok(t, err)
	s.eventually(t, `wertfach_rpcs_in_flight{rpc="ArtefactService/DownloadScan"}`, "1")
	stop()
	s.eventually(t, `wertfach_rpcs_in_flight{rpc="ArtefactService/DownloadScan"}`, "0")
	s.eventually(t, count("ArtefactService/DownloadScan", "Canceled"), "1")
}

// leaksNothing searches a scrape for what no metric may hold.
func (s *site) leaksNothing(t *testing.T) {
	t.Helper()
	if _, body := s.get(t, "/metrics"); strings.Contains(body, marker) {
		t.Errorf("a metric holds what a caller sent:\n%s", body)
	}
}
