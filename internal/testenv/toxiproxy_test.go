package testenv

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// echo starts a server that gives back what it gets, and gives its address.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// said sends that many bytes, closes its half and gives what comes back within
// that time.
func said(t *testing.T, addr string, n int, within time.Duration) (got []byte, took time.Duration, err error) {
	t.Helper()
	begin := time.Now()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(begin.Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(bytes.Repeat([]byte("x"), n)); err != nil {
		return nil, 0, err
	}
	got = make([]byte, n)
	n, err = io.ReadFull(c, got)
	return got[:n], time.Since(begin), err
}

func TestToxiproxy(t *testing.T) {
	t.Parallel()
	x, server := NewToxiproxy(t), echo(t)
	p, err := x.Proxy(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	works := func(what string) {
		t.Helper()
		if got, _, err := said(t, p.Addr(), 1000, 30*time.Second); err != nil || len(got) != 1000 {
			t.Fatalf("%s: %d bytes, %v", what, len(got), err)
		}
	}
	works("without any fault")
	for _, fault := range []struct {
		what  string
		toxic Toxic
		shows func() bool
	}{
		{"latency", Latency(300 * time.Millisecond), func() bool {
			_, took, err := said(t, p.Addr(), 10, 30*time.Second)
			return err == nil && took >= 300*time.Millisecond
		}},
		{"latency of requests", Latency(300 * time.Millisecond).Upstream(), func() bool {
			_, took, err := said(t, p.Addr(), 10, 30*time.Second)
			return err == nil && took >= 300*time.Millisecond
		}},
		{"silence", Silence(), func() bool {
			got, _, err := said(t, p.Addr(), 10, 300*time.Millisecond)
			return errors.Is(err, os.ErrDeadlineExceeded) && len(got) == 0
		}},
		{"reset", Reset(), func() bool {
			got, _, err := said(t, p.Addr(), 10, 30*time.Second)
			return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && len(got) == 0
		}},
		{"cut", Cut(500), func() bool {
			got, _, err := said(t, p.Addr(), 1000, 30*time.Second)
			return errors.Is(err, io.ErrUnexpectedEOF) && len(got) == 500
		}},
		{"bandwidth", Bandwidth(100), func() bool {
			_, took, err := said(t, p.Addr(), 50<<10, 30*time.Second)
			return err == nil && took >= 300*time.Millisecond
		}},
	} {
		if err := p.Add(t.Context(), fault.toxic); err != nil {
			t.Fatal(err)
		}
		if !fault.shows() {
			t.Errorf("%s does not show", fault.what)
		}
		if err := p.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		works("after " + fault.what)
	}

	for range 2 {
		if err := p.Disable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := said(t, p.Addr(), 10, 30*time.Second); err == nil {
			t.Fatal("a disabled proxy lets through")
		}
		if err := p.Enable(t.Context()); err != nil {
			t.Fatal(err)
		}
		works("after it was disabled")
	}
	if err := p.Add(t.Context(), toxic("no such kind", "x", 1)); err == nil {
		t.Error("an unknown fault is no error")
	}
}

func TestToxiproxyHasManyWays(t *testing.T) {
	t.Parallel()
	x := NewToxiproxy(t)
	a, errA := x.Proxy(t.Context(), echo(t))
	b, errB := x.Proxy(t.Context(), echo(t))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if err := a.Disable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := said(t, b.Addr(), 10, 30*time.Second); err != nil {
		t.Errorf("a fault on one way shows on another: %v", err)
	}
}
