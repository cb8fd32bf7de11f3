package grpcfault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// failing is a server whose calls end with an error.
type failing struct {
	wertfachv1.UnimplementedArtefactServiceServer
	fail func(context.Context) error
}

func (f failing) GetArtefact(ctx context.Context, _ *wertfachv1.GetArtefactRequest) (*wertfachv1.Artefact, error) {
	return nil, grpcfault.Status(f.fail(ctx)).Err()
}

func (f failing) DownloadScan(_ *wertfachv1.DownloadScanRequest, stream wertfachv1.ArtefactService_DownloadScanServer) error {
	return grpcfault.Status(f.fail(stream.Context())).Err()
}

// serve starts a real server on loopback and gives a connection to it.
func serve(t *testing.T, fail func(context.Context) error, opts ...grpc.ServerOption) *grpc.ClientConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	wertfachv1.RegisterArtefactServiceServer(server, failing{fail: fail})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return dial(t, listener.Addr().String())
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// outcomes makes the failing call both ways, unary and as a stream.
func outcomes(ctx context.Context, conn *grpc.ClientConn) map[string]error {
	client := wertfachv1.NewArtefactServiceClient(conn)
	_, unary := client.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{})
	stream, streamed := client.DownloadScan(ctx, &wertfachv1.DownloadScanRequest{})
	if streamed == nil {
		_, streamed = stream.Recv()
	}
	return map[string]error{"unary": unary, "stream": streamed}
}

func TestEveryKindCrossesAndComesBack(t *testing.T) {
	t.Parallel()
	const secret = "s.4711-token"
	cause := errors.New("dial backend with " + secret)
	sent := map[codes.Code]*fault.Error{
		codes.InvalidArgument: {Kind: fault.Invalid, Reason: "INVALID_FIELD", Message: "two rules are broken", Violations: []fault.Violation{
			{Field: "artefact.sim_card.puk", Rule: "puk.length", Description: "must be 8 digits"},
			{Field: "artefact.label", Rule: "text.length", Description: "must have at most 1000 characters, ümlauts too"},
		}},
		codes.NotFound:           {Kind: fault.NotFound, Reason: "CUSTOMER_NOT_FOUND", Message: "the customer is not enrolled"},
		codes.AlreadyExists:      {Kind: fault.Exists, Reason: "CUSTOMER_EXISTS", Message: "the customer is enrolled already"},
		codes.FailedPrecondition: {Kind: fault.Precondition, Reason: "CONTRACT_ENDED", Message: "the contract is over"},
		codes.Aborted:            {Kind: fault.Aborted, Reason: "CONTENTION", Message: "too many changes", RetryAfter: 250 * time.Millisecond},
		codes.ResourceExhausted:  {Kind: fault.Exhausted, Reason: "TOO_MANY", Message: "at most 500 artefacts"},
		codes.Unavailable:        {Kind: fault.Unavailable, Reason: "BACKEND_UNAVAILABLE", Message: "a store can't be used", RetryAfter: time.Second},
		codes.DataLoss:           {Kind: fault.Corrupt, Reason: "OBJECT_CORRUPT", Message: "a stored object does not authenticate"},
		codes.PermissionDenied:   {Kind: fault.Denied, Reason: "ROLE", Message: "the role may not do this"},
		codes.Unauthenticated:    {Kind: fault.Unauthenticated, Reason: "NO_CERTIFICATE", Message: "a client certificate is needed"},
		codes.Internal:           {Kind: fault.Internal, Reason: "INTERNAL", Message: "internal error; the operator finds it as call X"},
	}
	for code, e := range sent {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			thrown := *e
			thrown.Err = cause
			conn := serve(t, func(context.Context) error { return fmt.Errorf("handler: %w", &thrown) })
			for way, err := range outcomes(t.Context(), conn) {
				if got := status.Code(err); got != code {
					t.Errorf("%s: code %v, want %v", way, got, code)
				}
				if strings.Contains(fmt.Sprintf("%v %+v", err, status.Convert(err).Details()), secret) {
					t.Errorf("%s: the cause crossed: %v", way, err)
				}
				var got *fault.Error
				if !errors.As(grpcfault.FromStatus(err), &got) {
					t.Fatalf("%s: FromStatus(%v) is no *fault.Error", way, err)
				}
				if status.Code(got) != code {
					t.Errorf("%s: the status is lost: %v", way, status.Code(got))
				}
				bare := *got
				bare.Err = nil
				if !reflect.DeepEqual(&bare, e) {
					t.Errorf("%s: came back as %+v, want %+v", way, &bare, e)
				}
			}
		})
	}
}

