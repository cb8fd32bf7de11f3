// Package fault is the one vocabulary of errors that wertfach speaks: a small
// enum of kinds, a machine-readable reason, and the fields and rules that bad
// input broke.
//
// The rules of custody return *Error; the gRPC edge maps it once to a status,
// and the Go client maps the status back to the same *Error. A message names
// the field and the rule, never the value: it may be shown to a caller, logged
// and kept.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of thing went wrong, and so what a caller may do about it.
type Kind uint8

// The kinds. Their order is not part of any format; they cross the wire as
// gRPC codes of the same meaning.
const (
	// Internal is anything that nobody foresaw; its cause is logged, not told.
	Internal Kind = iota
	// Invalid is input that can never succeed as it stands.
	Invalid
	// NotFound is a resource that is not there, or not there for this caller.
	NotFound
	// Exists is a resource that is there already.
	Exists
	// Precondition is a request that the state of the customer or contract forbids.
	Precondition
	// Aborted is a request that lost against another one: a stale etag, or
	// conflicts that outlasted the retries. Reading again and retrying may help.
	Aborted
	// Exhausted is a limit that was reached: size, number or rate.
	Exhausted
	// Unavailable is a key or object store that does not answer now.
	Unavailable
	// Corrupt is a stored object that does not authenticate.
	Corrupt
	// Denied is a caller who may not do this.
	Denied
	// Unauthenticated is a caller who did not prove who it is.
	Unauthenticated
)

// Violation is one rule that one field broke.
type Violation struct {
	// Field is the path in the request, in proto names: "artefact.sim_card.puk".
	Field string
	// Rule is the broken rule's name, stable for programs: "puk.length".
	Rule string
	// Description says the rule in a sentence for people, without the value.
	Description string
}

// Error is an error of a known kind.
type Error struct {
	Kind Kind
	// Reason is the machine-readable cause in UPPER_SNAKE_CASE, the `reason` of
	// google.rpc.ErrorInfo: "STALE_ETAG".
	Reason string
	// Message is for people; it holds no values.
	Message string
	// Violations name the fields that broke rules; only for Invalid.
	Violations []Violation
	// RetryAfter is how long to wait before trying again; zero says nothing.
	RetryAfter time.Duration
	// Err is the cause, for logs inside the process only.
	Err error
}

// New makes an error of the kind with a message built by fmt.Sprintf; the
// arguments must not be values from a request.
func New(kind Kind, reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that stays inside the process.
func Wrap(err error, kind Kind, reason, message string) *Error {
	return &Error{Kind: kind, Reason: reason, Message: message, Err: err}
}

// Fields makes an Invalid error of one or more violations.
func Fields(violations ...Violation) *Error {
	return &Error{Kind: Invalid, Reason: "INVALID_FIELD", Message: summary(violations), Violations: violations}
}

// Field makes an Invalid error of a single violation.
func Field(field, rule, description string) *Error {
	return Fields(Violation{Field: field, Rule: rule, Description: description})
}

// Error is the message; the cause is not part of it.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the *Error within err, and Internal where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// ReasonOf is the reason of the *Error within err, or "".
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// Cause is what stands behind the outermost *Error within err, and err itself
// where nothing does. It is for logs inside the process, never for callers. The
// causes are errors of the stores of keys and objects, which hold no names of keys
// or objects, no values and no secrets.
func Cause(err error) error {
	var e *Error
	for errors.As(err, &e) && e.Err != nil {
		err = e.Err
		if _, again := err.(*Error); !again {
			break // what is said around an error further down is part of the cause
		}
	}
	return err
}

func summary(violations []Violation) string {
	parts := make([]string, len(violations))
	for i, v := range violations {
		parts[i] = v.Field + ": " + v.Description
	}
	return strings.Join(parts, "; ")
}
