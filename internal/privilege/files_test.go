package privilege_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/privilege"
)

// TestPoliciesAsFiles: they fit the configuration, and hold only what it has.
func TestPoliciesAsFiles(t *testing.T) {
	t.Parallel()
	c := &config.Config{
		Vault: &config.Vault{TransitMount: "bank/keys", Auth: config.VaultAuth{AppRole: &config.AppRole{Mount: "machines"}}},
		S3:    &config.S3{Bucket: "data"},
		Audit: config.Audit{Bucket: "log"},
	}
	dir := t.TempDir()
	if err := privilege.Write(c, dir); err != nil {
		t.Fatal(err)
	}
	for _, id := range everybody {
		for name, words := range map[string][2]string{
			"vault/" + string(id) + ".hcl": {`"bank/keys/`, `"transit/`},
			"s3/" + string(id) + ".json":   {`"arn:aws:s3:::log`, `:wertfach`},
		} {
			text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				t.Error(err)
			}
			for _, line := range strings.Split(string(text), "\n") {
				if !strings.HasPrefix(line, "#") && strings.Contains(line, words[1]) {
					t.Errorf("%s: %s", name, line)
				}
			}
			if !strings.Contains(string(text), words[0]) {
				t.Errorf("%s does not fit the configuration", name)
			}
		}
	}
	only := t.TempDir()
	if err := privilege.Write(&config.Config{S3: c.S3}, only); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(only, "*", "*")); err != nil || len(files) != len(everybody) {
		t.Errorf("without Vault: %q, %v", files, err)
	}
}

// TestOtherStore: an S3 server that is no MinIO is told as one, and what is not
// configured is not installed.
func TestOtherStore(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := privilege.Open(t.Context(), &config.Config{
		S3: &config.S3{Endpoint: other.URL, Bucket: "data", AccessKeyFile: key, SecretKeyFile: key},
	}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Store(t.Context()); !errors.Is(err, minioadmin.ErrNotMinIO) {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	if err := errors.Join(i.Vault(t.Context()), i.IssueVault(t.Context(), dir), i.Close()); err != nil {
		t.Errorf("Vault, which there is none: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left %v, %v", files, err)
	}
}
