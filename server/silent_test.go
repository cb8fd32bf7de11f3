package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// TestSilentCallsEnd: who begins a call and never sends what it asks for is not
// waited for without an end.
func TestSilentCallsEnd(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *server.Config) { c.Timeout = idle })
	conn := s.connect(t)
	for method, want := range map[string]codes.Code{
		wertfachv1.CustomerService_GetCustomer_FullMethodName:  codes.DeadlineExceeded,
		wertfachv1.ArtefactService_DownloadScan_FullMethodName: codes.Aborted,
		"/grpc.health.v1.Health/Check":                         codes.DeadlineExceeded,
	} {
		stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		ok(t, err)
		ended := make(chan error, 1)
		go func() { ended <- stream.RecvMsg(&wertfachv1.Customer{}) }()
		select {
		case err := <-ended:
			if status.Code(err) != want {
				t.Errorf("%s: %v", method, err)
			}
		case <-time.After(patience):
			t.Errorf("%s is still open", method)
		}
	}
}

// TestTimeoutChanges: what may a call take is changed while the server runs.
func TestTimeoutChanges(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	client := wertfachv1.NewCustomerServiceClient(s.connect(t))
	get := func() codes.Code {
		_, err := client.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/4711"})
		return status.Code(err)
	}
	if got := get(); got != codes.NotFound {
		t.Error(got)
	}
	s.SetTimeout(1)
	if got := get(); got != codes.DeadlineExceeded {
		t.Errorf("with no time at all: %v", got)
	}
	s.SetTimeout(0)
	if got := get(); got != codes.NotFound {
		t.Errorf("with the default again: %v", got)
	}
}
