package grpcfault

import (
	"regexp"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/custody/fault"
)

// Reasons of errors that no rule of custody made.
const (
	// ReasonCanceled is a call that its caller gave up.
	ReasonCanceled = "CANCELED"
	// ReasonDeadline is a call whose deadline passed.
	ReasonDeadline = "DEADLINE_EXCEEDED"
	// ReasonInternal is an error that nobody foresaw.
	ReasonInternal = "INTERNAL"
	// ReasonUnknownCall is a call that the server does not offer: it is older
	// than the client, or is no wertfach server.
	ReasonUnknownCall = "UNIMPLEMENTED"
	// ReasonTransport is a status that was made on the way between client and
	// server, not by a rule: a connection that is refused, a proxy that wants
	// credentials.
	ReasonTransport = "TRANSPORT"
	// ReasonMessageTooLarge is a request, or an answer, that is larger than the
	// other side takes in one message.
	ReasonMessageTooLarge = "MESSAGE_TOO_LARGE"
)

// internalMessage is all that a caller hears of an error that nobody foresaw.
const internalMessage = "internal error"

// codeOf is the code that a kind crosses the wire as. Every kind has one of its
// own, so that the kind comes back from it.
func codeOf(kind fault.Kind) codes.Code {
	switch kind {
	case fault.Invalid:
		return codes.InvalidArgument
	case fault.NotFound:
		return codes.NotFound
	case fault.Exists:
		return codes.AlreadyExists
	case fault.Precondition:
		return codes.FailedPrecondition
	case fault.Aborted:
		return codes.Aborted
	case fault.Exhausted:
		return codes.ResourceExhausted
	case fault.Unavailable:
		return codes.Unavailable
	case fault.Corrupt:
		return codes.DataLoss
	case fault.Denied:
		return codes.PermissionDenied
	case fault.Unauthenticated:
		return codes.Unauthenticated
	default:
		return codes.Internal
	}
}

// A meaning is what a code says where no rule of ours says more.
type meaning struct {
	kind    fault.Kind
	reason  string
	message string
}

// sizeRefused is how gRPC words that a message is larger than one side takes.
var sizeRefused = regexp.MustCompile(`message .*larger than max`)

// tooLarge is what a message that is too large means. gRPC has no code of its
// own for it.
var tooLarge = meaning{fault.Exhausted, ReasonMessageTooLarge, "the request or its answer is larger than one message may be"}

// isTooLarge says whether gRPC, on either side, refused a message for its size.
func isTooLarge(st *status.Status) bool {
	return st.Code() == codes.ResourceExhausted && sizeRefused.MatchString(st.Message())
}

// saysAll says whether gRPC's own text would add nothing to the message.
func (m meaning) saysAll() bool {
	switch m.reason {
	case ReasonDeadline, ReasonCanceled, ReasonMessageTooLarge:
		return true
	}
	return false
}

// meaningOf gives every code a kind. Codes that have none of their own get the
// nearest: what a caller may do about it decides.
func meaningOf(code codes.Code) meaning {
	switch code {
	case codes.InvalidArgument, codes.OutOfRange:
		return meaning{fault.Invalid, ReasonTransport, "the request was not understood"}
	case codes.NotFound:
		return meaning{fault.NotFound, ReasonTransport, "there is nothing of that name"}
	case codes.AlreadyExists:
		return meaning{fault.Exists, ReasonTransport, "it exists already"}
	case codes.FailedPrecondition:
		return meaning{fault.Precondition, ReasonTransport, "the request does not fit the present state"}
	case codes.Aborted:
		return meaning{fault.Aborted, ReasonTransport, "the request lost against another one"}
	case codes.ResourceExhausted:
		return meaning{fault.Exhausted, ReasonTransport, "a limit of size or rate was reached"}
	case codes.Unavailable:
		return meaning{fault.Unavailable, ReasonTransport, "the server can't be reached"}
	case codes.DeadlineExceeded:
		return meaning{fault.Unavailable, ReasonDeadline, "the deadline passed before the call was done"}
	case codes.Canceled:
		return meaning{fault.Unavailable, ReasonCanceled, "the call was given up"}
	case codes.DataLoss:
		return meaning{fault.Corrupt, ReasonTransport, "what was stored can't be read"}
	case codes.PermissionDenied:
		return meaning{fault.Denied, ReasonTransport, "this is not allowed"}
	case codes.Unauthenticated:
		return meaning{fault.Unauthenticated, ReasonTransport, "the caller did not prove who it is"}
	case codes.Unimplemented:
		return meaning{fault.Internal, ReasonUnknownCall, "the server does not offer this call"}
	default:
		return meaning{fault.Internal, ReasonInternal, internalMessage}
	}
}
