package node_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestConnections: what the configuration says of connections is what a server
// keeps to, and tells.
func TestConnections(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	c := embedded(t, id)
	c.Telemetry.Listen = "127.0.0.1:0"
	c.Connections = config.Connections{Max: 1, MessageSize: 64 << 10}
	n := start(t, node.Options{Config: c, Prepare: true})
	first, second := id.dial(t, n), id.dial(t, n)
	get := func(client wertfachv1.CustomerServiceClient, size int, within time.Duration) codes.Code {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := client.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: strings.Repeat("x", size)})
		return status.Code(err)
	}
	for size, want := range map[int]codes.Code{60 << 10: codes.InvalidArgument, 64 << 10: codes.ResourceExhausted} {
		if got := get(wertfachv1.NewCustomerServiceClient(first), size, patience); got != want {
			t.Errorf("a request of some %d bytes: got %v, want %v", size, got, want)
		}
	}
	if got := get(wertfachv1.NewCustomerServiceClient(second), 1, time.Second/2); got != codes.DeadlineExceeded {
		t.Errorf("a second connection: %v", got)
	}
	answer, err := http.Get("http://" + n.Watched().AdminAddress() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\nwertfach_connections_accepted 1\n", "\nwertfach_connections_limit 1\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("it does not tell %q", line)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := get(wertfachv1.NewCustomerServiceClient(second), 1, patience); got != codes.InvalidArgument {
		t.Errorf("a second connection after the first: %v", got)
	}
}
