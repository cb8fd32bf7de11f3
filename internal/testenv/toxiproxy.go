package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// Toxiproxy is a fault proxy on loopback: connections that pass through it can be
// delayed, throttled, cut and refused while a test runs.
type Toxiproxy struct {
	*Process
	proxies atomic.Int64
}

// StartToxiproxy starts a fault proxy in that folder and returns once it takes
// orders.
func StartToxiproxy(ctx context.Context, dir string) (*Toxiproxy, error) {
	bin, err := Bin("toxiproxy")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("testenv: folder of toxiproxy: %w", err)
	}
	p, err := Start(ctx, Command{
		Path:  bin,
		Dir:   dir,
		Ports: 1,
		Args: func(addrs []string) ([]string, error) {
			host, port, err := net.SplitHostPort(addrs[0])
			return []string{"-host", host, "-port", port}, err
		},
		Ready: func(ctx context.Context, addrs []string) error {
			return toxiproxyCall(ctx, http.MethodGet, addrs[0], "/version", nil, nil)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Toxiproxy{Process: p}, nil
}

// NewToxiproxy starts a fault proxy for one test.
func NewToxiproxy(t testing.TB) *Toxiproxy {
	t.Helper()
	x, err := StartToxiproxy(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Stop(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// Proxy is an address that leads to a server for as long as its test wants.
type Proxy struct {
	toxiproxy *Toxiproxy
	path      string
	addr      string
}

// Proxy opens a way to the server at that address, "host:port". It lets
// everything pass.
func (x *Toxiproxy) Proxy(ctx context.Context, upstream string) (*Proxy, error) {
	name := "proxy-" + strconv.FormatInt(x.proxies.Add(1), 10)
	var made struct{ Listen string }
	err := x.call(ctx, http.MethodPost, "/proxies", map[string]any{
		"name": name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true,
	}, &made)
	if err != nil {
		return nil, err
	}
	return &Proxy{toxiproxy: x, path: "/proxies/" + name, addr: made.Listen}, nil
}

// Addr is where to connect to, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.addr }

// Disable cuts all connections and refuses new ones, as if the server were gone.
func (p *Proxy) Disable(ctx context.Context) error { return p.enable(ctx, false) }

// Enable accepts connections again, on the same address.
func (p *Proxy) Enable(ctx context.Context) error { return p.enable(ctx, true) }

func (p *Proxy) enable(ctx context.Context, enabled bool) error {
	return p.toxiproxy.call(ctx, http.MethodPost, p.path, map[string]any{"enabled": enabled}, nil)
}

// Add puts a fault on the way, beside those that are there: on connections that
// exist and on new ones.
func (p *Proxy) Add(ctx context.Context, t Toxic) error {
	return p.toxiproxy.call(ctx, http.MethodPost, p.path+"/toxics", t, nil)
}

// Clear takes all faults off the way again.
func (p *Proxy) Clear(ctx context.Context) error {
	var there []struct{ Name string }
	if err := p.toxiproxy.call(ctx, http.MethodGet, p.path+"/toxics", nil, &there); err != nil {
		return err
	}
	for _, t := range there {
		if err := p.toxiproxy.call(ctx, http.MethodDelete, p.path+"/toxics/"+t.Name, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func (x *Toxiproxy) call(ctx context.Context, method, path string, body, answer any) error {
	return toxiproxyCall(ctx, method, x.Addr(0), path, body, answer)
}

// toxiproxyCall keeps no connection, so that tests may count what is left running.
func toxiproxyCall(ctx context.Context, method, addr, path string, body, answer any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("testenv: toxiproxy: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, bytes.NewReader(sent))
	if err != nil {
		return fmt.Errorf("testenv: toxiproxy: %w", err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("testenv: toxiproxy: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("testenv: toxiproxy: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("testenv: toxiproxy: %s %s: %s: %s", method, path, resp.Status, got)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("testenv: toxiproxy: %w", err)
	}
	return nil
}
