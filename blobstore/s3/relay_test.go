package s3

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
)

// relay passes connections on to a server and can cut them.
type relay struct {
	listener net.Listener
	target   string
	// up and down are how many more bytes pass in each direction before the
	// connection is cut; negative lets all pass.
	up, down atomic.Int64
	// lose is how many of the next connections are cut when the server answers.
	lose atomic.Int64
	// reset cuts with RST, as a crash of a machine does, instead of FIN.
	reset atomic.Bool
	// connections counts those that were accepted.
	connections atomic.Int64
	running     sync.WaitGroup
}

// newRelay starts a relay in front of the server, and gives the settings of a
// driver that goes through it to a bucket of its own.
func newRelay(t *testing.T, m *testenv.Minio) (*relay, Settings) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, target: m.Addr(0)}
	r.up.Store(-1)
	r.down.Store(-1)
	r.running.Go(r.accept)
	t.Cleanup(func() {
		_ = l.Close()
		r.running.Wait()
	})
	s := settings(t, m, m.FreshBucket(t))
	s.Endpoint = "http://" + l.Addr().String()
	return r, s
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.connections.Add(1)
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		cut := sync.OnceFunc(func() {
			if r.reset.Load() {
				_ = client.(*net.TCPConn).SetLinger(0)
			}
			_ = client.Close()
			_ = server.Close()
		})
		down := &r.down
		if r.lose.Add(-1) >= 0 {
			down = new(atomic.Int64)
		}
		r.running.Go(func() { defer cut(); pass(server, client, &r.up) })
		r.running.Go(func() { defer cut(); pass(client, server, down) })
	}
}

var errAllowance = errors.New("allowance used up")

// pass copies until an end, an error, or the allowance is used up.
func pass(to io.Writer, from io.Reader, allowance *atomic.Int64) {
	_, _ = io.Copy(to, readFunc(func(p []byte) (int, error) {
		n, err := from.Read(p)
		if allowance.Load() < 0 {
			return n, err
		}
		left := allowance.Add(-int64(n))
		if left > 0 {
			return n, err
		}
		allowance.Store(0) // nothing passes any more
		return max(0, n+int(left)), errAllowance
	}))
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
