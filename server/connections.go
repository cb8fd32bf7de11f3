package server

import (
	"cmp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Connections bound what connections, and the messages on them, may take. A field
// that is zero has the value of [DefaultConnections]; none is negative.
type Connections struct {
	// Max is how many connections may be open at once, those that have not proved
	// yet who they are among them. Further ones wait until one of them ends.
	Max int
	// Streams is how many calls may be under way on a connection. gRPC has a
	// client's further calls wait on its own side.
	Streams int
	// MessageSize is how large a request, or one message of an upload, may be, in
	// bytes; above it the call gets RESOURCE_EXHAUSTED. Answers are not bounded by
	// it: a page of artefacts is larger than any request was.
	MessageSize int
	// HandshakeTimeout is how long a connection may take from its first packet to
	// the end of TLS and HTTP/2's greeting. Then it is closed.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection may be without a call.
	IdleTimeout time.Duration
	// MaxAge is how long a connection takes new calls, give or take a tenth:
	// certificates are checked when it begins. MaxAgeGrace is how long calls that
	// are under way then may go on; it lets the longest upload end.
	MaxAge, MaxAgeGrace time.Duration
	// MinPingInterval is the most often a client may ping. One that goes on pinging
	// more often loses its connection.
	MinPingInterval time.Duration
	// PingAfter is how long a client may be silent before it is asked whether it is
	// still there, PingTimeout how long it may take to answer: so a machine that
	// has vanished does not keep its place.
	PingAfter, PingTimeout time.Duration
}

// DefaultConnections are the bounds where the configuration says nothing.
func DefaultConnections() Connections {
	return Connections{
		Max: 4096, Streams: 256, MessageSize: 1 << 20, HandshakeTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		MaxAge: time.Hour, MaxAgeGrace: 35 * time.Minute,
		MinPingInterval: 10 * time.Second, PingAfter: time.Minute, PingTimeout: 20 * time.Second,
	}
}

// complete is c with the defaults in the place of zeros.
func (c Connections) complete() Connections {
	d := DefaultConnections()
	return Connections{
		Max: cmp.Or(c.Max, d.Max), Streams: cmp.Or(c.Streams, d.Streams), MessageSize: cmp.Or(c.MessageSize, d.MessageSize),
		HandshakeTimeout: cmp.Or(c.HandshakeTimeout, d.HandshakeTimeout), IdleTimeout: cmp.Or(c.IdleTimeout, d.IdleTimeout),
		MaxAge: cmp.Or(c.MaxAge, d.MaxAge), MaxAgeGrace: cmp.Or(c.MaxAgeGrace, d.MaxAgeGrace),
		MinPingInterval: cmp.Or(c.MinPingInterval, d.MinPingInterval),
		PingAfter:       cmp.Or(c.PingAfter, d.PingAfter), PingTimeout: cmp.Or(c.PingTimeout, d.PingTimeout),
	}
}

// negative says whether a bound is below zero, which bounds nothing.
func (c Connections) negative() bool {
	return min(c.Max, c.Streams, c.MessageSize) < 0 ||
		min(c.HandshakeTimeout, c.IdleTimeout, c.MaxAge, c.MaxAgeGrace, c.MinPingInterval, c.PingAfter, c.PingTimeout) < 0
}

// options have gRPC keep to the bounds; that of Max is the listener's.
func (c Connections) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(c.MessageSize),
		grpc.MaxConcurrentStreams(uint32(c.Streams)),
		grpc.ConnectionTimeout(c.HandshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: c.IdleTimeout, MaxConnectionAge: c.MaxAge, MaxConnectionAgeGrace: c.MaxAgeGrace,
			// Without pings a peer that vanished would keep its place for as long as TCP
			// tries: gRPC sets TCP_USER_TIMEOUT on a bare *net.TCPConn only, and ours are
			// wrapped to be counted.
			Time: c.PingAfter, Timeout: c.PingTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: c.MinPingInterval, PermitWithoutStream: true}),
	}
}
