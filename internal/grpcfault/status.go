package grpcfault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wertfach/wertfach/custody/fault"
)

// maxViolations bounds how many violations a status carries: it travels in
// HTTP/2 trailers, and proxies drop those beyond some tens of kilobytes.
const maxViolations = 64

// Status is the status of an error: of the *fault.Error within it, or else of an
// ended context, or else of a status that gRPC made. Anything else is INTERNAL,
// and its text stays here. The status of nil is OK.
func Status(err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return encode(codeIn(known), known)
	}
	code := codes.Internal
	var made interface{ GRPCStatus() *status.Status }
	switch {
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.As(err, &made) && made.GRPCStatus().Code() != codes.OK:
		code = made.GRPCStatus().Code()
	}
	m := meaningOf(code)
	return encode(code, &fault.Error{Kind: m.kind, Reason: m.reason, Message: m.message})
}

// codeIn is the code of an error, where FromStatus made it the code that it was
// made of.
func codeIn(e *fault.Error) codes.Code {
	switch e.Reason {
	case ReasonCanceled:
		return codes.Canceled
	case ReasonDeadline:
		return codes.DeadlineExceeded
	case ReasonUnknownCall:
		return codes.Unimplemented
	}
	return codeOf(e.Kind)
}

func encode(code codes.Code, e *fault.Error) *status.Status {
	message, violations := e.Message, e.Violations
	if len(violations) > maxViolations {
		message = fmt.Sprintf("%d rules are broken; the first %d are told", len(violations), maxViolations)
		violations = violations[:maxViolations]
	}
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: valid(cmp.Or(e.Reason, meaningOf(code).reason)), Domain: Domain},
	}
	if len(violations) > 0 {
		details = append(details, badRequest(violations))
	}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	bare := status.New(code, valid(message))
	if full, err := bare.WithDetails(details...); err == nil {
		return full
	}
	return bare // details that do not marshal must not cost the answer
}

func badRequest(violations []fault.Violation) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	for _, v := range violations {
		out.FieldViolations = append(out.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: valid(v.Field), Description: valid(v.Description), Reason: valid(v.Rule),
		})
	}
	return out
}

// valid makes text that protobuf takes: UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
