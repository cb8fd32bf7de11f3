package s3

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

// TestTLS goes to the real server through a proxy that speaks TLS, and so
// signs and sends as over a network.
func TestTLS(t *testing.T) {
	t.Parallel()
	m := testenv.SharedMinio(t)
	target, err := url.Parse(m.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		// The Host header stays the client's: it is signed.
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
	})
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // it would report the client that does not trust it
	proxy.StartTLS()
	t.Cleanup(proxy.Close)

	set := settings(t, m, m.FreshBucket(t))
	set.Endpoint = proxy.URL
	untrusted := blobstore.New(mustOpen(t, set))
	if err := untrusted.Ping(t.Context()); !isUnavailable(err) {
		t.Fatalf("a server that the system does not trust: %v", err)
	}

	set.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
	if err := os.WriteFile(set.CAFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	s := blobstore.New(mustOpen(t, set))
	data := bytes.Repeat([]byte("sealed "), 300_000)
	first, err := s.Put(t.Context(), "x/y", data[:1_000], blobstore.IfAbsent())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutStream(t.Context(), "x/y", bytes.NewReader(data), int64(len(data)), blobstore.IfMatch(first.ETag)); err != nil {
		t.Fatal(err)
	}
	r, info, err := s.Open(t.Context(), "x/y")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) || info.Size != int64(len(data)) {
		t.Fatalf("%d bytes came back, %v", len(got), err)
	}
}
