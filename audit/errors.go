package audit

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart, with errors.Is. Their texts hold nothing of
// an event.
var (
	// ErrUnavailable is an event that can't be recorded, or not as durably as it
	// must be: the spool does not write, the locked store or the signing key is
	// away, or the log is closed.
	ErrUnavailable = errors.New("the audit log can't record")
	// ErrFull is a spool that holds all it may, because nothing can be shipped.
	// It is an ErrUnavailable.
	ErrFull = fmt.Errorf("%w: the spool is full", ErrUnavailable)
	// ErrToken is a page token that does not belong to the query.
	ErrToken = errors.New("the page token does not belong to this query")
	// ErrNotFetched is a folder without a log, or with one that was not downloaded to
	// its end.
	ErrNotFetched = errors.New("the folder holds no log, or its download was not finished")
	// ErrBroken is a segment that was changed. [Reader.Verify] says what is wrong.
	ErrBroken = errors.New("the audit log is damaged")
)

var errClosed = fmt.Errorf("%w: it is closed", ErrUnavailable)

// unavailable keeps the cause recognisable, above all the end of a context.
func unavailable(what string, cause error) error {
	if errors.Is(cause, ErrUnavailable) {
		return cause
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, cause)
}
