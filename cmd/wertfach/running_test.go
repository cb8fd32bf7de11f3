package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a server command at work.
type running struct {
	stop  context.CancelFunc
	ended chan int // its exit code
	wrote chan struct{}

	mu  sync.Mutex
	log bytes.Buffer // what it printed on both outputs
}

// start runs a command line in this process until ctx ends.
func start(ctx context.Context, args ...string) *running {
	r := &running{ended: make(chan int, 1), wrote: make(chan struct{}, 1)}
	go func() {
		r.ended <- run(ctx, &cli{
			stdin: strings.NewReader(""), stdout: r, stderr: r, getenv: func(string) string { return "" }, now: time.Now,
		}, args)
	}()
	return r
}

// Write takes what the command prints.
func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.wrote <- struct{}{}:
	default:
	}
	return r.log.Write(b)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// wait waits until what was printed fulfils a condition.
func (r *running) wait(t *testing.T, until func(logged string) bool) {
	t.Helper()
	for !until(r.logged()) {
		select {
		case <-r.wrote:
		case code := <-r.ended:
			t.Fatalf("it ended with %d\n%s", code, r.logged())
		}
	}
}
