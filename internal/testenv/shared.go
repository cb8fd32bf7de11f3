package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// servers are those that the tests of one binary share. It is state of the
// package because Go gives TestMain no other way to reach what tests started;
// tests never see it, only the servers, each through a mount or bucket of its
// own.
var servers pool

// pool starts each server at the first demand and stops all in the end.
type pool struct {
	mu    sync.Mutex
	open  bool
	dir   string
	stops []func() error
}

// Main runs the tests of a package and stops what they shared. Use it as the
// package's TestMain:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
func Main(m *testing.M) {
	os.Exit(servers.run(m))
}

func (p *pool) run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "wertfach-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv: temporary folder:", err)
		return 1
	}
	defer func() {
		if err := errors.Join(p.stop(), os.RemoveAll(dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}()
	p.mu.Lock()
	p.open, p.dir = true, dir
	p.mu.Unlock()
	return m.Run()
}

// folder is a folder for the shared server of that name.
func (p *pool) folder(name string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return "", errors.New("testenv: shared servers need testenv.Main as the package's TestMain")
	}
	return filepath.Join(p.dir, name), nil
}

// onExit has stop called when the tests are over.
func (p *pool) onExit(stop func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops = append(p.stops, stop)
}

func (p *pool) stop() error {
	p.mu.Lock()
	stops := p.stops
	p.stops, p.open = nil, false
	p.mu.Unlock()
	var all error
	for _, stop := range stops {
		all = errors.Join(all, stop())
	}
	return all
}

// lazy is one shared server: the first demand starts it, and all later ones
// get the same server or the same error.
type lazy[S interface{ Stop() error }] struct {
	once   sync.Once
	server S
	err    error
}

// get starts the server in a folder of that name unless it runs.
func (l *lazy[S]) get(name string, start func(dir string) (S, error)) (S, error) {
	l.once.Do(func() {
		var dir string
		if dir, l.err = servers.folder(name); l.err != nil {
			return
		}
		if l.server, l.err = start(dir); l.err == nil {
			servers.onExit(l.server.Stop)
		}
	})
	return l.server, l.err
}
