// Package server is the gRPC edge: who may ask, and in which words.
//
// A request's way is the same for every call (edge.go). TLS proves the caller's
// machine, and package identity says who that is, or which person it acts for;
// package access says whether they may call this at all, package limit whether
// they may now, and package access whether they may for what the request names;
// the audit log is asked whether it can take the record; valid (valid.go) checks
// the message against the rules in the schema; the handler decodes it, makes one
// call into custody, and encodes the answer; package audit puts the call on
// record, and only then the answer leaves. Of a stream the request comes last of
// all this: its first message says what it is about. guard (guard.go) lies around all of it: it catches panics, maps errors
// and logs what happened, never a value. There is a file for each service, and
// convert.go for what they share. What connections may take, before it is known
// who calls, is bounded by connections.go and listener.go.
//
// The server tells the truth about its health: it is serving while keys and
// objects can be reached and the audit log takes records.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/limit"
)

// Config is what a Server is made of.
type Config struct {
	// Custodian does what is asked. Required.
	Custodian *custody.Custodian
	// TLS is the server's certificate and the authority of its clients'. Required;
	// TLS 1.3 and a verified client certificate are demanded whatever it says.
	TLS *tls.Config
	// Identity says who calls. Required.
	Identity Identifier
	// Limits bound what a caller can ask for; their defaults where nil.
	Limits *limit.Limiter
	// Timeout bounds a call whose caller would wait longer; 30 seconds where
	// zero. Uploads and downloads have bounds of their own.
	Timeout time.Duration
	// Connections bound what connections and messages may take; each has its default
	// where zero.
	Connections Connections
	// Record is the audit log. Required.
	Record Recorder
	// Events reads the audit log. Required.
	Events *audit.Reader
	// Ready says whether keys and objects can be reached now, and the audit log
	// takes records. Required.
	Ready func(context.Context) error
	// Reflection offers the schema to tools such as grpcurl; for development.
	Reflection bool
	// Log takes a line for each call; slog.Default where nil.
	Log *slog.Logger
	// Refused is told the reason of each call that is refused before any work on
	// it begins, for metrics; nobody is where nil.
	Refused func(reason string)
	// Handshakes lies around TLS, to count those that fail; nothing where nil.
	Handshakes func(credentials.TransportCredentials) credentials.TransportCredentials
	// Options are added to those of the gRPC server, for traces and metrics.
	Options []grpc.ServerOption
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// What a connection may take beside what [Connections] says.
const (
	maxHeader = 32 << 10 // bytes of a call's headers, a person's token among them
	workers   = 64       // goroutines kept for calls, so that not each grows a stack of its own
	// window is how much of a stream's data may be under way, in bytes. A fixed
	// one bounds the memory of many uploads at once; it carries 256 MiB/s at a
	// round trip of 1 ms.
	window = 256 << 10
	// connWindow is the same for all streams of a connection.
	connWindow = 1 << 20
)

const defaultTimeout = 30 * time.Second

// Server answers the API on one listener.
type Server struct {
	grpc    *grpc.Server
	edge    *edge
	health  *health
	streams *streams
	places  places
}

// SetTimeout changes how long a call may take: for calls that begin from now on.
// Zero is the default.
func (s *Server) SetTimeout(d time.Duration) {
	s.edge.changed.Store(int64(cmp.Or(d, defaultTimeout)))
}

// New makes a server. Nothing listens yet.
func New(cfg Config) (*Server, error) {
	if cfg.Custodian == nil || cfg.TLS == nil || cfg.Identity == nil || cfg.Record == nil || cfg.Events == nil || cfg.Ready == nil {
		return nil, errors.New("server: custodian, TLS, identity, audit log and readiness are needed")
	}
	if cfg.TLS.ClientCAs == nil {
		// Without an authority of its own it would take those of the system, and
		// let everybody in who has a certificate from anywhere.
		return nil, errors.New("server: TLS needs the authority of the clients' certificates")
	}
	valid, err := newValidator()
	if err != nil {
		return nil, err
	}
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		return nil, err
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	edge := &edge{
		custodian: cfg.Custodian, table: table, identity: cfg.Identity,
		limits: cmp.Or(cfg.Limits, limit.New(limit.Machines(), limit.People(), nil)),
		calls:  access.NewCalls(cfg.Custodian.Derive("hotline calls"), now),
		record: cfg.Record, valid: valid, timeout: cmp.Or(cfg.Timeout, defaultTimeout),
		refused: cfg.Refused, log: cmp.Or(cfg.Log, slog.Default()),
	}
	if edge.refused == nil {
		edge.refused = func(string) {}
	}
	creds := credentials.NewTLS(secure(cfg.TLS))
	if cfg.Handshakes != nil {
		creds = cfg.Handshakes(creds)
	}
	connections := cfg.Connections.complete()
	if connections.negative() {
		return nil, errors.New("server: bounds of connections must not be negative")
	}
	s := &Server{
		edge:   edge,
		places: make(places, connections.Max),
		grpc: grpc.NewServer(slices.Concat([]grpc.ServerOption{
			grpc.Creds(creds),
			grpc.InTapHandle(edge.tap),
			grpc.UnaryInterceptor(edge.unary),
			grpc.StreamInterceptor(edge.stream),
			grpc.MaxHeaderListSize(maxHeader),
			grpc.NumStreamWorkers(workers),
			grpc.InitialWindowSize(window),
			grpc.InitialConnWindowSize(connWindow),
		}, connections.options(), cfg.Options)...),
		health:  newHealth(cfg.Ready, edge.log),
		streams: &streams{idle: idleStream},
	}
	own := registrar{s.grpc}
	wertfachv1.RegisterCustomerServiceServer(own, customers{custodian: cfg.Custodian})
	wertfachv1.RegisterArtefactServiceServer(own, artefacts{streams: s.streams, custodian: cfg.Custodian})
	wertfachv1.RegisterLifecycleServiceServer(own, lifecycle{custodian: cfg.Custodian})
	wertfachv1.RegisterPrivacyServiceServer(own, privacy{
		streams: s.streams, custodian: cfg.Custodian, accesses: accesses{reader: cfg.Events, table: table, now: now, bound: exportTime},
	})
	wertfachv1.RegisterAuditServiceServer(own, events{reader: cfg.Events, custodian: cfg.Custodian, now: now, verifying: make(chan struct{}, 1)})
	if err := complete(s.grpc, table); err != nil {
		return nil, err
	}
	healthv1.RegisterHealthServer(s.grpc, s.health)
	if cfg.Reflection {
		reflection.Register(s.grpc)
	}
	return s, nil
}

// complete refuses a server that offers an RPC without a rule, or has a rule for
// one that it does not offer.
func complete(s *grpc.Server, table access.Table) error {
	offered := 0
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			if table["/"+service+"/"+method.Name] == nil {
				return fmt.Errorf("server: %s.%s does not say who may call it", service, method.Name)
			}
			offered++
		}
	}
	if offered != len(table) {
		return fmt.Errorf("server: %d RPCs in the schema and %d offered", len(table), offered)
	}
	return nil
}

