package identity_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/server/identity"
)

const devPortal = "spiffe://dev.wertfach.example/portal/test"

// house is a server whose TLS files a test renews.
type house struct {
	clock    *clock
	files    identity.Files
	address  string
	registry *identity.Registry
	log      *journal
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes a record.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// side is an authority with a certificate of a server and one of a client.
type side struct {
	ca             string
	server, client pki.Pair
}

func newSide(t *testing.T, now time.Time) side {
	t.Helper()
	a, err := pki.Open(t.TempDir(), now)
	ok(t, err)
	s := side{ca: a.CAFile()}
	s.server, err = a.Server("127.0.0.1")
	ok(t, err)
	s.client, err = a.Client("portal", "test")
	ok(t, err)
	return s
}

// open starts a server with the files of a side. It answers each line with what
// identity makes of the caller.
func open(t *testing.T, s side) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{clock: newClock(), log: &journal{}}
	h.files = identity.Files{
		Cert: filepath.Join(dir, "server.pem"), Key: filepath.Join(dir, "server-key.pem"), ClientCA: filepath.Join(dir, "ca.pem"),
		Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	h.put(t, h.files.Cert, s.server.CertFile)
	h.put(t, h.files.Key, s.server.KeyFile)
	h.put(t, h.files.ClientCA, s.ca)
	h.registry = registry(t, identity.Config{Now: h.clock.Now, Machines: []identity.Machine{
		{URI: devPortal, Roles: []string{"portal"}, Institutes: []string{"*"}},
	}})
	config, err := h.files.Config()
	ok(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	ok(t, err)
	h.address = listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { h.serve(t, conn.(*tls.Conn)) })
		}
	})
	t.Cleanup(func() {
		ok(t, listener.Close())
		serving.Wait()
	})
	return h
}

func (h *house) serve(t *testing.T, conn *tls.Conn) {
	defer conn.Close()
	if conn.HandshakeContext(t.Context()) != nil {
		return
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		_, err := h.registry.Identify(t.Context(), conn.ConnectionState().PeerCertificates[0], "")
		if _, err := fmt.Fprintln(conn, fault.ReasonOf(err)); err != nil {
			return
		}
	}
}

// put copies a file over another one.
func (h *house) put(t *testing.T, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	ok(t, err)
	ok(t, os.WriteFile(to, text, 0o600))
}

// later makes the server look at its files again.
func (h *house) later() { h.clock.pass(2 * time.Second) }

// caller is a connection of a client.
type caller struct {
	*tls.Conn
	lines *bufio.Reader
}

// call connects as the client of a side, to a server of another one.
func (h *house) call(t *testing.T, as, to side, sessions tls.ClientSessionCache) (*caller, error) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(as.client.CertFile, as.client.KeyFile)
	ok(t, err)
	pem, err := os.ReadFile(to.ca)
	ok(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", h.address, &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"h2"},
		ClientSessionCache: sessions, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &caller{conn, bufio.NewReader(conn)}
	reason, err := c.ask()
	if err == nil && reason != "" {
		t.Errorf("it is refused: %s", reason)
	}
	return c, err
}

// ask gives the reason for which a call is refused.
func (c *caller) ask() (reason string, err error) {
	if _, err := io.WriteString(c, "who am I?\n"); err != nil {
		return "", err
	}
	line, err := c.lines.ReadString('\n')
	return strings.TrimSpace(line), err
}

