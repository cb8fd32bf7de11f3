package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
)

// Identifier says who calls, by the machine's verified certificate and the value
// of the authorization header; *identity.Registry is one. Beside an error the
// principal holds what was proved all the same.
type Identifier interface {
	Identify(ctx context.Context, leaf *x509.Certificate, authorization string) (identity.Principal, error)
}

// Recorder keeps the audit log; *audit.Log is one.
type Recorder interface {
	// Ready says whether an event of that durability could be recorded now.
	Ready(ctx context.Context, d audit.Durability) error
	// Record returns when the event is as durable.
	Record(ctx context.Context, e audit.Event, d audit.Durability) error
}

// CallHeader is the metadata in which an agent's console sends the proof of a
// hotline call.
const CallHeader = "wertfach-call"

// recordTime is how long a record may take that its caller does not wait for
// any more.
const recordTime = 5 * time.Second

// edge is what lies around every call.
type edge struct {
	custodian *custody.Custodian
	table     access.Table
	identity  Identifier
	limits    *limit.Limiter
	calls     access.Calls
	record    Recorder
	valid     validator
	timeout   time.Duration
	changed   atomic.Int64 // the timeout that holds in its place once it was changed
	refused   func(reason string)
	log       *slog.Logger
}

// patience is how long a call may take.
func (e *edge) patience() time.Duration {
	return cmp.Or(time.Duration(e.changed.Load()), e.timeout)
}

// tap bounds calls of one request and one answer from their first byte on: gRPC
// reads the request before it asks an interceptor, and who never sends it would
// be waited for without an end.
func (e *edge) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	rule := e.table[info.FullMethodName]
	if rule == nil && info.FullMethodName != healthv1.Health_Check_FullMethodName || rule != nil && rule.Streams {
		return ctx, nil
	}
	bounded, cancel := context.WithTimeout(ctx, e.patience())
	context.AfterFunc(ctx, cancel) // ctx ends with the call
	return bounded, nil
}

func (e *edge) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	rule, ours := e.table[info.FullMethod]
	if !ours {
		err = e.guard(ctx, info.FullMethod, nil, func() error {
			if err := standard(info.FullMethod); err != nil {
				return err
			}
			answer, err = handler(ctx, req)
			return err
		})
		return orNothing(answer, err)
	}
	ctx, cancel := context.WithTimeout(ctx, e.patience())
	defer cancel()
	ctx, c := e.begin(ctx, rule)
	defer func() { c.end() }()
	err = e.guard(ctx, info.FullMethod, c, func() error {
		msg, _ := req.(proto.Message)
		c.about(msg) // also of a call that is refused for its caller
		for _, step := range []func() error{
			func() error { return c.enter(ctx) },
			func() error { return decoded(ctx) },
			c.take,
			func() error { return c.admit(ctx, msg) },
			func() error { return c.recordable(ctx) },
			func() error { return e.valid.check(msg) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		c.started(msg)
		answer, err = handler(ctx, req)
		return err
	})
	return orNothing(answer, err)
}

// standard refuses whatever is neither in the table nor of a standard service, to
// whose methods every caller with a certificate gets: health, and reflection where
// it is offered.
func standard(method string) error {
	if strings.HasPrefix(method, "/grpc.health.v1.Health/") || strings.HasPrefix(method, "/grpc.reflection.") {
		return nil
	}
	return fault.New(fault.Denied, access.ReasonRole, "nobody may call this")
}

// orNothing gives no answer beside an error.
func orNothing(answer any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (e *edge) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	rule, ours := e.table[info.FullMethod]
	if !ours {
		return e.guard(stream.Context(), info.FullMethod, nil, func() error {
			if err := standard(info.FullMethod); err != nil {
				return err
			}
			return handler(service, stream)
		})
	}
	ctx, c := e.begin(stream.Context(), rule)
	defer func() { c.end() }()
	return e.guard(ctx, info.FullMethod, c, func() error {
		if err := c.enter(ctx); err != nil {
			return err
		}
		if err := c.take(); err != nil {
			return err
		}
		if err := c.recordable(ctx); err != nil {
			return err
		}
		s := &guarded{ServerStream: stream, ctx: ctx, call: c}
		if !info.IsClientStream {
			s.patience = e.patience() // nothing else bounds the wait for the one request
		}
		err := handler(service, s)
		return cmp.Or(s.refusal(), err) // whatever the handler made of a refusal
	})
}

// guarded is a stream whose messages are checked, and whose first answer waits
// for its record.
type guarded struct {
	grpc.ServerStream
	ctx      context.Context
	call     *call
	patience time.Duration // how long a message is waited for; without an end where zero

	mu      sync.Mutex // a handler whose client stands still returns before its work does
	refused error
}

func (s *guarded) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Context carries the call's draft.
func (s *guarded) Context() context.Context { return s.ctx }

// RecvMsg takes the next message, if the caller may send it and it keeps the
// rules in the schema. The first says what the call is about.
func (s *guarded) RecvMsg(m any) error {
	if err := s.refusal(); err != nil {
		return err
	}
	if err := s.receive(m); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	msg, _ := m.(proto.Message)
	if !s.call.admitted.Load() {
		s.refused = s.call.admit(s.ctx, msg)
	}
	if s.refused == nil {
		s.refused = s.call.edge.valid.check(msg)
	}
	if s.refused == nil {
		s.call.started(msg)
	}
	return s.refused
}

// receive waits for a message, as long as there is patience. Who has none left ends
// the call, and with it the waiting; nobody looks at m then.
func (s *guarded) receive(m any) error {
	if s.patience == 0 {
		return s.ServerStream.RecvMsg(m)
	}
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case err := <-received:
		return err
	case <-timer.C:
		return standsStill(s.patience)
	}
}

