package profile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/internal/profile"
)

const whole = "address: 127.0.0.1:7443\nca_file: ca.pem\ncert_file: tls/portal.pem\nkey_file: /run/secrets/portal.key\ntoken_file: agent.token\n"

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "portal.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPathsAreRelativeToTheProfile(t *testing.T) {
	t.Parallel()
	file := write(t, "# a comment\n"+whole)
	got, err := profile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(file)
	want := profile.Profile{
		Address:  "127.0.0.1:7443",
		CAFile:   filepath.Join(folder, "ca.pem"),
		CertFile: filepath.Join(folder, "tls", "portal.pem"),
		KeyFile:  "/run/secrets/portal.key",

		TokenFile: filepath.Join(folder, "agent.token"),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWrittenProfilesReadBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "clients", "portal.yaml")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(folder, "ca.pem")
	want := profile.Profile{
		Address: "[::1]:7443", CAFile: elsewhere,
		CertFile: filepath.Join(folder, "clients", "portal: #1.pem"), KeyFile: filepath.Join(folder, "clients", "true"),
		TokenFile: filepath.Join(folder, "clients", "agent.token"),
	}
	for range 2 { // the second replaces the first
		if err := profile.Write(file, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := profile.Read(file)
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), filepath.Dir(file)) {
		t.Errorf("paths in the profile's folder are not relative:\n%s", text)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestWhatIsNoProfile(t *testing.T) {
	t.Parallel()
	const secret = "SECRET1234"
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", "YAML"},
		"unknown key":      {whole + "ca_flie: " + secret, "line 6: ca_flie is not a key"},
		"value as key":     {whole + `"` + secret + `": x`, "line 6: there is something"},
		"key twice":        {whole + "address: " + secret, "line 6: address stands twice"},
		"no address":       {"cert_file: " + secret + "\nkey_file: " + secret, "address must be given"},
		"no key":           {"address: " + secret + "\ncert_file: " + secret, "key_file must be given"},
		"empty value":      {"address:\ncert_file: x", "line 1: address must be text"},
		"list":             {"address: [" + secret + "]", "line 1: address must be text"},
		"number":           {"address: 7443", "line 1: address must be text"},
		"only text":        {"-----BEGIN PRIVATE KEY-----\n" + secret, "key: value"},
		"broken":           {"address: \"" + secret, "YAML"},
		"alias":            {"address: &a " + secret + "\ncert_file: *a", "line 2: cert_file must be text"},
		"second document":  {whole + "---\naddress: " + secret, "single"},
		"too large":        {whole + strings.Repeat("#", 64<<10), "too large"},
		"list of profiles": {"- address: " + secret, "key: value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := profile.Read(write(t, c.text))
			if !errors.Is(err, profile.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want ErrInvalid with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats a value: %v", err)
			}
		})
	}
	if _, err := profile.Read(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
