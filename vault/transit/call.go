package transit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/vault"
)

// maxAnswer bounds an answer of Vault in bytes; a thousand data keys have 200 KiB.
const maxAnswer = 8 << 20

// request is one call to Vault.
type request struct {
	method string
	path   string // under /v1/
	key    string // the key's name where the path holds it, to be kept out of errors
	in     any    // what to send as JSON; nil for nothing
	out    any    // where to decode the answer's data; nil to ignore it
	// once marks a call that must not be sent a second time when a kept
	// connection turns out to be dead, because it may have arrived.
	once bool
}

// call asks Vault and decodes its answer. A refused token may have ended or
// been revoked before its time: where a better one can be had, the call is made
// once more with it. Vault does nothing on a call that it denies.
func (t *Transit) call(ctx context.Context, r request) error {
	token := t.session.token()
	err := t.send(ctx, r, token)
	if errors.Is(err, vault.ErrDenied) {
		if better, ok := t.session.replace(ctx, token); ok {
			return t.send(ctx, r, better)
		}
	}
	return err
}

func (t *Transit) send(ctx context.Context, r request, token string) error {
	bounded, cancel := t.bound(ctx)
	defer cancel()

	u := *t.base
	u.Path += r.path
	req := (&http.Request{Method: r.method, URL: &u, Header: t.header(token, r.once)}).WithContext(bounded)
	if r.in != nil {
		body, err := json.Marshal(r.in)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(body))
	}
	// The transport itself, not a client over it: nothing follows redirects,
	// and so no token goes where an answer points.
	resp, err := t.transport.RoundTrip(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer resp.Body.Close()
	return t.answer(ctx, resp, r)
}

// answer reads what Vault answered. The buffer may hold a data key and is
// cleared.
func (t *Transit) answer(ctx context.Context, resp *http.Response, r request) error {
	// Room for the whole answer from the start: a buffer that grows leaves
	// copies behind that nobody clears.
	body := bytes.NewBuffer(make([]byte, 0, max(1024, min(resp.ContentLength, maxAnswer)+bytes.MinRead)))
	_, err := body.ReadFrom(io.LimitReader(resp.Body, maxAnswer))
	defer func() { clear(body.Bytes()) }()
	if err != nil {
		return unreachable(ctx, err)
	}
	if resp.StatusCode >= 300 {
		resp.Body = io.NopCloser(bytes.NewReader(body.Bytes()))
		return refuse(resp, r.key)
	}
	if r.out == nil && (resp.StatusCode == http.StatusNoContent || json.Valid(body.Bytes())) {
		return nil
	}
	// A page with a status of success is a gateway's. It must not pass for a key
	// that was destroyed, nor for a Vault that serves.
	if err := json.Unmarshal(body.Bytes(), &struct{ Data any }{r.out}); err != nil {
		return fmt.Errorf("%w: not an answer of Vault", vault.ErrUnavailable)
	}
	return nil
}

// refuse reads an answer with an error status in the library's way.
func refuse(resp *http.Response, key string) error {
	var answer *api.ResponseError
	if err := (&api.Response{Response: resp}).Error(); !errors.As(err, &answer) {
		answer = &api.ResponseError{StatusCode: resp.StatusCode, RawError: true}
	}
	return refused(answer, key)
}

func (t *Transit) header(token string, once bool) http.Header {
	h := http.Header{api.AuthHeaderName: {token}, api.RequestHeaderName: {"true"}}
	if t.config.Namespace != "" {
		h[api.NamespaceHeaderName] = []string{t.config.Namespace}
	}
	if !once {
		// net/http's sign for "may be sent again"; with no value it stays here.
		h["X-Idempotency-Key"] = nil
	}
	return h
}

// bound gives a context that ends after the configured timeout at the latest.
func (t *Transit) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= t.config.Timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, t.config.Timeout)
}
