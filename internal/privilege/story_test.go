package privilege_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/custodytest"
)

func customer(id string) resource.Customer {
	return resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: id}
}

// TestErasureByServerAndSweeper: the server begins an erasure, says so, and the
// next sweep finishes it, without waiting for any claim to end.
func TestErasureByServerAndSweeper(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newSite(t)
	server, sweeper := s.custodian(t, deploy.Server), s.custodian(t, deploy.Sweeper)
	name, values := customer("4711"), custodytest.NewSpecimens(1)
	if _, err := server.Enrol(ctx, name, custody.Enrolment{Values: values.PlainCustomer(), Services: custodytest.Services()}); err != nil {
		t.Fatal(err)
	}
	req := custody.Request{ID: "once", Content: []byte("erase")}
	for range 2 {
		_, err := server.Erase(ctx, name, "asked for it", "", req)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.Reason != custody.ReasonErasurePending || e.RetryAfter < time.Second {
			t.Fatalf("got %v", err)
		}
		if _, err := server.Customer(ctx, name); fault.ReasonOf(err) != custody.ReasonBeingErased {
			t.Errorf("still given out: %v", err)
		}
	}
	if report, err := server.Sweep(ctx, custody.SweepOptions{}); err != nil || report != (custody.SweepReport{Failures: 1}) {
		t.Errorf("a sweep with the server's rights: %v, %+v", err, report)
	}
	if report, err := sweeper.Sweep(ctx, custody.SweepOptions{}); err != nil || report != (custody.SweepReport{Resumed: 1}) {
		t.Errorf("the sweep: %v, %+v", err, report)
	}
	out, err := server.Erase(ctx, name, "asked for it", "", req)
	if err != nil || out.Statement.Destroyed["dossier"] != 1 {
		t.Errorf("afterwards: %v, %+v", err, out.Statement)
	}
}
