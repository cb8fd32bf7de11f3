package e2e_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// journal is a server's log at its most talkative.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next line
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

// logger writes to the journal.
func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
}

// Write takes a line.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
	return j.text.Write(line)
}

// lines are the lines that hold all the parts.
func (j *journal) lines(parts ...string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for line := range strings.Lines(j.text.String()) {
		if holdsAll(line, parts) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func holdsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

func holdsAny(line string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

// await waits for the n-th line that holds all the parts: what a server does
// after its caller has gone shows in its log alone.
func (j *journal) await(t testing.TB, n int, parts ...string) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		j.mu.Lock()
		changed := j.changed
		j.mu.Unlock()
		if len(j.lines(parts...)) >= n {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("the server did not log line %d with %q, but\n%s", n, parts, strings.Join(j.lines(parts[0]), "\n"))
		}
	}
}

// patience is how long tests wait for what must come.
const patience = 30 * time.Second

// bytes is all that was logged.
func (j *journal) bytes() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.text.Bytes())
}
