package readme_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/testenv"
)

// TestFirstSession runs the README's console blocks as one shell session, and
// once more, as a reader would who tries again.
func TestFirstSession(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin", "wertfach")
	build := exec.Command("go", "build", "-o", bin, "./cmd/wertfach")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	startDev(t, dir, bin)

	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := session(string(readme))
	if len(commands) < 10 {
		t.Fatalf("README.md shows only %d commands", len(commands))
	}
	for range 2 {
		shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Join(commands, "\n"))
		shell.Dir = dir
		var out bytes.Buffer
		shell.Stdout, shell.Stderr = &out, &out
		if err := shell.Run(); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		for _, want := range []string{"73194628", "••••", "receipt"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the session does not show %q:\n%s", want, out.String())
			}
		}
	}
}

func startDev(t *testing.T, dir, bin string) {
	t.Helper()
	dev := exec.Command(bin, "dev", "--data", ".wertfach", "--listen", "127.0.0.1:0")
	dev.Dir = dir
	var out bytes.Buffer
	dev.Stdout, dev.Stderr = &out, &out
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := dev.Wait(); err != nil {
			t.Errorf("wertfach dev ended with %v\n%s", err, out.String())
		}
	})
	address := regexp.MustCompile(`(?m)^address: "?([0-9.:]+)`)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		profile, err := os.ReadFile(filepath.Join(dir, ".wertfach", "clients", "portal.yaml"))
		if err != nil {
			continue
		}
		if at := address.FindSubmatch(profile); at != nil {
			if conn, err := net.Dial("tcp", string(at[1])); err == nil {
				conn.Close()
				return
			}
		}
	}
	t.Fatal("wertfach dev does not answer")
}

// session gives the commands of the console blocks.
func session(readme string) []string {
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				commands = append(commands, strings.TrimSuffix(command, "\n"))
			}
		}
	}
	return commands
}

// TestLinks looks for what the documents link to.
func TestLinks(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, decisions...)
	pages = append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "ARCHITECTURE.md"))
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), found[1])
			}
		}
	}
}