func TestWhatNobodyForesawIsInternalWithoutItsText(t *testing.T) {
	t.Parallel()
	const secret = "DE89370400440532013000"
	for name, thrown := range map[string]error{
		"plain":         errors.New("unexpected " + secret),
		"wrapped":       fmt.Errorf("handler: %w", errors.New(secret)),
		"own status":    status.Error(codes.Internal, secret),
		"unknown code":  status.Error(codes.Code(99), secret),
		"end of input":  fmt.Errorf("%w after %s", io.ErrUnexpectedEOF, secret),
		"not a message": fault.Wrap(errors.New(secret), fault.Internal, "", "internal error"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, func(context.Context) error { return thrown })
			for way, err := range outcomes(t.Context(), conn) {
				got := grpcfault.FromStatus(err)
				if strings.Contains(err.Error()+got.Error(), secret) {
					t.Errorf("%s: the text crossed: %v", way, err)
				}
				if got.Error() != "internal error" || fault.KindOf(got) != fault.Internal || fault.ReasonOf(got) != grpcfault.ReasonInternal {
					t.Errorf("%s: %v of kind %v, reason %q", way, got, fault.KindOf(got), fault.ReasonOf(got))
				}
			}
		})
	}
}

func TestEndedContexts(t *testing.T) {
	t.Parallel()
	for _, ended := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{context.Canceled, codes.Canceled, grpcfault.ReasonCanceled},
		{context.DeadlineExceeded, codes.DeadlineExceeded, grpcfault.ReasonDeadline},
	} {
		t.Run(ended.reason, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, func(context.Context) error { return fmt.Errorf("vault: %w", ended.err) })
			for way, err := range outcomes(t.Context(), conn) {
				if got := status.Code(err); got != ended.code {
					t.Errorf("%s: code %v, want %v", way, got, ended.code)
				}
				got := grpcfault.FromStatus(err)
				if !errors.Is(got, ended.err) || fault.KindOf(got) != fault.Unavailable || fault.ReasonOf(got) != ended.reason {
					t.Errorf("%s: %v, kind %v, reason %q", way, got, fault.KindOf(got), fault.ReasonOf(got))
				}
				if again := grpcfault.Status(got).Code(); again != ended.code {
					t.Errorf("%s: passed on as %v, want %v", way, again, ended.code)
				}
			}
		})
	}
}

// A backend's own timeout is the backend's fault, not the caller's deadline.
func TestABackendThatIsSlowIsUnavailable(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "BACKEND_UNAVAILABLE", "a store can't be used")
	if got := grpcfault.Status(err).Code(); got != codes.Unavailable {
		t.Errorf("code %v, want %v", got, codes.Unavailable)
	}
}

func TestACallerThatGoesAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	conn := serve(t, func(inside context.Context) error {
		cancel()
		<-inside.Done()
		return inside.Err()
	})
	_, err := wertfachv1.NewArtefactServiceClient(conn).GetArtefact(ctx, &wertfachv1.GetArtefactRequest{})
	if got := grpcfault.FromStatus(err); !errors.Is(got, context.Canceled) {
		t.Errorf("%v is no context.Canceled", got)
	}
}