// errEnded is for work that nobody waits for any more.
var errEnded = errors.New("the call has ended")

// SendMsg sends a message. The call's one event is on record before the first,
// as a success: work that goes on after its call has failed sends nothing.
func (s *guarded) SendMsg(m any) error {
	if err := s.call.recorded(s.ctx, codes.OK, ""); err != nil {
		return err
	}
	if s.call.outcome != codes.OK {
		return errEnded
	}
	return s.ServerStream.SendMsg(m)
}

// call is one call under way.
type call struct {
	edge      *edge
	rule      *access.Rule
	draft     *audit.Draft
	principal identity.Principal
	end       func() // of the limits
	taken     bool   // the caller has a place among its calls

	admitted atomic.Bool
	working  atomic.Bool // the handler had its request, so that something may have happened

	once    sync.Once
	outcome codes.Code // as it was recorded
	failed  error      // of the record
}

func (e *edge) begin(ctx context.Context, rule *access.Rule) (context.Context, *call) {
	id := strings.ToLower(rand.Text())
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(attribute.String("wertfach.call", id))
	}
	ctx, draft := audit.Begin(ctx, audit.Event{ID: id, Action: rule.Action})
	return ctx, &call{edge: e, rule: rule, draft: draft, end: func() {}}
}

// enter finds out who calls, and whether they may call this at all.
func (c *call) enter(ctx context.Context) error {
	leaf := certificate(ctx)
	if leaf == nil {
		return fault.New(fault.Unauthenticated, "CERTIFICATE_REQUIRED", "a client certificate is needed")
	}
	authorization, twice := header(ctx, "authorization")
	var err error
	c.principal, err = c.edge.identity.Identify(ctx, leaf, authorization) // what the certificate proves counts in any case
	err = cmp.Or(twice, err)
	c.draft.Add(func(e *audit.Event) { e.Principal, e.Machine = c.principal.ID, c.principal.Machine })
	if err != nil {
		return err
	}
	return c.rule.Allows(c.principal)
}

// about notes which institute the request is about, if there is one of that name.
func (c *call) about(req proto.Message) access.Asked {
	asked := c.rule.Asked(req)
	if c.edge.custodian.Serves(asked.Institute) {
		c.draft.Add(func(e *audit.Event) { e.Institute = asked.Institute })
	}
	return asked
}

// admit decides whether the caller may do what the request asks for.
func (c *call) admit(ctx context.Context, req proto.Message) error {
	asked := c.about(req)
	role, ok, err := c.rule.Admit(c.principal, asked, func() bool {
		proof, err := header(ctx, CallHeader)
		id, proved := c.edge.calls.Check(proof, c.principal.ID, asked.Institute, asked.Customer)
		proved = proved && err == nil
		if proved {
			c.draft.Add(func(e *audit.Event) { e.Call = id })
		}
		return proved
	})
	switch {
	case err != nil:
		return err
	case !ok && c.rule.Resource != "" && !asked.Named:
		return c.rule.Malformed(req) // it is nobody's, so nothing tells whose it is
	case !ok:
		return custody.NotThere(c.rule.Name(req))
	}
	c.admitted.Store(true)
	c.draft.Add(func(e *audit.Event) { e.Role = identity.RoleName(role) })
	return nil
}

