package testenv_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/testenv"
)

// shell is a server that is a few words of shell.
func shell(t *testing.T, script string, ready error) testenv.Command {
	return testenv.Command{
		Path:  "/bin/sh",
		Dir:   filepath.Join(t.TempDir(), "server"),
		Args:  func([]string) ([]string, error) { return []string{"-c", script}, nil },
		Ready: func(context.Context, []string) error { return ready },
	}
}

func TestServerThatEndsIsAnError(t *testing.T) {
	t.Parallel()
	_, err := testenv.Start(t.Context(), shell(t, "echo out of order; exit 3", errors.New("not ready")))
	if err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("want an error with what the server printed, got %v", err)
	}
}

func TestServerThatDoesNotGetReadyIsAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c := shell(t, "sleep 1000; true", errors.New("never"))
	if _, err := testenv.Start(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestServerThatDoesNotHearIsKilled(t *testing.T) {
	t.Parallel()
	p, err := testenv.Start(t.Context(), shell(t, "while :; do sleep 0.01; done", nil))
	if err != nil {
		t.Fatal(err)
	}
	if p.Pid() == 0 {
		t.Error("no process")
	}
	for range 2 {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	}
	if p.Pid() != 0 {
		t.Error("the process is still there")
	}
	if err := p.Pause(); err == nil {
		t.Error("paused a process that is gone")
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what is gone: %v", err)
	}
}

func TestBin(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(testenv.BinVariable, dir)
	if _, err := testenv.Bin("vault"); err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("want an error that says what to do, got %v", err)
	}
	path := filepath.Join(dir, "vault")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := testenv.Bin("vault"); err == nil {
		t.Error("took a file that can't be run")
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := testenv.Bin("vault"); err != nil || got != path {
		t.Errorf("got %s, error %v", got, err)
	}
	t.Setenv(testenv.BinVariable, "")
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := testenv.Bin("vault"); err != nil || got != filepath.Join(root, "bin", "vault") {
		t.Errorf("got %s, error %v", got, err)
	}
	t.Chdir("/")
	if _, err := testenv.Root(); err == nil {
		t.Error("found the repository outside of it")
	}
}
