// Package config reads the configuration file of a wertfach server.
//
// The file is YAML and strict: a key that is unknown, given twice or of the
// wrong type is an error, so that a typing error never silently means a
// default. Secrets never stand in the file; it names the files that hold them.
// deploy/wertfach.yaml shows every key with its comment.
//
// [Load] gives all that is wrong at once, each problem with its key, its rule
// and its line. A problem never repeats the value: somebody may have put a
// password where a path belongs, and errors end up in logs.
//
// Relative paths in the file are relative to the folder that it lies in.
package config

import (
	"os"
	"path/filepath"
	"time"
)

// Config is the configuration of a server. The tags are the keys in the file;
// what a key means stands beside it, and here only.
type Config struct {
	// Listen is the address that the API is served on, "host:port". An empty
	// host is every address of the machine; port 0 is a free one. Needed.
	Listen string `yaml:"listen"`
	// TLS is who the server is and whom it lets in. Needed.
	TLS TLS `yaml:"tls"`
	// Callers are the machines that may call, at least one; others are refused.
	// They are read again while the server runs, as are issuers.
	Callers []Caller `yaml:"callers"`
	// Issuers are whose tokens people may show; without any, no person calls.
	Issuers []Issuer `yaml:"issuers"`
	// Institutes are the banks that are served, at least one; customers of
	// others are not found. One that is taken out is not swept either, so it
	// stays here until its data is gone.
	Institutes []Institute `yaml:"institutes"`
	// Retention changes how long which class of data lives; as built in where
	// empty. An institute can have rules of its own.
	Retention []Retention `yaml:"retention"`
	// Limits bound what a customer can store and what the server keeps in
	// memory.
	Limits Limits `yaml:"limits"`

	// Vault is HashiCorp Vault as the keeper of keys, the way for deployments.
	// Exactly one of vault and keyring is needed.
	Vault *Vault `yaml:"vault"`
	// Keyring is a folder of key files on this machine, for trying out.
	Keyring *Keyring `yaml:"keyring"`

	// S3 is the object store of deployments. Exactly one of s3 and embedded is
	// needed.
	S3 *S3 `yaml:"s3"`
	// Embedded is one file on this machine as the object store.
	Embedded *Embedded `yaml:"embedded"`

	// Audit is where the audit log lies. Needed.
	Audit Audit `yaml:"audit"`
	// Calls bound what callers may ask for.
	Calls Calls `yaml:"calls"`
	// Connections bound what their connections and messages may take.
	Connections Connections `yaml:"connections"`

	// Log is what the server writes to its standard error.
	Log Log `yaml:"log"`
	// Telemetry is where metrics and traces are; neither where empty.
	Telemetry Telemetry `yaml:"telemetry"`
	// Sweep is how a sweep goes about it, and whether the server itself sweeps.
	Sweep Sweep `yaml:"sweep"`

	// StartTimeout is how long the server waits at its start for keys and
	// objects that are away before it gives up; 1m where empty. It does not
	// listen until they are there.
	StartTimeout time.Duration `yaml:"start_timeout"`
	// ShutdownTimeout is how long calls that are under way may take to finish
	// once the server is told to stop; 30s where empty. Then they are cut off.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// DefaultTimeZone is where the days of an institute begin that names no zone.
const DefaultTimeZone = "Europe/Berlin"

const (
	defaultStartTimeout    = time.Minute
	defaultShutdownTimeout = 30 * time.Second
)

// Load reads the file and checks it. The error is an *[Error] where the file
// could be read.
func Load(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return read(file, text)
}

// read checks the text of a file.
func read(file string, text []byte) (*Config, error) {
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	c, problems := parse(text)
	if len(problems) > 0 {
		return nil, &Error{File: file, Problems: problems}
	}
	c.resolve(folder)
	return c, nil
}

// parse reads a configuration without regard to where it lies.
func parse(text []byte) (*Config, []Problem) {
	var c Config
	if problems := decode(text, &c); len(problems) > 0 {
		return nil, problems
	}
	c.complete()
	return &c, c.check()
}

// complete fills in what was left empty and is not filled in further down.
func (c *Config) complete() {
	if c.StartTimeout == 0 {
		c.StartTimeout = defaultStartTimeout
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = defaultShutdownTimeout
	}
	for i := range c.Institutes {
		if c.Institutes[i].TimeZone == "" {
			c.Institutes[i].TimeZone = DefaultTimeZone
		}
	}
	c.Telemetry.complete()
	if c.Log.Level == "" {
		c.Log.Level = "info"
	}
	if c.Log.Format == "" {
		c.Log.Format = "json"
	}
}

// resolve makes relative paths relative to the folder.
func (c *Config) resolve(folder string) {
	for _, path := range c.files() {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
}

// files are all paths in the configuration.
func (c *Config) files() []*string {
	paths := []*string{&c.TLS.CertFile, &c.TLS.KeyFile, &c.TLS.ClientCAFile, &c.Audit.SpoolFile, &c.Audit.File, &c.Telemetry.OTLPCAFile}
	for i := range c.Issuers {
		paths = append(paths, &c.Issuers[i].CAFile)
	}
	if v := c.Vault; v != nil {
		paths = append(paths, &v.CAFile, &v.Auth.TokenFile)
		if a := v.Auth.AppRole; a != nil {
			paths = append(paths, &a.RoleIDFile, &a.SecretIDFile)
		}
	}
	if c.Keyring != nil {
		paths = append(paths, &c.Keyring.Dir, &c.Keyring.MasterKeyFile)
	}
	if s := c.S3; s != nil {
		paths = append(paths, &s.CAFile, &s.AccessKeyFile, &s.SecretKeyFile)
	}
	if c.Embedded != nil {
		paths = append(paths, &c.Embedded.File)
	}
	return paths
}
