package client_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// headers are the metadata of a server's calls.
type headers struct {
	customers
	seen chan metadata.MD
}

func newHeaders() *headers {
	h := &headers{seen: make(chan metadata.MD, 10)}
	h.peer = func(ctx context.Context) {
		md, _ := metadata.FromIncomingContext(ctx)
		h.seen <- md
	}
	return h
}

func TestTokenFile(t *testing.T) {
	t.Parallel()
	c, h := newCertificates(t), newHeaders()
	cfg := c.config(serve(t, c.tls(t), services{customers: h}))
	cfg.TokenFile = filepath.Join(t.TempDir(), "agent.token")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(cfg.TokenFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("first\n")
	vault := dial(t, cfg)
	for _, token := range []string{"first", "second", "third"} {
		put(token + "\n")
		if err := get(t.Context(), vault); err != nil {
			t.Fatal(err)
		}
		if got := (<-h.seen).Get("authorization"); !slices.Equal(got, []string{"Bearer " + token}) {
			t.Errorf("got %q, want the token %s", got, token)
		}
	}
	for name, text := range map[string]string{
		"empty": " \n", "two lines": "se\ncret", "no token": "se cret", "binary": "secret\x00", "huge": strings.Repeat("secret", 4000),
	} {
		put(text)
		err := get(t.Context(), vault)
		if fault.KindOf(err) != fault.Unauthenticated || !strings.Contains(err.Error(), cfg.TokenFile) {
			t.Errorf("%s: %v, want Unauthenticated and the file's name", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats the token", name)
		}
	}
	if err := os.Remove(cfg.TokenFile); err != nil {
		t.Fatal(err)
	}
	if err := get(t.Context(), vault); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("without its file: %v", err)
	}
	if len(h.seen) > 0 {
		t.Error("a call was made without the token")
	}
}

// TestTokenInStreams: uploads and downloads are of the person too.
func TestTokenInStreams(t *testing.T) {
	t.Parallel()
	c, s := newCertificates(t), &scans{download: []any{}}
	cfg := c.config(serve(t, c.tls(t), services{artefacts: s}))
	cfg.TokenFile = filepath.Join(t.TempDir(), "none.token")
	if _, err := client.Open(cfg); err == nil {
		t.Error("a client without its token opens")
	}
	if err := os.WriteFile(cfg.TokenFile, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	vault := dial(t, cfg)
	if err := os.Remove(cfg.TokenFile); err != nil {
		t.Fatal(err)
	}
	stream, err := vault.Artefacts.DownloadScan(t.Context(), &wertfachv1.DownloadScanRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a download without the token: %v", err)
	}
}

func TestWithCall(t *testing.T) {
	t.Parallel()
	c, h := newCertificates(t), newHeaders()
	vault := dial(t, c.config(serve(t, c.tls(t), services{customers: h})))
	plain := metadata.AppendToOutgoingContext(t.Context(), "x-portal", "7")
	one := client.WithCall(plain, "call-1")
	for name, test := range map[string]struct {
		ctx  context.Context
		call []string
	}{
		"none": {plain, nil}, "one": {one, []string{"call-1"}}, "another": {client.WithCall(one, "call-2"), []string{"call-2"}},
		"ended": {client.WithCall(one, ""), nil}, "one still": {one, []string{"call-1"}},
	} {
		if err := get(test.ctx, vault); err != nil {
			t.Fatal(err)
		}
		md := <-h.seen
		if got := md.Get("wertfach-call"); !slices.Equal(got, test.call) {
			t.Errorf("%s: got %q, want %q", name, got, test.call)
		}
		if md.Get("x-portal") == nil || md.Get("authorization") != nil {
			t.Errorf("%s: got %v", name, md)
		}
	}
	if ctx := t.Context(); client.WithCall(ctx, "") != ctx {
		t.Error("no call at all changes the context")
	}
}
