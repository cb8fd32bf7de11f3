package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// breaker stands before a server that speaks HTTP and passes requests on, or does
// with them what its fault says.
type breaker struct {
	server *httptest.Server
	pass   *httputil.ReverseProxy
	fault  atomic.Pointer[meddling]
}

// meddling is what a breaker does with a request instead of passing it on; it may
// still have it passed on.
type meddling func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// newBreaker starts a breaker before the server at that address. It keeps no
// connection to it, since that server is stopped and started again.
func newBreaker(t testing.TB, upstream string) *breaker {
	t.Helper()
	b := &breaker{pass: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays as it is: S3 signs it
			r.Out.URL.Scheme, r.Out.URL.Host = "http", upstream
		},
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	return b
}

// addr is where to connect to, "127.0.0.1:port".
func (b *breaker) addr() string { return b.server.Listener.Addr().String() }

func (b *breaker) set(m meddling) { b.fault.Store(&m) }
func (b *breaker) clear()         { b.fault.Store(nil) }

func (b *breaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m := b.fault.Load(); m != nil {
		(*m)(w, r, b.pass)
		return
	}
	b.pass.ServeHTTP(w, r)
}

// failing answers everything with the statuses of a server or gateway in trouble,
// one after the other, on a page that tells what was asked for.
func failing() meddling {
	var n atomic.Int64
	statuses := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(statuses[int(n.Add(1))%len(statuses)])
		fmt.Fprintf(w, "<html>%s %s %s failed on %s</html>", r.Method, r.URL, r.Header, r.Host)
	}
}

// nonsense answers everything with success and a page, as the gateway of a
// network does that wants to be logged in to.
func nonsense(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "<html>please log in before you ask for %s</html>", r.URL)
}

// misrouted answers everything as a proxy does that knows no server of the name.
func misrouted(w http.ResponseWriter, r *http.Request, _ http.Handler) { http.NotFound(w, r) }

// deaf passes requests on and cuts the connection in place of the answer.
func deaf(_ http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// cutting breaks off in the middle of every body, on the way there and back,
// whose path holds a text.
func cutting(part string) meddling {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		switch {
		case !strings.Contains(r.URL.Path, part):
			pass.ServeHTTP(w, r)
		case r.ContentLength > 0:
			_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
			panic(http.ErrAbortHandler)
		default:
			pass.ServeHTTP(&half{ResponseWriter: w}, r)
		}
	}
}

// half lets the first half of an announced body through.
type half struct {
	http.ResponseWriter
	left int64
}

func (h *half) WriteHeader(status int) {
	size, _ := strconv.ParseInt(h.Header().Get("Content-Length"), 10, 64)
	h.left = size / 2
	h.ResponseWriter.WriteHeader(status)
}

func (h *half) Write(p []byte) (int, error) {
	n := min(int64(len(p)), h.left)
	h.left -= n
	if _, err := h.ResponseWriter.Write(p[:n]); err != nil {
		return 0, err
	}
	if n < int64(len(p)) {
		_ = http.NewResponseController(h.ResponseWriter).Flush() // what was let through arrives
		panic(http.ErrAbortHandler)
	}
	return int(n), nil
}

// behind makes the requests seem to come from a machine whose clock is behind by
// so much that S3 refuses them.
func behind(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	r.Header.Set("X-Amz-Date", "20200101T000000Z")
	pass.ServeHTTP(w, r)
}
