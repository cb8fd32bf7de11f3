package server

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/export"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
)

// EndIdleStreams changes how long a stream may stand still, before the server
// serves.
func (s *Server) EndIdleStreams(after time.Duration) { s.streams.idle = after }

// Bare is a server without a network: what lies between the bytes of a message
// and custody. Its caller may do everything.
type Bare struct {
	edge     *edge
	services map[*grpc.ServiceDesc]any
}

// NewBare makes one.
func NewBare(c *custody.Custodian, record Recorder) (Bare, error) {
	valid, err := newValidator()
	if err != nil {
		return Bare{}, err
	}
	table, err := access.NewTable(access.Services()...)
	unbounded := limit.Rates{Read: 1e9, Write: 1e9, Reveal: 1e9, Verify: 1e9, Burst: 1, Concurrent: 1e9, Streams: 1e9}
	return Bare{
		edge: &edge{
			custodian: c, table: table, identity: everything{}, limits: limit.New(unbounded, unbounded, nil),
			record: record, valid: valid, timeout: time.Minute, refused: func(string) {}, log: slog.New(slog.DiscardHandler),
		},
		services: map[*grpc.ServiceDesc]any{
			&wertfachv1.CustomerService_ServiceDesc:  customers{custodian: c},
			&wertfachv1.ArtefactService_ServiceDesc:  artefacts{streams: &streams{idle: idleStream}, custodian: c},
			&wertfachv1.LifecycleService_ServiceDesc: lifecycle{custodian: c},
			&wertfachv1.PrivacyService_ServiceDesc:   privacy{streams: &streams{idle: idleStream}, custodian: c, accesses: unlogged(table)},
		},
	}, err
}

// unlogged are the accesses of a log that is empty.
func unlogged(table access.Table) accesses {
	return accesses{reader: &audit.Reader{
		Segments: emptyLog{}, Keys: func(context.Context) ([]ed25519.PublicKey, error) { return nil, nil },
	}, table: table, now: time.Now, bound: time.Minute}
}

type emptyLog struct{}

func (emptyLog) Versions(context.Context, string) iter.Seq2[blobstore.Version, error] {
	return func(func(blobstore.Version, error) bool) {}
}

func (emptyLog) Read(context.Context, string, string) ([]byte, error) {
	return nil, blobstore.ErrNotFound
}

// everything is a caller who may do everything.
type everything struct{}

func (everything) Identify(context.Context, *x509.Certificate, string) (identity.Principal, error) {
	p := identity.Principal{ID: "test"}
	for role := range wertfachv1.Role_name {
		if wertfachv1.Role(role) != wertfachv1.Role_ROLE_HOTLINE {
			p.Grants = append(p.Grants, identity.Grant{Role: wertfachv1.Role(role), Institutes: identity.AllInstitutes()})
		}
	}
	return p, nil
}

// Known gives a context in which TLS has verified a certificate.
func Known(ctx context.Context) context.Context {
	leaf := &x509.Certificate{}
	return peer.NewContext(ctx, &peer.Peer{AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{
		PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}},
	}}})
}

// Unary are the names of the methods without streams.
func (b Bare) Unary() []string {
	var names []string
	for desc := range b.services {
		for _, m := range desc.Methods {
			names = append(names, m.MethodName)
		}
	}
	return names
}

// Call calls a method without streams.
func (b Bare) Call(ctx context.Context, method string, decode func(any) error) (any, error) {
	for desc, service := range b.services {
		for _, m := range desc.Methods {
			if m.MethodName == method {
				return m.Handler(service, Known(ctx), decode, b.edge.unary)
			}
		}
	}
	panic("no method " + method)
}

// Stream calls a method with streams. The stream's context is one of [Known].
func (b Bare) Stream(method string, stream grpc.ServerStream) error {
	for desc, service := range b.services {
		for _, m := range desc.Streams {
			if m.StreamName == method {
				return b.edge.stream(service, stream, &grpc.StreamServerInfo{FullMethod: "/" + desc.ServiceName + "/" + method}, m.Handler)
			}
		}
	}
	panic("no method " + method)
}

// Unrecorded is a record that keeps nothing, for tests of what is decoded.
type Unrecorded struct{}

// Ready implements [Recorder].
func (Unrecorded) Ready(context.Context, audit.Durability) error { return nil }

// Record implements [Recorder].
func (Unrecorded) Record(context.Context, audit.Event, audit.Durability) error { return nil }

// NewestAccesses is what an export tells of the log when it may read for so long.
func NewestAccesses(ctx context.Context, r *audit.Reader, institute, subject string, from, to time.Time, bound time.Duration) (export.Accesses, error) {
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		return export.Accesses{}, err
	}
	return accesses{reader: r, table: table, now: time.Now, bound: bound}.newest(ctx, institute, subject, from, to)
}