// take takes a place among the caller's calls.
func (c *call) take() error {
	end, err := c.edge.limits.Begin(c.principal.ID, c.principal.Person(), c.rule.Effect, c.rule.Streams)
	if err == nil {
		c.end, c.taken = end, true
	}
	return err
}

// recordable makes sure that the call can be put on record.
func (c *call) recordable(ctx context.Context) error {
	if err := c.edge.record.Ready(ctx, durability(c.rule.Effect)); err != nil {
		return cmp.Or(ctx.Err(), unrecorded(err))
	}
	return nil
}

// started notes that the handler has its request.
func (c *call) started(req proto.Message) {
	if c.working.Swap(true) {
		return
	}
	if upload, ok := req.(interface {
		GetHeader() *wertfachv1.UploadScanHeader
	}); ok {
		req = upload.GetHeader()
	}
	if id, ok := req.(interface{ GetRequestId() string }); ok {
		c.draft.Add(func(e *audit.Event) { e.RequestID = id.GetRequestId() })
	}
}

// recorded puts the call on record, once; what comes of it holds for the call.
// It goes on when the caller is gone.
func (c *call) recorded(ctx context.Context, ended codes.Code, reason string) error {
	c.once.Do(func() {
		c.outcome = ended
		skipped := 0
		if c.refused(ended) {
			c.edge.refused(reason)
			c.end() // who waits takes nobody's place
			record := false
			if skipped, record = c.edge.limits.Refused(c.principal.ID, c.principal.Person()); !record {
				return
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		defer cancel()
		e := c.draft.Event()
		e.Code, e.Reason, e.Skipped = codeName(ended), reason, skipped
		if err := c.edge.record.Record(ctx, e, c.durability(ended, reason)); err != nil {
			c.failed = unrecorded(err)
		}
	})
	return c.failed
}

// refused says whether the call ended because its caller may not do what it asks
// for, or not now. What somebody who has a place does badly, or gives up, or can't
// be served with, is no such call; without a place nothing else would bound it.
func (c *call) refused(ended codes.Code) bool {
	switch ended {
	case codes.OK:
		return false
	case codes.InvalidArgument, codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return !c.taken
	default:
		return !c.admitted.Load()
	}
}

// durability is where the record must be before the answer leaves. What failed
// gives nothing out, so the spool does for it, unless something may have been done
// that can't be taken back.
func (c *call) durability(ended codes.Code, reason string) audit.Durability {
	final := c.working.Load() && c.rule.Effect == wertfachv1.Effect_EFFECT_IRREVOCABLE
	switch {
	case ended == codes.OK:
		return durability(c.rule.Effect)
	case final && (reason == custody.ReasonErasurePending || ended == codes.DeadlineExceeded || ended == codes.Canceled):
		return audit.Locked
	default:
		return audit.Spooled
	}
}

// durability is where the record of a call must be before its answer leaves.
func durability(effect wertfachv1.Effect) audit.Durability {
	switch effect {
	case wertfachv1.Effect_EFFECT_READ, wertfachv1.Effect_EFFECT_WRITE:
		return audit.Spooled
	default:
		return audit.Locked
	}
}

// ReasonAudit is a call that was refused, or whose answer was kept back, because
// it could not be put on record.
const ReasonAudit = "AUDIT_UNAVAILABLE"

func unrecorded(cause error) error {
	e := fault.Wrap(cause, fault.Unavailable, ReasonAudit, "the audit log takes no records at the moment")
	e.RetryAfter = time.Second
	return e
}

// header is the value of a header of the request that comes once at most.
func header(ctx context.Context, name string) (string, error) {
	switch values := metadata.ValueFromIncomingContext(ctx, name); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", fault.New(fault.Unauthenticated, "HEADER_TWICE", "the header %s must come once", name)
	}
}

// certificate is the verified certificate of the caller's machine.
func certificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 || len(info.State.PeerCertificates) == 0 {
		return nil
	}
	return info.State.PeerCertificates[0]
}

// codeName is a code by its name in google.rpc.Code: "PERMISSION_DENIED".
func codeName(c codes.Code) string { return code.Code(c).String() }
