package grpcfault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/custody/fault"
)

// FromStatus gives the *fault.Error that a call's error was made of. An error
// that is of the vocabulary already, or that is no status (io.EOF at the end of
// a stream), comes back as it is.
//
// The status stays within as the cause, for status.Code and status.FromError.
// A call that was given up or ran out of time is of kind Unavailable, and
// errors.Is finds context.Canceled or context.DeadlineExceeded in it.
//
// Where gRPC itself made the status, on either side of the connection, its text
// ends the message: it says what is wrong with an address or a certificate.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var made interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &made) {
		return err
	}
	st := made.GRPCStatus()
	m := meaningOf(st.Code())
	if isTooLarge(st) {
		m = tooLarge
	}
	e := &fault.Error{Kind: m.kind, Err: cause(st)}
	if !decode(st, e) {
		e.Reason, e.Message = m.reason, m.message
		if text := st.Message(); text != "" && text != m.message && !m.saysAll() {
			e.Message += ": " + plain(text)
		}
	}
	return e
}

// decode reads the details of a status. It is false where the status is not one
// of ours.
func decode(st *status.Status, e *fault.Error) bool {
	ours := false
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				ours = true
				e.Reason, e.Message = d.GetReason(), st.Message()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.Violations = append(e.Violations,
					fault.Violation{Field: v.GetField(), Rule: v.GetReason(), Description: v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	return ours
}

// nested is how gRPC's text wraps what went wrong with a connection.
var nested = regexp.MustCompile(`(?:last )?connection error: desc = ("(?:[^"\\]|\\.)*")`)

// plain takes gRPC's wrapping from a text.
func plain(text string) string {
	return nested.ReplaceAllStringFunc(text, func(wrapped string) string {
		inner, err := strconv.Unquote(nested.FindStringSubmatch(wrapped)[1])
		if err != nil {
			return wrapped
		}
		return strings.TrimPrefix(inner, "transport: ")
	})
}

// cause is the status as an error, with the context's own error where it tells
// of one.
func cause(st *status.Status) error {
	switch st.Code() {
	case codes.Canceled:
		return fmt.Errorf("%w: %w", context.Canceled, st.Err())
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, st.Err())
	default:
		return st.Err()
	}
}
