package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

// fakeServer answers whatever it is asked with one handler, and gives a store
// that asks it.
func fakeServer(t *testing.T, h http.HandlerFunc) *blobstore.Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("fake"), 0o600); err != nil {
		t.Fatal(err)
	}
	return blobstore.New(mustOpen(t, Settings{
		Endpoint: server.URL, Bucket: "bucket", AccessKeyFile: key, SecretKeyFile: key,
	}))
}

func TestAnswersOfServers(t *testing.T) {
	t.Parallel()
	var (
		notFound    = blobstore.ErrNotFound
		conflict    = blobstore.ErrConflict
		unavailable = blobstore.ErrUnavailable
		tooLarge    = blobstore.ErrTooLarge
		other       = errors.New("none of the sentinels")
	)
	tests := []struct {
		status           int
		code             string
		get, put, update error // for Get, Put without and with a condition
		gets, updates    int64 // how often it is asked
	}{
		{404, "NoSuchKey", notFound, notFound, conflict, 1, 1},
		{404, "", notFound, notFound, conflict, 1, 1},
		{404, "NoSuchBucket", unavailable, unavailable, unavailable, 1, 1},
		{412, "PreconditionFailed", conflict, conflict, conflict, 1, 1},
		{412, "", conflict, conflict, conflict, 1, 1},
		{409, "ConditionalRequestConflict", conflict, conflict, conflict, 1, 1},
		{409, "OperationAborted", unavailable, unavailable, unavailable, 1, 1},
		{413, "EntityTooLarge", tooLarge, tooLarge, tooLarge, 1, 1},
		{400, "EntityTooLarge", tooLarge, tooLarge, tooLarge, 1, 1},
		{400, "InvalidArgument", other, other, other, 1, 1},
		{400, "IncompleteBody", unavailable, unavailable, unavailable, 1, 1},
		{400, "RequestTimeout", unavailable, unavailable, unavailable, 2, 1},
		{401, "", unavailable, unavailable, unavailable, 1, 1},
		{403, "AccessDenied", unavailable, unavailable, unavailable, 1, 1},
		{403, "SignatureDoesNotMatch", unavailable, unavailable, unavailable, 1, 1},
		{403, "RequestTimeTooSkewed", unavailable, unavailable, unavailable, 1, 1},
		{429, "", unavailable, unavailable, unavailable, 2, 1},
		{500, "InternalError", unavailable, unavailable, unavailable, 2, 1},
		{502, "", unavailable, unavailable, unavailable, 2, 1},
		{503, "SlowDown", unavailable, unavailable, unavailable, 2, 1},
		{503, "ServiceUnavailable", unavailable, unavailable, unavailable, 2, 1},
		{507, "XMinioStorageFull", unavailable, unavailable, unavailable, 1, 1},
		{301, "PermanentRedirect", unavailable, unavailable, unavailable, 1, 1},
		{302, "", unavailable, unavailable, unavailable, 1, 1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d %s", test.status, test.code), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			s := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", "http://objects.example/")
				w.WriteHeader(test.status)
				if test.code != "" {
					fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>about %s</Message><Key>x/y</Key></Error>`, test.code, r.URL.Path)
				}
			})
			check := func(call string, err, want error, times int64) {
				t.Helper()
				if n := asked.Swap(0); n != times {
					t.Errorf("%s asked %d times, want %d", call, n, times)
				}
				if err == nil {
					t.Errorf("%s: no error", call)
					return
				}
				for _, sentinel := range []error{notFound, conflict, unavailable, tooLarge} {
					if errors.Is(err, sentinel) != (sentinel == want) {
						t.Errorf("%s: %v, want %v", call, err, want)
					}
				}
				if strings.Contains(err.Error(), "x/y") || strings.Contains(err.Error(), "bucket/") {
					t.Errorf("%s: the error tells the name: %v", call, err)
				}
			}
			_, _, err := s.Get(t.Context(), "x/y")
			check("Get", err, test.get, test.gets)
			_, err = s.Put(t.Context(), "x/y", []byte("v"), blobstore.Condition{})
			check("Put", err, test.put, test.gets)
			_, err = s.Put(t.Context(), "x/y", []byte("v"), blobstore.IfMatch("abc"))
			check("Put if it matches", err, test.update, test.updates)
		})
	}
}

func TestAnswersThatAreNoS3(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"no length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			_, _ = w.Write([]byte("content"))
			w.(http.Flusher).Flush()
		},
		"no date":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("content")) },
		"a login page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in</html>")) },
		"garbled error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<Error><Code>x/y", 500) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fakeServer(t, h)
			if got, _, err := s.Get(t.Context(), "x/y"); err == nil {
				t.Errorf("Get gave %q", got)
			}
			for _, err := range s.List(t.Context(), "") {
				if err == nil {
					t.Error("List found something")
				}
			}
		})
	}
}

// What a gateway says in the store's place is neither an object that is missing
// nor a write that was done.
func TestPagesOfGateways(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"a login page":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in</html>")) },
		"no such page":        http.NotFound,
		"a missing page":      func(w http.ResponseWriter, _ *http.Request) { webPage(w, http.StatusNotFound) },
		"a condition's page":  func(w http.ResponseWriter, _ *http.Request) { webPage(w, http.StatusPreconditionFailed) },
		"a page of a request": func(w http.ResponseWriter, _ *http.Request) { webPage(w, http.StatusBadRequest) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				h(w, r)
			})
			for call, do := range everyCall(s, "x/y") {
				if err := do(t.Context()); !isUnavailable(err) {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
	// Without a page there is still nothing that names what was written.
	s := fakeServer(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for _, call := range []string{"Put", "Put if absent", "Put if it matches", "PutStream"} {
		if err := everyCall(s, "x/y")[call](t.Context()); !isUnavailable(err) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func webPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html>our page</html>"))
}

// Requests are plain S3: one PUT with a declared length, whatever the size, and
// a signature that leaves the body out.
func TestRequestsArePlain(t *testing.T) {
	t.Parallel()
	type request struct{ method, query, sha256, match, noneMatch, expect string }
	seen := make(chan request, 10)
	s := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", n, r.ContentLength, err)
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
			t.Error("not signed")
		}
		seen <- request{
			r.Method, r.URL.RawQuery, r.Header.Get("X-Amz-Content-Sha256"),
			r.Header.Get("If-Match"), r.Header.Get("If-None-Match"), r.Header.Get("Expect"),
		}
		w.Header().Set("ETag", `"e"`)
	})
	put := func(cond blobstore.Condition) {
		if _, err := s.Put(t.Context(), "x/y", []byte("v"), cond); err != nil {
			t.Fatal(err)
		}
	}
	put(blobstore.Condition{})
	put(blobstore.IfAbsent())
	put(blobstore.IfMatch("abc-1"))
	const size = 40 << 20 // far above the size at which minio-go would begin a multipart upload
	info, err := s.PutStream(t.Context(), "x/y", io.LimitReader(zeros{}, size), size, blobstore.IfAbsent())
	if err != nil || info.ETag != "e" {
		t.Fatal(info, err)
	}
	const unsigned = "UNSIGNED-PAYLOAD"
	for _, want := range []request{
		{"PUT", "", unsigned, "", "", ""},
		{"PUT", "", unsigned, "", "*", ""},
		{"PUT", "", unsigned, `"abc-1"`, "", ""},
		{"PUT", "", unsigned, "", "*", "100-continue"},
	} {
		if got := <-seen; got != want {
			t.Errorf("sent %+v, want %+v", got, want)
		}
	}
	if len(seen) > 0 {
		t.Errorf("%d more requests", len(seen))
	}
}

// A server that refuses a stream before it has come is understood, and the
// stream is not read in vain.
func TestRefusedStreamIsNotRead(t *testing.T) {
	t.Parallel()
	s := fakeServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPreconditionFailed) })
	const size = 64 << 20
	read := 0
	r := readFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil })
	_, err := s.PutStream(t.Context(), "x/y", r, size, blobstore.IfAbsent())
	if !errors.Is(err, blobstore.ErrConflict) {
		t.Errorf("PutStream: %v", err)
	}
	if read > 0 {
		t.Errorf("%d bytes were read", read)
	}
}
