package config

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a file under watch, in a bubble whose clock the test moves.
type watched struct {
	t    *testing.T
	file string
	hup  chan os.Signal

	mu      sync.Mutex
	log     bytes.Buffer
	applied []*Config
	fails   error
}

// Write takes a record of the log.
func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func (w *watched) apply(c *Config) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails == nil {
		w.applied = append(w.applied, c)
	}
	return w.fails
}

// fail makes what is to be applied fail; nil heals it.
func (w *watched) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

func watch(t *testing.T, do func(*watched)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t, file: filepath.Join(dir, "wertfach.yaml"), hup: make(chan os.Signal)}
		w.put(minimal)
		c, err := Load(w.file)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go Watcher{
			File: w.file, Running: c, Every: time.Second, Now: w.hup, Log: slog.New(slog.NewTextHandler(w, nil)), Apply: w.apply,
		}.Run(ctx)
		do(w)
		stop()
		synctest.Wait()
	})
}

func (w *watched) put(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// later lets the file be looked at several times.
func (w *watched) later() {
	time.Sleep(3500 * time.Millisecond)
	synctest.Wait()
}

func (w *watched) want(applied int, logged ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.applied) != applied {
		w.t.Errorf("applied %d times, want %d", len(w.applied), applied)
	}
	if n := strings.Count(w.log.String(), "\n"); n != len(logged) {
		w.t.Errorf("%d lines are logged, want %d", n, len(logged))
	}
	for _, words := range logged {
		if !strings.Contains(w.log.String(), words) {
			w.t.Errorf("it is not logged: %s", words)
		}
	}
	if w.t.Failed() {
		w.t.Log(w.log.String())
	}
	w.log.Reset()
	w.applied = nil
}

var other = strings.Replace(minimal, "portal/*", "portal/eu-1", 1)

func TestWatch(t *testing.T) {
	watch(t, func(w *watched) {
		w.later()
		w.want(0)
		w.put("# a comment\n" + minimal)
		w.later()
		w.want(0)
		w.put(other)
		w.later()
		if len(w.applied) == 1 && w.applied[0].Callers[0].URI != "spiffe://bank.example/portal/eu-1" {
			t.Errorf("applied %+v", w.applied[0].Callers)
		}
		w.want(1, "the configuration is applied")
		w.put(minimal) // back again
		w.later()
		w.want(1, "the configuration is applied")
	})
}

// TestWatchKeepsWhatIsGood: each mistake is told once, by its key, and changes
// nothing.
func TestWatchKeepsWhatIsGood(t *testing.T) {
	watch(t, func(w *watched) {
		w.put(strings.Replace(minimal, "roles: [portal]", "roles: ["+leaked+"]", 1))
		w.later()
		if strings.Contains(w.log.String(), leaked) {
			t.Error("the log repeats a value")
		}
		w.want(0, "callers[0].roles[0] must be one of")
		w.put("callers: [")
		w.later()
		w.want(0, "not YAML (line 1)")
		if err := os.Remove(w.file); err != nil {
			t.Fatal(err)
		}
		w.later()
		w.want(0, "can't be read")
		w.fail(errors.New("no such file of authorities"))
		w.put(other)
		w.later()
		w.want(0, "can't be applied")
		w.fail(nil)
		w.hup <- os.Interrupt
		w.later()
		w.want(1, "is applied")
	})
}

func TestWatchOnDemand(t *testing.T) {
	watch(t, func(w *watched) {
		w.put(other)
		w.hup <- os.Interrupt
		synctest.Wait()
		w.want(1, "is applied")
		w.hup <- os.Interrupt // though nothing changed: files that it names may have
		synctest.Wait()
		w.want(1, "is applied")
		w.later()
		w.want(0)
	})
}

// TestWatchTellsWhatTakesARestart and applies the rest.
func TestWatchTellsWhatTakesARestart(t *testing.T) {
	watch(t, func(w *watched) {
		w.put(strings.Replace(other, "listen: 127.0.0.1:7443", "listen: 127.0.0.1:7444", 1) + "log: {level: debug}\ncalls: {timeout: 5s}\n")
		w.later()
		w.want(1, "is applied", `keys="listen, log"`)
	})
}
