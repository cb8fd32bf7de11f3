package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/identity"
)

const example = "../../deploy/wertfach.yaml"

// minimal is a configuration that is right; tests spoil a line of it.
const minimal = `callers: [{uri: spiffe://bank.example/portal/*, roles: [portal], institutes: ["*"]}]
listen: 127.0.0.1:7443
tls:
  cert_file: server.pem
  key_file: /secure/server-key.pem
  client_ca_file: clients.pem
institutes:
  - id: musterbank
keyring:
  dir: keys
embedded:
  file: store.db
audit: {spool_file: spool.db, file: audit.db}
`

const backends = `
vault:
  address: https://vault.example:8200
  auth:
    approle: {role_id_file: role-id, secret_id_file: secret-id}
s3:
  endpoint: https://s3.example:9000
  bucket: wertfach
  access_key_file: access-key
  secret_key_file: secret-key
audit: {spool_file: spool.db, bucket: wertfach-audit}
`

// deployed is minimal with Vault and S3.
var deployed = strings.Split(minimal, "keyring:")[0] + backends

func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wertfach.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	c, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExample(t *testing.T) {
	t.Parallel()
	c, err := Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Institutes) != 2 || c.Vault == nil || c.S3 == nil || c.Keyring != nil || c.Embedded != nil {
		t.Errorf("got %+v", c)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("the example warns: %q", w)
	}
}

// TestExampleHasEveryKey keeps the example complete: whoever adds a key adds it
// there, commented out or not.
func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var missing func(t reflect.Type) []string
	missing = func(t reflect.Type) (names []string) {
		if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return nil
		}
		for i := range t.NumField() {
			key := t.Field(i).Tag.Get("yaml")
			if !regexp.MustCompile(`(?m)^(# )? *(- )?(# )?` + key + `:`).Match(text) {
				names = append(names, key)
			}
			names = append(names, missing(t.Field(i).Type)...)
		}
		return names
	}
	if keys := missing(reflect.TypeFor[Config]()); len(keys) > 0 {
		t.Errorf("deploy/wertfach.yaml lacks %v", keys)
	}
}

// TestExampleShowsDefaults takes the comment signs from what the example says
// are defaults, and expects what the code has.
func TestExampleShowsDefaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^( *)# ((time_zone|artefacts|scans|scan_size|dossier_size|cache_size|transit_mount|`+
		`mount|region|level|format|grace|start_timeout|shutdown_timeout|algorithms|groups_claim|max_age|`+
		`max|streams|message_size|handshake_timeout|idle_timeout|max_age_grace|min_ping_interval|ping_after|ping_timeout): )`).ReplaceAllString(string(text), "$1$2")
	got := mustLoad(t, shown)
	want := mustLoad(t, string(text))
	if got.Log != want.Log || got.StartTimeout != want.StartTimeout || got.ShutdownTimeout != want.ShutdownTimeout {
		t.Errorf("shown: %v %v %v; in force: %v %v %v", got.Log, got.StartTimeout, got.ShutdownTimeout, want.Log, want.StartTimeout, want.ShutdownTimeout)
	}
	if want := (Limits{500, 20, 50 << 20, 4 << 20, 16 << 20}); got.Limits != want {
		t.Errorf("limits: got %v, want %v", got.Limits, want)
	}
	d := server.DefaultConnections()
	if want := (Connections{
		d.Max, d.Streams, Size(d.MessageSize), d.HandshakeTimeout, d.IdleTimeout,
		d.MaxAge, d.MaxAgeGrace, d.MinPingInterval, d.PingAfter, d.PingTimeout,
	}); got.Connections != want {
		t.Errorf("connections: got %v, want %v", got.Connections, want)
	}
	if got.Sweep.Grace != time.Hour {
		t.Errorf("grace: got %v", got.Sweep.Grace)
	}
	if i := got.Issuers[0]; !slices.Equal(i.Algorithms, identity.DefaultAlgorithms()) ||
		i.GroupsClaim != identity.DefaultGroupsClaim || i.MaxAge != identity.DefaultMaxAge {
		t.Errorf("issuer: got %+v", i)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "wertfach.yaml")
	if err := os.WriteFile(file, []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.TLS.CertFile:  filepath.Join(filepath.Dir(file), "server.pem"),
		c.TLS.KeyFile:   "/secure/server-key.pem",
		c.Keyring.Dir:   filepath.Join(filepath.Dir(file), "keys"),
		c.Embedded.File: filepath.Join(filepath.Dir(file), "store.db"),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	d := mustLoad(t, deployed)
	for _, path := range d.files() {
		if *path != "" && !filepath.IsAbs(*path) {
			t.Errorf("%s is relative", *path)
		}
	}
}

// TestEveryPathIsResolved finds paths by their keys' names.
func TestEveryPathIsResolved(t *testing.T) {
	t.Parallel()
	full := Config{Issuers: make([]Issuer, 1), Vault: &Vault{Auth: VaultAuth{AppRole: &AppRole{}}}, Keyring: &Keyring{}, S3: &S3{}, Embedded: &Embedded{}}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() == reflect.Slice {
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
		if v.Kind() != reflect.Struct {
			return
		}
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("yaml")
			if key == "file" || key == "dir" || strings.HasSuffix(key, "_file") {
				if p := v.Field(i).Addr().Interface().(*string); !slices.Contains(full.files(), p) {
					t.Errorf("%s is not resolved", key)
				}
			}
			walk(v.Field(i))
		}
	}
	walk(reflect.ValueOf(&full))
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"tls":       {deployed, nil},
		"loopback":  {strings.NewReplacer("https://vault.example", "http://127.0.0.1", "https://s3.example", "http://localhost").Replace(deployed), []string{"vault.address", "s3.endpoint"}},
		"embedded":  {minimal, nil},
		"people":    {strings.Replace(minimal, "[portal]", "[portal, hotline]", 1), []string{"callers has roles of people"}},
		"issuers":   {strings.Replace(minimal, "[portal]", "[portal, hotline]", 1) + issuers, nil},
		"soft lock": {strings.Replace(deployed, "{spool_file", "{mode: governance, spool_file", 1), []string{"audit.mode"}},
		"grace":     {minimal + "sweep: {grace: 59m}", []string{"sweep.grace"}},
		"sweeps":    {minimal + "sweep: {every: 1m}", nil},
		"and Vault": {deployed + "\nsweep: {every: 1m}", []string{"sweep.every"}},
	} {
		got := mustLoad(t, test.text).Warnings()
		if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
