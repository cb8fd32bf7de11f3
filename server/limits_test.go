package server_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/limit"
)

// A caller that calls too often is told when to come back, and is on record.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	const calls = 5
	r := limit.Rates{Read: calls, Write: 1, Reveal: 1, Verify: 1, Burst: 1, Concurrent: 10, Streams: 10}
	s := open(t, func(c *server.Config) { c.Limits = limit.New(r, r, func() time.Time { return time.Unix(1e9, 0) }) }) // time stands still
	begun := time.Now()
	client := wertfachv1.NewCustomerServiceClient(s.connect(t))
	for n := range calls + 2 {
		_, err := client.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/4711"})
		if n < calls {
			if status.Code(err) != codes.NotFound {
				t.Errorf("call %d: %v", n, err)
			}
			continue
		}
		wait := time.Duration(0)
		for _, detail := range status.Convert(err).Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok {
				wait = retry.GetRetryDelay().AsDuration()
			}
		}
		if status.Code(err) != codes.ResourceExhausted || wait <= 0 || wait > time.Second {
			t.Errorf("call %d: %v, to wait %v", n, err, wait)
		}
	}
	refused := 0
	for _, e := range s.edge.Recorded(t, begun) {
		if e.Code == "RESOURCE_EXHAUSTED" && e.Reason == limit.ReasonRate {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 2 refusals are on record", refused)
	}
}
