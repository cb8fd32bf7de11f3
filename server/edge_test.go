package server

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/limit"
)

// TestNothingIsSentAfterAFailureIsOnRecord: the work of a download may go on for a
// moment after its call was ended, and recorded so, for standing still.
func TestNothingIsSentAfterAFailureIsOnRecord(t *testing.T) {
	for _, ended := range []codes.Code{codes.Aborted, codes.DeadlineExceeded, codes.OK} {
		table, err := access.NewTable(access.Services()...)
		if err != nil {
			t.Fatal(err)
		}
		e := &edge{
			table: table, limits: limit.New(limit.Machines(), limit.People(), nil), record: recorder{},
			timeout: time.Minute, refused: func(string) {}, log: slog.New(slog.DiscardHandler),
		}
		ctx, c := e.begin(t.Context(), table["/wertfach.v1.ArtefactService/DownloadScan"])
		c.taken = true
		c.admitted.Store(true)
		if err := c.recorded(ctx, ended, ""); err != nil {
			t.Fatal(err)
		}
		sent := 0
		s := &guarded{ServerStream: counter{sent: &sent}, ctx: ctx, call: c}
		err = s.SendMsg(&wertfachv1.DownloadScanResponse{})
		if success := ended == codes.OK; success != (err == nil) || success != (sent == 1) {
			t.Errorf("recorded as %v: %v, %d messages sent", ended, err, sent)
		}
	}
}

type recorder struct{}

func (recorder) Ready(context.Context, audit.Durability) error               { return nil }
func (recorder) Record(context.Context, audit.Event, audit.Durability) error { return nil }

// counter counts what is sent.
type counter struct {
	grpc.ServerStream
	sent *int
}

func (c counter) SendMsg(any) error {
	*c.sent++
	return nil
}

// TestAHeaderThatComesTwiceHidesNobody: what the certificate proves is on record
// however the rest of the call looks.
func TestAHeaderThatComesTwiceHidesNobody(t *testing.T) {
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{table: table, identity: everything{}, refused: func(string) {}}
	twice := metadata.NewIncomingContext(Known(t.Context()), metadata.Pairs("authorization", "a", "authorization", "b"))
	ctx, c := e.begin(twice, table["/wertfach.v1.AuditService/VerifyLog"])
	if err := c.enter(ctx); fault.ReasonOf(err) != "HEADER_TWICE" {
		t.Errorf("entered: %v", err)
	}
	if got := c.draft.Event().Principal; got == "" || got != c.principal.ID {
		t.Errorf("on record as %q", got)
	}
}

// TestWhoHasNoPlaceIsHeldBack: whatever ends a call before its caller has a place
// counts as a refusal, so that nobody fills the log with such calls.
func TestWhoHasNoPlaceIsHeldBack(t *testing.T) {
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, ended := range []codes.Code{codes.InvalidArgument, codes.Unavailable, codes.Canceled, codes.DeadlineExceeded} {
		for _, taken := range []bool{false, true} {
			refused := 0
			e := &edge{
				table: table, limits: limit.New(limit.Machines(), limit.People(), nil), record: recorder{},
				refused: func(string) { refused++ }, log: slog.New(slog.DiscardHandler),
			}
			ctx, c := e.begin(t.Context(), table["/wertfach.v1.AuditService/VerifyLog"])
			c.taken = taken
			if err := c.recorded(ctx, ended, ""); err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{false: 1, true: 0}[taken]; refused != want {
				t.Errorf("%v, with a place %t: refused %d times", ended, taken, refused)
			}
		}
	}
}

// TestWhatHasNoRuleIsRefused: a method that nobody said anything about is called by
// nobody, however it came to be offered.
func TestWhatHasNoRuleIsRefused(t *testing.T) {
	e := &edge{table: access.Table{}, log: slog.New(slog.DiscardHandler)}
	for method, want := range map[string]codes.Code{
		"/wertfach.v1.ArtefactService/RevealArtefact": codes.PermissionDenied,
		"/grpc.health.v1.Health/Check":                codes.OK,
	} {
		called := false
		_, err := e.unary(Known(t.Context()), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
			called = true
			return nil, nil
		})
		if status.Code(err) != want || called != (want == codes.OK) {
			t.Errorf("%s: %v, called %t", method, err, called)
		}
		called = false
		err = e.stream(nil, counter{ServerStream: known{ctx: Known(t.Context())}}, &grpc.StreamServerInfo{FullMethod: method}, func(any, grpc.ServerStream) error {
			called = true
			return nil
		})
		if status.Code(err) != want || called != (want == codes.OK) {
			t.Errorf("%s as a stream: %v, called %t", method, err, called)
		}
	}
}

// known is a stream of somebody with a certificate.
type known struct {
	grpc.ServerStream
	ctx context.Context
}

func (k known) Context() context.Context { return k.ctx }
