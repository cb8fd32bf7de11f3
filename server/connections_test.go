package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// bounded opens a server with bounds for connections.
func bounded(t *testing.T, c server.Connections) *site {
	t.Helper()
	return open(t, func(cfg *server.Config) { cfg.Connections = c })
}

// answers asks for the health, for so long at most.
func answers(t *testing.T, conn *grpc.ClientConn, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	_, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	return err
}

// moment is how long a test waits for what must not come.
const moment = 500 * time.Millisecond

// TestMessageSize: a request of the size that is allowed comes through, to be
// refused for what it says; one byte more does not.
func TestMessageSize(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"the default": 0, "less": 64 << 10, "more": 8 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bounded(t, server.Connections{MessageSize: size})
			client := wertfachv1.NewCustomerServiceClient(s.connect(t))
			most := size
			if most == 0 {
				most = server.DefaultConnections().MessageSize
			}
			for _, step := range []struct {
				size int
				want codes.Code
			}{{most, codes.InvalidArgument}, {most + 1, codes.ResourceExhausted}, {most, codes.InvalidArgument}} {
				if _, err := client.GetCustomer(t.Context(), asLarge(t, step.size)); status.Code(err) != step.want {
					t.Errorf("%d bytes: got %v, want %v", step.size, status.Code(err), step.want)
				}
			}
		})
	}
}

// asLarge is a request of that size on the wire.
func asLarge(t *testing.T, size int) *wertfachv1.GetCustomerRequest {
	t.Helper()
	for head := range 10 { // the field's tag and length
		r := &wertfachv1.GetCustomerRequest{Name: strings.Repeat("x", size-head)}
		if proto.Size(r) == size {
			return r
		}
	}
	t.Fatalf("no request has %d bytes", size)
	return nil
}

// TestConnectionsWait: who comes when all places are taken waits, and is served
// when one of the others goes.
func TestConnectionsWait(t *testing.T) {
	t.Parallel()
	s := bounded(t, server.Connections{Max: 2})
	first, second, third := s.connect(t), s.connect(t), s.connect(t)
	ok(t, answers(t, first, patience))
	ok(t, answers(t, second, patience))
	if err := answers(t, third, moment); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a third connection beside two: %v", err)
	}
	if open, most := s.Connections(); open != 2 || most != 2 {
		t.Errorf("%d connections of %d", open, most)
	}
	s.log.await(t, `level=WARN msg="all connections are taken; further ones wait until one ends" connections=2`)
	ok(t, answers(t, first, patience)) // those that are there go on
	ok(t, first.Close())
	ok(t, answers(t, third, patience))
	ok(t, answers(t, second, patience))
	if n := strings.Count(s.log.String(), "all connections are taken"); n != 1 {
		t.Errorf("within a minute it is logged %d times", n)
	}
}

// TestStopWhileFull: a listener that waits for a place does not keep a server from
// stopping.
func TestStopWhileFull(t *testing.T) {
	t.Parallel()
	s := bounded(t, server.Connections{Max: 1})
	ok(t, answers(t, s.connect(t), patience))
	s.log.await(t, "all connections are taken")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.Shutdown(ctx)
	ok(t, ctx.Err())
	ok(t, <-s.served)
	for late := time.Now().Add(patience); ; {
		open, _ := s.Connections()
		if open == 0 {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("%d places are not given back", open)
		}
	}
}

// TestPlacesComeBack: a connection whose client says nothing does not keep its
// place, be it that it never proves who it is, or that it is there no more.
func TestPlacesComeBack(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *site, net.Conn) net.Conn{
		"nothing at all": func(_ *testing.T, _ *site, c net.Conn) net.Conn { return c },
		"half a greeting": func(t *testing.T, _ *site, c net.Conn) net.Conn {
			_, err := c.Write([]byte{22, 3, 1}) // the record of a ClientHello begins so
			ok(t, err)
			return c
		},
		"TLS alone": func(t *testing.T, s *site, c net.Conn) net.Conn { return s.secured(t, c) },
		"then no answer to a ping": func(t *testing.T, s *site, c net.Conn) net.Conn {
			c = s.secured(t, c)
			// HTTP/2's preface, and SETTINGS that are empty.
			_, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			ok(t, err)
			return c
		},
		"no certificate": func(t *testing.T, _ *site, c net.Conn) net.Conn {
			// The server's refusal comes with the first read.
			stranger := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			_ = stranger.HandshakeContext(t.Context())
			return stranger
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bounded(t, server.Connections{Max: 1, HandshakeTimeout: moment, PingAfter: time.Second, PingTimeout: time.Second})
			raw, err := net.Dial("tcp", s.address)
			ok(t, err)
			defer raw.Close()
			silent := begin(t, s, raw)
			s.log.await(t, "all connections are taken")
			ok(t, answers(t, s.connect(t), patience))
			ok(t, silent.SetReadDeadline(time.Now().Add(patience)))
			if _, err := io.Copy(io.Discard, silent); isTimeout(err) {
				t.Error("its connection is still open")
			}
		})
	}
}

func isTimeout(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

// secured does the handshake of a good client.
func (s *site) secured(t *testing.T, c net.Conn) net.Conn {
	t.Helper()
	cfg := s.portal(t)
	cfg.ServerName, cfg.NextProtos = "127.0.0.1", []string{"h2"}
	secured := tls.Client(c, cfg)
	ok(t, secured.HandshakeContext(t.Context()))
	return secured
}

// TestStreams: calls beyond those that a connection may have wait on the client's
// side; another connection has its own.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := bounded(t, server.Connections{Streams: 1})
	conn := s.connect(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	_, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, wertfachv1.ArtefactService_UploadScan_FullMethodName)
	ok(t, err)
	if err := answers(t, conn, moment); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a second call beside one: %v", err)
	}
	ok(t, answers(t, s.connect(t), patience))
	end()
	ok(t, answers(t, conn, patience))
}
