package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/vault"
)

// refusal is what we tell of an answer with an error status: the status and
// what Vault said, without the key's name.
type refusal struct {
	kind   error // of package vault, or nil
	status int
	text   string
}

func (r *refusal) Error() string {
	prefix := ""
	if r.kind != nil {
		prefix = r.kind.Error() + ": "
	}
	return fmt.Sprintf("%svault answered %d: %s", prefix, r.status, r.text)
}

func (r *refusal) Unwrap() error { return r.kind }

// maxText bounds what is quoted of Vault, in bytes. A proxy between us may
// answer with a page.
const maxText = 200

// refused reads an answer with an error status. key is the name of the key
// that was asked for, or "".
func refused(answer *api.ResponseError, key string) *refusal {
	text := "no reason given"
	if len(answer.Errors) > 0 && !answer.RawError {
		text = strings.Join(answer.Errors, "; ")
	}
	r := &refusal{kind: kindOf(answer.StatusCode, answer.Errors), status: answer.StatusCode}
	if key != "" {
		text = strings.ReplaceAll(text, key, "(key)")
	}
	r.text = strings.Join(strings.Fields(text), " ")
	if len(r.text) > maxText {
		r.text = strings.ToValidUTF8(r.text[:maxText], "") + "…"
	}
	return r
}

// kindOf maps a status, and where Vault gives several meanings to one status
// also its words. The words are tested against a real Vault.
func kindOf(status int, said []string) error {
	says := func(part string) bool {
		return slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, part) })
	}
	switch {
	case status == http.StatusNotFound && len(said) > 0:
		// "no handler for route": the engine is not mounted. To call that a
		// missing key would let every customer's data be taken for erased.
		return vault.ErrUnavailable
	case status == http.StatusNotFound:
		return vault.ErrNotFound
	case status == http.StatusForbidden:
		return vault.ErrDenied
	case status == http.StatusBadRequest && (says("key not found") || says("no existing key named")):
		return vault.ErrNotFound
	case status == http.StatusBadRequest:
		return vault.ErrInvalid
	case status >= 500,
		status == http.StatusTooManyRequests,
		status == http.StatusPreconditionFailed, // a replica that is behind
		status >= 300 && status < 400:           // a standby that can't forward
		return vault.ErrUnavailable
	}
	return nil
}

// unreachable is the error of a call that got no answer. The caller's context
// comes first; a timeout of our own is Vault's fault, not the caller's.
func unreachable(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // a socket's timer may go off before the context's
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // its text would hold the URL, and so the key's name
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer in time", vault.ErrUnavailable)
	}
	return fmt.Errorf("%w: %w", vault.ErrUnavailable, err)
}
