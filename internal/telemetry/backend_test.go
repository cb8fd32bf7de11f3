package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/telemetry"
	"github.com/wertfach/wertfach/vault"
)

// TestOutcomes: each kind of error is one word, whatever is around it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := open(t, telemetry.Config{Metrics: true})
	observe := s.Observer(telemetry.Store)
	for outcome, errs := range map[string][]error{
		"ok":          {nil},
		"not_found":   {vault.ErrNotFound, blobstore.ErrNotFound},
		"conflict":    {blobstore.ErrConflict},
		"invalid":     {vault.ErrInvalid, blobstore.ErrName, blobstore.ErrSize, blobstore.ErrTooLarge},
		"caller":      {context.Canceled, fault.New(fault.Invalid, "SCAN", "no scan"), status.Error(codes.Canceled, "gone")},
		"denied":      {vault.ErrDenied},
		"timeout":     {context.DeadlineExceeded},
		"unavailable": {vault.ErrUnavailable, blobstore.ErrUnavailable},
		"failed":      {errors.New(marker)},
	} {
		for _, err := range errs {
			if err != nil {
				err = fmt.Errorf("get %s: %w", marker, err)
			}
			_, done := observe(t.Context(), "get")
			done(err)
		}
		s.eventually(t, fmt.Sprintf(`wertfach_backend_duration_seconds_count{backend="store",op="get",outcome=%q}`, outcome), fmt.Sprint(len(errs)))
	}
	s.leaksNothing(t)
}

// TestOff: what is not configured is not there, and harms nobody.
func TestOff(t *testing.T) {
	t.Parallel()
	off, err := telemetry.New(telemetry.Config{})
	if off != nil || err != nil {
		t.Fatalf("got %v, %v", off, err)
	}
	if off.Observer(telemetry.Vault) != nil || off.ServerOptions() != nil {
		t.Error("calls are observed")
	}
	off.Refused("ANY")
	off.Watch(telemetry.Sources{})
	off.Swept(telemetry.Sweep{})
	off.Close(t.Context())
}