var errNoTLS = errors.New("server: no TLS configuration for this connection")

// secure is the configuration with what is not negotiable.
func secure(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.MinVersion = tls.VersionTLS13
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if renewed := cfg.GetConfigForClient; renewed != nil {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			now, err := renewed(hello)
			if err != nil || now == nil || now.ClientCAs == nil {
				return nil, errors.Join(err, errNoTLS)
			}
			now = now.Clone()
			now.MinVersion, now.ClientAuth, now.GetConfigForClient = tls.VersionTLS13, tls.RequireAndVerifyClientCert, nil
			return now, nil
		}
	}
	return cfg
}

// Serve answers calls until Shutdown, and gives nil then. It closes the
// listener.
func (s *Server) Serve(listener net.Listener) error {
	return s.grpc.Serve(bound(listener, s.places, func() {
		s.edge.log.Warn("all connections are taken; further ones wait until one ends", "connections", cap(s.places))
	}))
}

// Connections are how many connections are open, those that have not proved yet
// who they are among them, and how many may be.
func (s *Server) Connections() (open, most int) { return len(s.places), cap(s.places) }

// Shutdown takes no further calls and waits for those under way; when ctx ends
// it breaks them off.
func (s *Server) Shutdown(ctx context.Context) {
	s.health.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
		s.streams.working.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
	}
}
