package server_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// A handler that panics costs its caller an INTERNAL and nobody else anything.
// What the panic said is told to nobody: it may hold a value.
func TestPanicIsInternal(t *testing.T) {
	t.Parallel()
	const secret = "PUK 26354188"
	for name, panics := range map[string]func(){
		"text":    func() { panic("cannot reveal " + secret) },
		"error":   func() { panic(errors.New(secret)) },
		"value":   func() { panic(struct{ puk string }{secret}) },
		"runtime": func() { _ = []string{secret}[len(secret)] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *server.Config) { c.Ready = func(context.Context) error { panics(); return nil } })
			client := healthv1.NewHealthClient(s.connect(t))
			_, unary := client.Check(t.Context(), &healthv1.HealthCheckRequest{})
			stream, err := client.Watch(t.Context(), &healthv1.HealthCheckRequest{})
			ok(t, err)
			_, streamed := stream.Recv()
			for way, err := range map[string]error{"unary": unary, "stream": streamed} {
				st := status.Convert(err)
				if st.Code() != codes.Internal || strings.Contains(st.String(), secret) || strings.Contains(st.String(), "panic") {
					t.Errorf("%s: %v", way, st)
				}
				call := regexp.MustCompile(`as call (\w+)$`).FindStringSubmatch(st.Message())
				if call == nil {
					t.Errorf("%s: %q names no call for the operator", way, st.Message())
					continue
				}
				if line := s.log.line(t, "call="+call[1]+" caller=spiffe://dev.wertfach.example/portal/test cause="); !strings.Contains(line, "panic of type") || !strings.Contains(line, "guard_test.go:") {
					t.Errorf("%s: the log does not tell where it happened: %s", way, line)
				}
			}
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the panic's text was logged:\n%s", s.log)
			}
			if _, err := wertfachv1.NewCustomerServiceClient(s.connect(t)).GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{
				Name: "institutes/musterbank/customers/4711",
			}); status.Code(err) != codes.NotFound {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

var callID = regexp.MustCompile(`\bcall=[a-z2-7]{26}\b`)

// The log has a line for each call: who, what, how it ended, how long it took.
func TestLogOfACall(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	conn := s.connect(t)
	_, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	ok(t, err)
	_, err = wertfachv1.NewCustomerServiceClient(conn).GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{
		Name: "institutes/musterbank/customers/4711-geheim",
	})
	if status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
	for method, want := range map[string]string{
		"grpc.health.v1.Health/Check":             `level=DEBUG msg=call method=%s call=ID caller=spiffe://dev.wertfach.example/portal/test code=OK reason="" took=`,
		"wertfach.v1.CustomerService/GetCustomer": `level=INFO msg=call method=%s call=ID caller=spiffe://dev.wertfach.example/portal/test code=NotFound reason=CUSTOMER_NOT_FOUND took=`,
	} {
		if line := callID.ReplaceAllString(s.log.line(t, method), "call=ID"); !strings.Contains(line, strings.Replace(want, "%s", method, 1)) {
			t.Errorf("logged %s", line)
		}
	}
	if strings.Contains(s.log.String(), "geheim") {
		t.Errorf("a name was logged:\n%s", s.log)
	}
}

// A request that is no message of its call, or too large a one, is on record like
// any other call, though gRPC has answered it by itself.
func TestMalformedRequest(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	for want, request := range map[codes.Code][]byte{codes.Internal: {0xff, 0xff}, codes.ResourceExhausted: make([]byte, 2<<20)} {
		begun := time.Now()
		err := s.connect(t).Invoke(t.Context(), "/wertfach.v1.ArtefactService/RevealArtefact", request, new([]byte), grpc.ForceCodecV2(bytesCodec{}))
		if status.Code(err) != want {
			t.Fatal(err)
		}
		// gRPC's answer does not wait for the record, as the others do.
		events := s.edge.Recorded(t, begun)
		for late := begun.Add(patience); len(events) == 0 && time.Now().Before(late); {
			events = s.edge.Recorded(t, begun)
		}
		if len(events) != 1 || events[0].Action != "ArtefactService/RevealArtefact" || events[0].Code != "INVALID_ARGUMENT" || events[0].Reason != server.ReasonMalformed {
			t.Errorf("%v is on record as %+v", want, events)
		}
	}
}

// bytesCodec sends bytes as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (bytesCodec) Name() string { return "proto" }
