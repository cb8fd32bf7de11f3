package s3

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenChecksSettings(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := Settings{
		Endpoint: "https://objects.example:9000", Bucket: "wertfach",
		AccessKeyFile: file("  someone\n"), SecretKeyFile: file("s3cr3t-value\n"),
	}
	if _, err := Open(good); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{
		"http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000", "http://127.9.9.9", "https://objects.example/",
	} {
		s := good
		s.Endpoint = endpoint
		if _, err := Open(s); err != nil {
			t.Errorf("endpoint %s: %v", endpoint, err)
		}
	}
	for name, spoil := range map[string]func(*Settings){
		"no endpoint":                 func(s *Settings) { s.Endpoint = "" },
		"endpoint without scheme":     func(s *Settings) { s.Endpoint = "objects.example:9000" },
		"endpoint with a path":        func(s *Settings) { s.Endpoint = "https://objects.example/bucket" },
		"endpoint with a query":       func(s *Settings) { s.Endpoint = "https://objects.example?a=b" },
		"endpoint with credentials":   func(s *Settings) { s.Endpoint = "https://s3cr3t-value:x@objects.example" },
		"endpoint of another scheme":  func(s *Settings) { s.Endpoint = "ftp://objects.example" },
		"plain HTTP elsewhere":        func(s *Settings) { s.Endpoint = "http://objects.example:9000" },
		"plain HTTP to a local name":  func(s *Settings) { s.Endpoint = "http://localhost.example" },
		"plain HTTP to the network":   func(s *Settings) { s.Endpoint = "http://10.0.0.1:9000" },
		"no bucket":                   func(s *Settings) { s.Bucket = "" },
		"bucket with a path":          func(s *Settings) { s.Bucket = "a/../b" },
		"bucket in upper case":        func(s *Settings) { s.Bucket = "Wertfach" },
		"no access key file":          func(s *Settings) { s.AccessKeyFile = "" },
		"missing secret key file":     func(s *Settings) { s.SecretKeyFile = filepath.Join(t.TempDir(), "none") },
		"empty secret key":            func(s *Settings) { s.SecretKeyFile = file(" \n") },
		"two secret keys":             func(s *Settings) { s.SecretKeyFile = file("s3cr3t-value\ns3cr3t-value\n") },
		"a folder for the secret key": func(s *Settings) { s.SecretKeyFile = t.TempDir() },
		"an enormous secret key":      func(s *Settings) { s.SecretKeyFile = file(strings.Repeat("s", 5<<10)) },
		"missing CA file":             func(s *Settings) { s.CAFile = filepath.Join(t.TempDir(), "none") },
		"CA file of something else":   func(s *Settings) { s.CAFile = file("s3cr3t-value") },
	} {
		s := good
		spoil(&s)
		_, err := Open(s)
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "s3cr3t-value") {
			t.Errorf("%s: the error tells a secret", name)
		}
	}
}

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:9000": true, "[::1]:9000": true, "10.0.0.1:9000": false, "[2001:db8::1]:80": false,
		"localhost:9000": false, // a dialler's address is a number by now
	} {
		if dialsLoopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}
