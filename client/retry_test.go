package client

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func crossed(e *fault.Error) error { return grpcfault.Status(e).Err() }

func unavailable(wait time.Duration) error {
	return crossed(&fault.Error{Kind: fault.Unavailable, Reason: "BACKEND_UNAVAILABLE", RetryAfter: wait})
}

func TestWhatIsWorthAnotherAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		wait time.Duration
		want bool
	}{
		"unavailable":           {unavailable(0), 0, true},
		"unavailable, and when": {unavailable(time.Second), time.Second, true},
		"connection refused":    {status.Error(codes.Unavailable, "connection refused"), 0, true},
		"contention":            {crossed(fault.New(fault.Aborted, "CONTENTION", "")), 0, true},
		"stale etag":            {crossed(fault.New(fault.Aborted, "STALE_ETAG", "")), 0, false},
		"being erased":          {crossed(&fault.Error{Kind: fault.Aborted, Reason: "BEING_ERASED", RetryAfter: time.Second}), 0, false},
		"wrong input":           {crossed(fault.Field("a", "b", "c")), 0, false},
		"too many":              {crossed(fault.New(fault.Exhausted, "TOO_MANY", "")), 0, false},
		"internal":              {crossed(fault.New(fault.Internal, "INTERNAL", "")), 0, false},
		"given up":              {status.FromContextError(context.Canceled).Err(), 0, false},
		"deadline":              {status.FromContextError(context.DeadlineExceeded).Err(), 0, false},
		"no status":             {io.ErrUnexpectedEOF, 0, false},
	} {
		if wait, got := retriable(c.err); got != c.want || wait != c.wait {
			t.Errorf("%s: %v after %v, want %v after %v", name, got, wait, c.want, c.wait)
		}
	}
}

// attempts runs do with a clock of its own, and gives when each attempt was made
// and what came out.
func attempts(t *testing.T, limit int, bound time.Duration, answers ...error) (at []time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx := t.Context()
		if bound > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, bound)
			defer cancel()
		}
		err = retries{attempts: limit}.do(ctx, func(context.Context) error {
			at = append(at, time.Since(begun))
			if len(at) > len(answers) {
				return nil
			}
			return answers[len(at)-1]
		})
	})
	return at, err
}

func TestWaitsDouble(t *testing.T) {
	away := unavailable(0)
	at, err := attempts(t, 5, 0, away, away, away, away, away)
	if len(at) != 5 || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("attempts at %v, then %v; want 5 and Unavailable", at, err)
	}
	for i, want := range []time.Duration{100, 200, 400, 800} {
		want *= time.Millisecond
		if got := at[i+1] - at[i]; got < want*8/10 || got > want*12/10 {
			t.Errorf("wait %d is %v, want %v give or take a fifth", i+1, got, want)
		}
	}
}

func TestTheServerSaysHowLongToWait(t *testing.T) {
	at, err := attempts(t, 5, 0, unavailable(3*time.Second))
	if err != nil || len(at) != 2 || at[1] != 3*time.Second {
		t.Errorf("attempts at %v, then %v; want a second one after 3s", at, err)
	}
}

func TestNoWaitBeyondTheDeadline(t *testing.T) {
	at, err := attempts(t, 5, 2*time.Second, unavailable(3*time.Second))
	if len(at) != 1 || fault.ReasonOf(err) != "BACKEND_UNAVAILABLE" {
		t.Errorf("attempts at %v, then %v; want one and the server's own error", at, err)
	}
}

func TestFewestAttempts(t *testing.T) {
	for _, limit := range []int{-1, 0, 1} {
		if at, err := attempts(t, limit, 0, unavailable(0)); len(at) != 1 || err == nil {
			t.Errorf("limit %d: attempts at %v, then %v", limit, at, err)
		}
	}
}

func TestNoRetryWhenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun, made := time.Now(), 0
		time.AfterFunc(time.Second, cancel)
		err := retries{attempts: 5}.do(ctx, func(context.Context) error {
			made++
			return unavailable(time.Hour)
		})
		if made != 1 || !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("%d attempts, %v after %v", made, err, time.Since(begun))
		}
	})
}

// Every call of the schema that is no stream can be repeated: it reads, or it
// has a request_id, which identify fills.
func TestEveryUnaryCallIsSafeToRepeat(t *testing.T) {
	t.Parallel()
	seen := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("wertfach.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				if m.IsStreamingClient() || m.IsStreamingServer() {
					continue
				}
				seen++
				method := "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
				if !safe(method, identified(dynamicpb.NewMessage(m.Input()))) {
					t.Errorf("%s neither has a request_id nor begins like a call that reads", m.FullName())
				}
			}
		}
		return true
	})
	if seen < 15 {
		t.Errorf("saw %d calls only", seen)
	}
}

func TestWhatIsNotSafeToRepeat(t *testing.T) {
	t.Parallel()
	if safe("/wertfach.v1.CustomerService/SetServices", &wertfachv1.SetServicesRequest{}) {
		t.Error("a change without request_id")
	}
	if safe("/wertfach.v1.CustomerService/ResetEverything", &wertfachv1.GetCustomerRequest{}) {
		t.Error("a call that nobody knows")
	}
}