// TestRenewedServer: a new pair is taken up once it is whole.
func TestRenewedServer(t *testing.T) {
	t.Parallel()
	first, second := newSide(t, time.Now()), newSide(t, time.Now())
	h := open(t, first)
	serves := func(what string, want side) {
		t.Helper()
		h.later()
		for range 3 {
			if _, err := h.call(t, first, want, nil); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	serves("at first", first)
	h.put(t, h.files.Cert, second.server.CertFile)
	serves("without its key", first)
	serves("still without its key", first)
	if n := h.log.count("can't be used"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	h.put(t, h.files.Key, second.server.KeyFile)
	serves("whole", second)
	ok(t, os.WriteFile(h.files.Cert, []byte("-----BEGIN CERTIFICATE-----\n"), 0o600))
	serves("cut", second)
	ok(t, os.Remove(h.files.Cert))
	serves("gone", second)
	old := newSide(t, time.Now().AddDate(-2, 0, 0))
	h.put(t, h.files.Cert, old.server.CertFile)
	h.put(t, h.files.Key, old.server.KeyFile)
	serves("ended", second)
	if n := h.log.count("can't be used"); n != 4 {
		t.Errorf("four mistakes are logged %d times", n)
	}
	h.put(t, h.files.Cert, first.server.CertFile)
	h.put(t, h.files.Key, first.server.KeyFile)
	serves("mended", first)
	if n := h.log.count("are in force"); n != 2 {
		t.Errorf("two renewals are logged %d times", n)
	}
}

// TestRenewedAuthority: clients of an authority that is no longer trusted get no
// further connection, not even one that takes up an old session.
func TestRenewedAuthority(t *testing.T) {
	t.Parallel()
	first, second := newSide(t, time.Now()), newSide(t, time.Now())
	h := open(t, first)
	sessions := tls.NewLRUClientSessionCache(4)
	live, err := h.call(t, first, first, sessions)
	ok(t, err)
	if live.ConnectionState().Version != tls.VersionTLS13 || live.ConnectionState().NegotiatedProtocol != "h2" {
		t.Errorf("got %+v", live.ConnectionState())
	}
	if again, err := h.call(t, first, first, sessions); err != nil || again.ConnectionState().DidResume {
		t.Errorf("a session is taken up again, unchecked: %v", err)
	}
	if _, err := h.call(t, second, first, nil); err == nil {
		t.Error("a client of another authority got in")
	}
	h.put(t, h.files.ClientCA, second.ca)
	h.later()
	if _, err := h.call(t, second, first, nil); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
	if _, err := h.call(t, first, first, sessions); err == nil {
		t.Error("a client of the old authority got in")
	}
	ok(t, os.WriteFile(h.files.ClientCA, nil, 0o600))
	h.later()
	if _, err := h.call(t, first, first, nil); err == nil {
		t.Error("with an empty list of authorities everybody gets in")
	}
	if _, err := h.call(t, second, first, nil); err != nil {
		t.Errorf("after an empty file: %v", err)
	}
}

// TestOnlyTLS13: an older client gets no connection.
func TestOnlyTLS13(t *testing.T) {
	t.Parallel()
	s := newSide(t, time.Now())
	h := open(t, s)
	conn, err := tls.Dial("tcp", h.address, &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true})
	if err == nil {
		_ = conn.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("got %v", err)
	}
}

// TestCertificateEndsWhileConnected: a connection outlives the certificate that
// it began with, and then carries no calls any more.
func TestCertificateEndsWhileConnected(t *testing.T) {
	t.Parallel()
	s := newSide(t, time.Now())
	h := open(t, s)
	live, err := h.call(t, s, s, nil)
	ok(t, err)
	h.clock.pass(366 * 24 * time.Hour)
	if reason, err := live.ask(); err != nil || reason != identity.ReasonCertificateExpired {
		t.Errorf("got %q, %v", reason, err)
	}
	if _, err := h.call(t, s, s, nil); err == nil {
		t.Error("a new connection begins with a certificate that has ended")
	}
}

// TestFilesAtStart: mistakes show at the start, by the key of the configuration.
func TestFilesAtStart(t *testing.T) {
	t.Parallel()
	s, other, old := newSide(t, time.Now()), newSide(t, time.Now()), newSide(t, time.Now().AddDate(-2, 0, 0))
	good := identity.Files{Cert: s.server.CertFile, Key: s.server.KeyFile, ClientCA: s.ca}
	_, err := good.Config()
	ok(t, err)
	for want, spoil := range map[string]func(*identity.Files){
		"tls.cert_file: open":              func(f *identity.Files) { f.Cert += "x" },
		"tls.key_file: open":               func(f *identity.Files) { f.Key += "x" },
		"tls.client_ca_file: open":         func(f *identity.Files) { f.ClientCA += "x" },
		"tls.cert_file and tls.key_file: ": func(f *identity.Files) { f.Key = other.server.KeyFile },
		"tls.client_ca_file: no":           func(f *identity.Files) { f.ClientCA = s.server.KeyFile },
		"tls.cert_file: the certificate is not valid": func(f *identity.Files) {
			f.Cert, f.Key = old.server.CertFile, old.server.KeyFile
		},
	} {
		f := good
		spoil(&f)
		if _, err := f.Config(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
