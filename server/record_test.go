package server

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
)

// TestNoAnswerLeavesWithoutItsRecord: the log may fail after it said that it is
// ready, when the work is done already. Whatever an RPC does, its answer waits for
// one record, in the place that its effect asks for, and stays here without it.
func TestNoAnswerLeavesWithoutItsRecord(t *testing.T) {
	t.Parallel()
	for _, rule := range everyEffect(t) {
		t.Run(rule.Action+" as "+rule.Effect.String(), func(t *testing.T) {
			t.Parallel()
			// Said here once more, so that the test does not follow a mistake.
			want, known := map[wertfachv1.Effect]audit.Durability{
				wertfachv1.Effect_EFFECT_READ: audit.Spooled, wertfachv1.Effect_EFFECT_WRITE: audit.Spooled,
				wertfachv1.Effect_EFFECT_REVEAL: audit.Locked, wertfachv1.Effect_EFFECT_IRREVOCABLE: audit.Locked,
				wertfachv1.Effect_EFFECT_VERIFY: audit.Locked,
			}[rule.Effect]
			if !known {
				t.Fatal("nobody said where its record must be")
			}
			for _, takes := range [][]audit.Durability{{audit.Spooled, audit.Locked}, {audit.Spooled}, {}} {
				log := &brokenLog{takes: takes}
				left, err := log.call(t, rule)
				if !slices.Equal(log.asked, []audit.Durability{want}) {
					t.Errorf("a log that takes %v: asked for records at %v, want one at %v", takes, log.asked, want)
				}
				for _, e := range log.events {
					if e.Action != rule.Action || e.Code != "OK" {
						t.Errorf("a log that takes %v: recorded as %s, %s", takes, e.Action, e.Code)
					}
				}
				switch {
				case slices.Contains(takes, want):
					if err != nil || left == 0 {
						t.Errorf("a log that takes %v: %d answers left, %v", takes, left, err)
					}
				case left != 0 || status.Code(err) != codes.Unavailable || fault.ReasonOf(grpcfault.FromStatus(err)) != ReasonAudit:
					t.Errorf("a log that takes %v: %d answers left, %v", takes, left, err)
				}
			}
		})
	}
}

// everyEffect has the rule of every RPC, and one with each effect that no RPC has
// yet.
func everyEffect(t *testing.T) []*access.Rule {
	t.Helper()
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	var rules []*access.Rule
	for _, rule := range table {
		rules = append(rules, rule)
	}
	for effect := range wertfachv1.Effect_name {
		has := func(r *access.Rule) bool { return r.Effect == wertfachv1.Effect(effect) }
		if effect == 0 || slices.ContainsFunc(rules, has) {
			continue
		}
		for _, name := range []string{wertfachv1.CustomerService_GetCustomer_FullMethodName, wertfachv1.ArtefactService_DownloadScan_FullMethodName} {
			rule := *table[name]
			rule.Effect = wertfachv1.Effect(effect)
			rules = append(rules, &rule)
		}
	}
	return rules
}

// brokenLog always says that it is ready, and takes some records only.
type brokenLog struct {
	takes  []audit.Durability
	asked  []audit.Durability
	events []audit.Event
	sent   int // messages that reached the client of a stream
	early  int // how many of them before the record
}

// Ready implements [Recorder].
func (*brokenLog) Ready(context.Context, audit.Durability) error { return nil }

// Record implements [Recorder].
func (l *brokenLog) Record(_ context.Context, e audit.Event, d audit.Durability) error {
	l.asked, l.events = append(l.asked, d), append(l.events, e)
	l.early = l.sent
	if !slices.Contains(l.takes, d) {
		return errors.New("the disk is gone")
	}
	return nil
}

// call makes a call whose work is done well, and tells how many answers left.
func (l *brokenLog) call(t *testing.T, rule *access.Rule) (left int, err error) {
	t.Helper()
	method := "/wertfach.v1." + rule.Action
	unbounded := limit.Rates{Read: 1e9, Write: 1e9, Reveal: 1e9, Verify: 1e9, Burst: 1, Concurrent: 1e9, Streams: 1e9}
	e := &edge{
		custodian: &custody.Custodian{}, table: access.Table{method: rule}, identity: anybody{},
		limits: limit.New(unbounded, unbounded, nil), record: l, valid: validator{lenient{}}, timeout: time.Minute,
		refused: func(string) {}, log: slog.New(slog.DiscardHandler),
	}
	described, request := requestTo(t, rule)
	if !rule.Streams {
		worked := false
		answer, err := e.unary(Known(t.Context()), request, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
			worked = true
			return &emptypb.Empty{}, nil
		})
		if !worked {
			t.Errorf("the work was never done: %v", err)
		}
		if answer != nil {
			left++
		}
		return left, err
	}
	info := &grpc.StreamServerInfo{FullMethod: method, IsClientStream: described.IsStreamingClient(), IsServerStream: described.IsStreamingServer()}
	err = e.stream(nil, &wire{ctx: Known(t.Context()), request: request, log: l}, info, func(_ any, s grpc.ServerStream) error {
		if err := s.RecvMsg(request.ProtoReflect().New().Interface()); err != nil {
			return err
		}
		// A handler that looks at no error has nothing sent all the same.
		_, _ = s.SendMsg(&emptypb.Empty{}), s.SendMsg(&emptypb.Empty{})
		return nil
	})
	if l.early != 0 {
		t.Errorf("%d messages left before the record", l.early)
	}
	return l.sent, err
}

// requestTo is the RPC of a rule, and a request to it that names what it is about.
func requestTo(t *testing.T, rule *access.Rule) (protoreflect.MethodDescriptor, proto.Message) {
	t.Helper()
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("wertfach.v1." + strings.ReplaceAll(rule.Action, "/", ".")))
	if err != nil {
		t.Fatal(err)
	}
	method := found.(protoreflect.MethodDescriptor)
	typ, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		t.Fatal(err)
	}
	request := typ.New()
	if rule.Resource == "" {
		return method, request.Interface()
	}
	m, path := request, strings.Split(rule.Resource, ".")
	for _, name := range path[:len(path)-1] {
		m = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(name))).Message()
	}
	last := m.Descriptor().Fields().ByName(protoreflect.Name(path[len(path)-1]))
	m.Set(last, protoreflect.ValueOfString("institutes/musterbank/customers/4711"))
	return method, request.Interface()
}

// wire is the stream of a client that sends one message, and counts in the log
// what reaches it.
type wire struct {
	grpc.ServerStream
	ctx     context.Context
	request proto.Message
	log     *brokenLog
}

func (w *wire) Context() context.Context { return w.ctx }

func (w *wire) RecvMsg(m any) error {
	proto.Merge(m.(proto.Message), w.request)
	return nil
}

func (w *wire) SendMsg(any) error {
	w.log.sent++
	return nil
}

// anybody is a caller of every role, an agent's among them.
type anybody struct{ everything }

func (a anybody) Identify(ctx context.Context, leaf *x509.Certificate, authorization string) (identity.Principal, error) {
	p, err := a.everything.Identify(ctx, leaf, authorization)
	p.Grants = append(p.Grants, identity.Grant{Role: wertfachv1.Role_ROLE_HOTLINE, Institutes: identity.AllInstitutes()})
	return p, err
}

// lenient takes every message: what is in one does not matter here.
type lenient struct{ protovalidate.Validator }

func (lenient) Validate(proto.Message, ...protovalidate.ValidationOption) error { return nil }
