package node_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/grpcfault"
	"github.com/wertfach/wertfach/internal/node"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	who "github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
)

// TestUpdateOfCallers: who is struck from the configuration is out at the next
// call, on a connection that is open already; who is back in it gets on.
func TestUpdateOfCallers(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	c := embedded(t, id)
	n := start(t, node.Options{Config: c, Prepare: true})
	read := id.reader(t, n)

	without := *c
	without.Callers = []config.Caller{{URI: "spiffe://dev.wertfach.example/core-banking/*", Roles: []string{"core-banking"}, Institutes: []string{"*"}}}
	for _, step := range []struct {
		name   string
		config *config.Config
		want   codes.Code
		reason string
	}{
		{"started", nil, codes.NotFound, ""},
		{"struck", &without, codes.Unauthenticated, who.ReasonCertificate},
		{"back", c, codes.NotFound, ""},
	} {
		if step.config != nil {
			if err := n.Update(step.config); err != nil {
				t.Fatal(err)
			}
		}
		err := read()
		if status.Code(err) != step.want || step.reason != "" && fault.ReasonOf(grpcfault.FromStatus(err)) != step.reason {
			t.Errorf("%s: got %v, want %v %s", step.name, err, step.want, step.reason)
		}
	}
}

// TestUpdateOfLimits: a caller that is known already has the new bounds, and not
// what is left of the old ones.
func TestUpdateOfLimits(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	c := embedded(t, id)
	n := start(t, node.Options{Config: c, Prepare: true})
	read := id.reader(t, n)

	const burst = 50 // far above what one a second lets through, far below the default
	exhausted := func() (refused int) {
		t.Helper()
		for range burst {
			switch err := read(); status.Code(err) {
			case codes.NotFound:
			case codes.ResourceExhausted:
				refused++
				if reason := fault.ReasonOf(grpcfault.FromStatus(err)); reason != limit.ReasonRate {
					t.Errorf("refused for %s", reason)
				}
			default:
				t.Fatal(err)
			}
		}
		return refused
	}
	if got := exhausted(); got != 0 {
		t.Fatalf("before: %d calls of %d are refused", got, burst)
	}
	slow := *c
	slow.Calls.Machine.Read = 1
	if err := n.Update(&slow); err != nil {
		t.Fatal(err)
	}
	if got := exhausted(); got == 0 || got == burst {
		t.Errorf("at one call a second: %d calls of %d are refused", got, burst)
	}
	if err := n.Update(c); err != nil {
		t.Fatal(err)
	}
	if got := exhausted(); got != 0 {
		t.Errorf("as before: %d calls of %d are refused", got, burst)
	}
}

// reader reads, on one connection, a customer that is not there: NOT_FOUND is
// the answer for a caller who may ask.
func (id identity) reader(t *testing.T, n *node.Node) func() error {
	t.Helper()
	client := wertfachv1.NewCustomerServiceClient(id.dial(t, n))
	return func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := client.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/4711"})
		return err
	}
}
