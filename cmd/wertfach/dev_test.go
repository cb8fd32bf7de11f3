package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/internal/devserver"
)

// pasted runs the commands of a guide as a shell would.
func pasted(t *testing.T, d *devserver.Dev, lines []string) {
	t.Helper()
	script := strings.Join(lines, "\n")
	echo := regexp.MustCompile(`echo '([^']*)' \|\s+wertfach (.*)`)
	for _, line := range echo.FindAllStringSubmatch(script, -1) {
		s := session{dev: d}
		s.must(t, "portal", line[1], strings.Fields(line[2])...)
	}
	for _, line := range strings.Split(echo.ReplaceAllString(script, ""), "\n") {
		if line == "" {
			continue
		}
		args, found := strings.CutPrefix(line, "wertfach ")
		if !found {
			t.Fatalf("not a command: %s", line)
		}
		session{dev: d}.must(t, "portal", "", strings.Fields(args)...)
	}
}

// TestGuideCanBePasted: what dev prints works as it stands.
func TestGuideCanBePasted(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	pasted(t, s.dev, commands("wertfach", nil))
	samples, err := s.dev.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := commands("wertfach", samples)
	if len(lines) != 6 {
		t.Errorf("%d commands, want three for each of two customers", len(lines))
	}
	pasted(t, s.dev, lines)
}

func TestGuide(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	var out bytes.Buffer
	guide(&out, s.dev, nil)
	for _, want := range []string{
		s.dev.Address(), "KEYS LIE BESIDE THE DATA, in " + s.dev.Dir(), "institutes/musterbank", "kartenbank (issuer",
		"export WERTFACH_PROFILE=" + s.dev.Profile("portal"), "attest.pem",
		"hotline is of people, with tokens of their own: agent-lena",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the guide does not say %q:\n%s", want, &out)
		}
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"/usr/bin/wertfach": "/usr/bin/wertfach",
		"/my data/x":        "'/my data/x'",
		"it's":              `'it'\''s'`,
		"$(rm)":             "'$(rm)'",
		"":                  "''",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
}

// TestDev runs the command until it is told to stop, twice at once.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	args := []string{"dev", "--data", dir, "--listen", "127.0.0.1:0", "--sample"}
	r := start(ctx, args...)
	r.wait(t, func(logged string) bool { return strings.Contains(logged, "Stop it with Ctrl-C.") })
	expect(t, exitInternal, []string{"another wertfach works in this folder"}, args...)
	for _, name := range []string{"portal", "privacy-officer", "officer-paul"} {
		expect(t, exitOK, []string{"anna-muster"}, "--profile", filepath.Join(dir, "clients", name+".yaml"),
			"customer", "get", "institutes/musterbank/customers/anna-muster")
	}
	stop()
	if code := <-r.ended; code != exitOK {
		t.Errorf("dev ended with %d\n%s", code, r.logged())
	}
}
