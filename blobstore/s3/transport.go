package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"mime"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// answerTimeout bounds the wait for an answer once a request is sent whole,
	// for callers whose context has no deadline.
	answerTimeout = time.Minute
	// idleTimeout is below what servers allow (MinIO: 30 s), so that it is we
	// who close idle connections. A request on a connection that the server
	// closes in that moment would fail for nothing.
	idleTimeout = 15 * time.Second
	// expectTimeout is how long a stream waits for the server's consent before
	// it is sent regardless.
	expectTimeout = 2 * time.Second
	// expectSize is the least body, in bytes, for which consent is asked.
	expectSize = 256 << 10
)

// newTransport makes the connections. Those without TLS go to this machine only.
func newTransport(secure bool, roots *x509.CertPool, connections int) http.RoundTripper {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext:           dialer.DialContext,
		MaxIdleConns:          connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       idleTimeout,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ExpectContinueTimeout: expectTimeout,
		DisableCompression:    true, // sealed objects do not compress
	}
	if secure {
		t.Proxy = http.ProxyFromEnvironment
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	} else {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if !dialsLoopback(address) {
				return errors.New("plain HTTP to an address of another machine")
			}
			return nil
		}
	}
	return expecting{t}
}

// expecting asks the server whether it would take a large body before it is
// sent ("Expect: 100-continue", RFC 9110, section 10.1.1). A server that
// refuses can then say why, instead of cutting the connection under a body that
// it does not want; and the sender's stream is not read in vain. The header is
// added after signing, as the signature does not cover it.
type expecting struct{ next http.RoundTripper }

func (e expecting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && r.ContentLength >= expectSize {
		r = r.WithContext(r.Context()) // a copy: a RoundTripper must not change its request
		r.Header = r.Header.Clone()
		r.Header.Set("Expect", "100-continue")
	}
	answer, err := e.next.RoundTrip(r)
	if err == nil && page(answer) {
		_ = answer.Body.Close()
		return nil, errPage
	}
	return answer, err
}

var errPage = errors.New("a web page came in place of its answer")

// page is whether an answer is not S3's but a gateway's: that of a proxy that
// found no server behind it, or wants to be logged in to. Its status says nothing
// about our objects: a 404 would pass for an object that is not there, and a 200
// for a write. S3 speaks XML, and our objects have no type of text.
func page(answer *http.Response) bool {
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		return false
	}
	return kind == "text/html" || kind == "text/plain" && answer.StatusCode >= http.StatusBadRequest
}

// CloseIdleConnections is what http.Client looks for.
func (e expecting) CloseIdleConnections() {
	e.next.(*http.Transport).CloseIdleConnections()
}
