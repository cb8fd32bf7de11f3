package telemetry

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// calls are the metrics of the API's calls. A histogram by RPC and code gives the
// rate, the errors and the duration.
type calls struct {
	duration    *prometheus.HistogramVec
	inFlight    *prometheus.GaugeVec
	refused     *prometheus.CounterVec
	corrupt     prometheus.Counter
	connections prometheus.Gauge
}

func newCalls() *calls {
	return &calls{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wertfach_rpc_duration_seconds",
			Help: "How long calls took, by RPC and code, from their beginning to the end of the answer.",
			// A listing takes about a millisecond; an upload over a slow line a minute.
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60},
		}, []string{"rpc", "code"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wertfach_rpcs_in_flight", Help: "Calls under way, by RPC.",
		}, []string{"rpc"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wertfach_refused_total", Help: "Calls that were refused, by reason: who called may not, or called too often.",
		}, []string{"reason"}),
		// Apart from the histogram, where a code's series begins with its first call
		// and so with no increase that an alert could see.
		corrupt: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wertfach_corrupt_total", Help: "Calls that met an object that does not authenticate.",
		}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "wertfach_connections", Help: "Connections of clients that are open.",
		}),
	}
}

// Describe implements prometheus.Collector.
func (c *calls) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.all() {
		m.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (c *calls) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.all() {
		m.Collect(out)
	}
}

func (c *calls) all() []prometheus.Collector {
	return []prometheus.Collector{c.duration, c.inFlight, c.refused, c.corrupt, c.connections}
}

// rpc is what is kept for an RPC between its calls.
type rpc struct {
	name     string
	inFlight prometheus.Gauge
}

// handles gives each RPC its place, so that a call need not look for it, and shows
// all of them in the first scrape.
func (r rpcs) handles(c *calls) map[string]*rpc {
	all := make(map[string]*rpc, len(r))
	for method, name := range r {
		all[method] = &rpc{name, c.inFlight.WithLabelValues(name)}
		c.duration.WithLabelValues(name, codes.OK.String())
	}
	return all
}

// callHandler measures calls where gRPC tells of them: interceptors would not see
// a call whose message is too large or can't be read.
type callHandler struct {
	*calls
	rpcs map[string]*rpc
}

type callKey struct{}

// TagRPC finds out which call it is. What is no call of the API is not measured:
// health, which is asked every few seconds, and names that a caller made up, of
// which gRPC tells neither beginning nor end.
func (h callHandler) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if r, known := h.rpcs[info.FullMethodName]; known {
		ctx = context.WithValue(ctx, callKey{}, r)
	}
	return ctx
}

// HandleRPC measures it.
func (h callHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.Begin:
		if r, ok := ctx.Value(callKey{}).(*rpc); ok {
			r.inFlight.Inc()
		}
	case *stats.End:
		r, ok := ctx.Value(callKey{}).(*rpc)
		if !ok {
			return
		}
		r.inFlight.Dec()
		st := status.Convert(s.Error)
		h.duration.WithLabelValues(r.name, known(st.Code())).Observe(s.EndTime.Sub(s.BeginTime).Seconds())
		switch st.Code() {
		case codes.ResourceExhausted:
			if !explained(st) {
				h.refused.WithLabelValues(reasonTransport).Inc()
			}
		case codes.DataLoss:
			h.corrupt.Inc()
		}
	}
}

// TagConn does nothing.
func (h callHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn counts connections.
func (h callHandler) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		h.connections.Inc()
	case *stats.ConnEnd:
		h.connections.Dec()
	}
}

// known is a code's name, of the seventeen that there are.
func known(code codes.Code) string {
	if code > codes.Unauthenticated {
		code = codes.Unknown
	}
	return code.String()
}

// reasonTransport is what gRPC itself refused, for its size. All other refusals are
// told by whoever refuses ([Telemetry.Refused]).
const reasonTransport = "TRANSPORT"

// explained says whether a status comes from our code, which gives a reason.
func explained(st *status.Status) bool {
	return slices.ContainsFunc(st.Details(), func(detail any) bool {
		_, ours := detail.(*errdetails.ErrorInfo)
		return ours
	})
}
