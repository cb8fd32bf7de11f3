package telemetry

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/vault"
)

// The back ends, as metrics and spans name them.
const (
	Vault   = "vault"
	Store   = "store"
	Archive = "archive"
)

func newBackends() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "wertfach_backend_duration_seconds",
		Help: "How long calls to Vault and the object stores took, waiting for their turn included, by outcome. A stream lasts until it is closed.",
		// A key call takes some 200 µs; 10 s is beyond what a caller waits.
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
	}, []string{"backend", "op", "outcome"})
}

// Observer observes a back end: it is a vault.Observer and a blobstore.Observer.
// It is nil where nothing is told.
func (t *Telemetry) Observer(backend string) func(ctx context.Context, op string) (context.Context, func(error)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, op string) (context.Context, func(error)) {
		begun, op := time.Now(), strings.ReplaceAll(op, " ", "_")
		ctx, end := t.tracing.backendSpan(ctx, backend, op)
		return ctx, func(err error) {
			outcome := outcomeOf(err)
			if t.metrics != nil {
				t.metrics.backends.WithLabelValues(backend, op, outcome).Observe(time.Since(begun).Seconds())
			}
			end(outcome)
		}
	}
}

// Outcomes of a call to a back end. Those that are the back end's fault come last.
const (
	outcomeOK       = "ok"
	outcomeNotFound = "not_found" // which may be what was to be found out
	outcomeConflict = "conflict"  // another change came first
	outcomeInvalid  = "invalid"   // what we asked for can't be
	outcomeCaller   = "caller"    // whoever called the API broke off, or sent a bad stream
	outcomeDenied   = "denied"
	outcomeTimeout  = "timeout"
	outcomeAway     = "unavailable"
	outcomeFailed   = "failed"
)

// outcomeOf is the outcome in one word.
func outcomeOf(err error) string {
	if err == nil {
		return outcomeOK
	}
	for _, o := range []struct {
		outcome string
		errs    []error
	}{
		{outcomeCaller, []error{context.Canceled}},
		{outcomeTimeout, []error{context.DeadlineExceeded}},
		{outcomeNotFound, []error{vault.ErrNotFound, blobstore.ErrNotFound}},
		{outcomeConflict, []error{blobstore.ErrConflict}},
		{outcomeDenied, []error{vault.ErrDenied}},
		{outcomeAway, []error{vault.ErrUnavailable, blobstore.ErrUnavailable}},
		{outcomeInvalid, []error{vault.ErrInvalid, blobstore.ErrName, blobstore.ErrSize, blobstore.ErrTooLarge}},
	} {
		for _, is := range o.errs {
			if errors.Is(err, is) {
				return o.outcome
			}
		}
	}
	if _, ours := errors.AsType[*fault.Error](err); ours || status.Code(err) != codes.Unknown {
		return outcomeCaller // a stream to be stored was refused, or broke off
	}
	return outcomeFailed
}

// faulty says whether an outcome is the back end's fault.
func faulty(outcome string) bool {
	switch outcome {
	case outcomeDenied, outcomeTimeout, outcomeAway, outcomeFailed:
		return true
	}
	return false
}
