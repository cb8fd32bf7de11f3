// Package server is the gRPC edge: who may ask, and in which words.
//
// A request's way is the same for every call. TLS proves the caller's machine;
// guard (guard.go) catches panics, maps errors and logs what happened, never a
// value; valid (valid.go) checks the message against the rules in the schema;
// the handler decodes it, makes one call into custody, and encodes the answer.
// There is a file for each service, and convert.go for what they share.
//
// The server tells the truth about its health: it is serving while keys and
// objects can be reached.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/wertfach/wertfach/custody"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Config is what a Server is made of.
type Config struct {
	// Custodian does what is asked. Required.
	Custodian *custody.Custodian
	// TLS is the server's certificate and the authority of its clients'. Required;
	// TLS 1.3 and a verified client certificate are demanded whatever it says.
	TLS *tls.Config
	// Ready says whether keys and objects can be reached now. Required.
	Ready func(context.Context) error
	// Reflection offers the schema to tools such as grpcurl; for development.
	Reflection bool
	// Log takes a line for each call; slog.Default where nil.
	Log *slog.Logger
}

// Bounds of what a single connection or message may take.
const (
	maxMessage = 1 << 20 // bytes of a message
	maxStreams = 256     // calls at once on a connection
	workers    = 64      // goroutines kept for calls, so that not each grows a stack of its own
	// window is how much of a stream's data may be under way, in bytes. A fixed
	// one bounds the memory of many uploads at once; it carries 256 MiB/s at a
	// round trip of 1 ms.
	window = 256 << 10
	// connWindow is the same for all streams of a connection.
	connWindow = 1 << 20
	idleTime   = 5 * time.Minute
	pingEvery  = 10 * time.Second // the most often a client may ping
)

// Server answers the API on one listener.
type Server struct {
	grpc    *grpc.Server
	health  *health
	streams *streams
}

// New makes a server. Nothing listens yet.
func New(cfg Config) (*Server, error) {
	if cfg.Custodian == nil || cfg.TLS == nil || cfg.Ready == nil {
		return nil, errors.New("server: custodian, TLS and readiness are needed")
	}
	if cfg.TLS.ClientCAs == nil || cfg.TLS.GetConfigForClient != nil {
		// Without an authority of its own it would take those of the system, and
		// let everybody in who has a certificate from anywhere.
		return nil, errors.New("server: TLS needs the authority of the clients' certificates, the same for all")
	}
	valid, err := newValidator()
	if err != nil {
		return nil, err
	}
	edge := edge{valid: valid, log: cmp.Or(cfg.Log, slog.Default())}
	s := &Server{
		grpc: grpc.NewServer(
			grpc.Creds(credentials.NewTLS(secure(cfg.TLS))),
			grpc.UnaryInterceptor(edge.unary),
			grpc.StreamInterceptor(edge.stream),
			grpc.MaxRecvMsgSize(maxMessage),
			grpc.MaxConcurrentStreams(maxStreams),
			grpc.NumStreamWorkers(workers),
			grpc.InitialWindowSize(window),
			grpc.InitialConnWindowSize(connWindow),
			grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery, PermitWithoutStream: true}),
		),
		health:  newHealth(cfg.Ready, edge.log),
		streams: &streams{idle: idleStream},
	}
	wertfachv1.RegisterCustomerServiceServer(s.grpc, customers{custodian: cfg.Custodian})
	wertfachv1.RegisterArtefactServiceServer(s.grpc, artefacts{streams: s.streams, custodian: cfg.Custodian})
	wertfachv1.RegisterLifecycleServiceServer(s.grpc, lifecycle{custodian: cfg.Custodian})
	healthv1.RegisterHealthServer(s.grpc, s.health)
	if cfg.Reflection {
		reflection.Register(s.grpc)
	}
	return s, nil
}

// secure is the configuration with what is not negotiable.
func secure(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.MinVersion = tls.VersionTLS13
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg
}

// Serve answers calls until Shutdown, and gives nil then. It closes the
// listener.
func (s *Server) Serve(listener net.Listener) error { return s.grpc.Serve(listener) }

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
