package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestStoresThatAreAway takes Vault and MinIO away from under a server. Health
// says so, every call is answered with the documented error, nothing changes,
// and all of it works again without a restart.
func TestStoresThatAreAway(t *testing.T) {
	t.Parallel()
	v, m := testenv.NewVault(t), testenv.NewMinio(t)
	s := newScene(t, realBackends(t, v, m))
	x := s.target(t, "outage")
	health := healthv1.NewHealthClient(s.conn)
	says := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		got, err := health.Check(t.Context(), &healthv1.HealthCheckRequest{})
		if err != nil || got.GetStatus() != want {
			t.Errorf("health is %v, %v; want %v", got.GetStatus(), err, want)
		}
	}
	says(healthv1.HealthCheckResponse_SERVING)
	for _, outage := range []struct {
		what       string
		begin, end func() error
	}{
		{"Vault is sealed", func() error { return v.Seal(t.Context()) }, func() error { return v.Unseal(t.Context()) }},
		{"Vault is gone", v.Kill, func() error { return v.Restart(t.Context()) }},
		{"MinIO is gone", m.Stop, func() error { return m.Restart(t.Context()) }},
	} {
		before := s.snapshot(t)
		ok(t, outage.begin())
		says(healthv1.HealthCheckResponse_NOT_SERVING)
		for _, m := range everyMethod(t) {
			if m.Name() == "GetErasureReceipt" && outage.what != "MinIO is gone" {
				continue // which needs no key
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := s.call(ctx, m, requests()[m.Name()].good(fresh(m, x)))
			cancel()
			code, reason, _ := said(err)
			if code != codes.Unavailable || reason != "BACKEND_UNAVAILABLE" && reason != "AUDIT_UNAVAILABLE" {
				t.Errorf("%s: %s: %v", outage.what, m.Name(), err)
			}
		}
		ok(t, outage.end())
		says(healthv1.HealthCheckResponse_SERVING)
		// An enrolment that can't tell whether it was written leaves its key, for
		// it may be the one of a dossier that is there.
		changed := difference(before, s.snapshot(t))
		if strings.Contains(changed, "object ") || strings.Count(changed, "key ") > map[string]int{"MinIO is gone": 1}[outage.what] {
			t.Errorf("%s: something changed:\n%s", outage.what, changed)
		}
		for late := time.Now().Add(patience); ; { // the audit log looks a moment later
			_, err := s.artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
				Name: x.sim.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
			})
			if _, reason, _ := said(err); reason == "AUDIT_UNAVAILABLE" && time.Now().Before(late) {
				continue
			}
			ok(t, err)
			break
		}
	}
}

// TestStoreThatHangs is a MinIO that takes requests and does not answer: the
// caller's deadline holds.
func TestStoreThatHangs(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := newScene(t, realBackends(t, testenv.SharedVault(t), m))
	ok(t, m.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: s.erika.GetName()})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a store that hangs: %v", err)
	}
	health, err := healthv1.NewHealthClient(s.conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health of a store that hangs: %v, %v", health, err)
	}
	ok(t, m.Resume())
	_, err = s.customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: s.erika.GetName()})
	ok(t, err)
}

// TestClientSurvivesARestart shows that the Go client repeats what is safe to
// repeat: a store that comes back within its patience costs the portal nothing.
func TestClientSurvivesARestart(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := newScene(t, realBackends(t, testenv.SharedVault(t), m))
	c := s.client(t, "portal")
	ok(t, m.Stop())
	back := make(chan error, 1)
	done := make(chan error, 1)
	go func() {
		_, err := c.Artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{Parent: s.erika.GetName(), Artefact: bike()})
		done <- err
	}()
	s.log.await(t, 1, "method=wertfach.v1.ArtefactService/RegisterArtefact", "code=Unavailable")
	go func() { back <- m.Restart(t.Context()) }()
	ok(t, <-back)
	ok(t, <-done)
	n := 0
	for a, err := range c.AllArtefacts(t.Context(), s.erika.GetName()) {
		ok(t, err)
		if a.GetBike() != nil {
			n++
		}
	}
	equal(t, n, 2) // that of the scene, and this one once
}