// The statuses that gRPC makes itself, on either side.
func TestTransportStatuses(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, err error, kind fault.Kind, reason, text string) {
		t.Helper()
		got := grpcfault.FromStatus(err)
		var known *fault.Error
		if !errors.As(got, &known) || known.Kind != kind || known.Reason != reason {
			t.Fatalf("%v: kind %v, reason %q; want %v, %q", got, fault.KindOf(got), fault.ReasonOf(got), kind, reason)
		}
		if !strings.Contains(known.Message, text) {
			t.Errorf("the message %q does not say %q", known.Message, text)
		}
		if status.Code(got) != status.Code(err) {
			t.Errorf("code %v became %v", status.Code(err), status.Code(got))
		}
	}
	fine := func(context.Context) error { return nil }

	t.Run("message too large", func(t *testing.T) {
		t.Parallel()
		conn := serve(t, fine, grpc.MaxRecvMsgSize(100))
		_, err := wertfachv1.NewArtefactServiceClient(conn).GetArtefact(t.Context(),
			&wertfachv1.GetArtefactRequest{Name: strings.Repeat("x", 200)})
		check(t, err, fault.Exhausted, grpcfault.ReasonMessageTooLarge, "larger than one message may be")
		if text := grpcfault.FromStatus(err).Error(); strings.Contains(text, "grpc") {
			t.Errorf("gRPC's own words: %s", text)
		}
	})
	t.Run("message too large to send", func(t *testing.T) {
		t.Parallel()
		_, err := wertfachv1.NewArtefactServiceClient(serve(t, fine)).GetArtefact(t.Context(),
			&wertfachv1.GetArtefactRequest{Name: strings.Repeat("x", 200)}, grpc.MaxCallSendMsgSize(100))
		check(t, err, fault.Exhausted, grpcfault.ReasonMessageTooLarge, "larger than one message may be")
	})
	t.Run("another limit", func(t *testing.T) {
		t.Parallel()
		check(t, status.Error(codes.ResourceExhausted, "quota"), fault.Exhausted, grpcfault.ReasonTransport, "quota")
	})
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		for _, err := range outcomes(t.Context(), dial(t, listener.Addr().String())) {
			check(t, err, fault.Unavailable, grpcfault.ReasonTransport, "the server can't be reached: Error while dialing: dial tcp 127.0.0.1:")
		}
	})
	t.Run("call not offered", func(t *testing.T) {
		t.Parallel()
		_, err := wertfachv1.NewCustomerServiceClient(serve(t, fine)).GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{})
		check(t, err, fault.Internal, grpcfault.ReasonUnknownCall, "does not offer")
		if got := grpcfault.Status(grpcfault.FromStatus(err)).Code(); got != codes.Unimplemented {
			t.Errorf("passed on as %v", got)
		}
	})
	t.Run("reason of another domain", func(t *testing.T) {
		t.Parallel()
		check(t, status.Error(codes.PermissionDenied, "quota project"), fault.Denied, grpcfault.ReasonTransport, "quota project")
	})
}

func TestManyViolationsStayWithinTheTrailers(t *testing.T) {
	t.Parallel()
	var broken []fault.Violation
	for i := range 1000 {
		broken = append(broken, fault.Violation{Field: fmt.Sprintf("artefacts[%d].label", i), Rule: "text.length", Description: "must be shorter"})
	}
	conn := serve(t, func(context.Context) error { return fault.Fields(broken...) })
	for way, err := range outcomes(t.Context(), conn) {
		var got *fault.Error
		if !errors.As(grpcfault.FromStatus(err), &got) || len(got.Violations) != 64 || got.Violations[63] != broken[63] {
			t.Errorf("%s: %v", way, err)
		}
		if want := "1000 rules are broken; the first 64 are told"; got.Message != want {
			t.Errorf("%s: message %q, want %q", way, got.Message, want)
		}
	}
}

func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	conn := serve(t, func(context.Context) error { return fault.Field("a\xff", "r\xff", "d\xff") })
	for way, err := range outcomes(t.Context(), conn) {
		var got *fault.Error
		want := fault.Violation{Field: "a\uFFFD", Rule: "r\uFFFD", Description: "d\uFFFD"}
		if !errors.As(grpcfault.FromStatus(err), &got) || len(got.Violations) != 1 || got.Violations[0] != want {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestWhatIsNoStatusStaysAsItIs(t *testing.T) {
	t.Parallel()
	ours := fault.New(fault.NotFound, "X", "x")
	for _, err := range []error{nil, io.EOF, context.Canceled, fmt.Errorf("read: %w", ours), ours} {
		if got := grpcfault.FromStatus(err); got != err { // the very same, not one like it
			t.Errorf("FromStatus(%v) = %v", err, got)
		}
	}
	if got := grpcfault.Status(nil); got.Code() != codes.OK || got.Err() != nil {
		t.Errorf("Status(nil) = %v", got)
	}
}
