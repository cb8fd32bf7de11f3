package config

import (
	"io"
	"log/slog"

	"github.com/wertfach/wertfach/custody"
)

// Logger makes the logger that the configuration asks for, writing to w.
func (l Log) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo // an empty section, made in code
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if l.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// readable writes durations with their units, "1.8s", in JSON too.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// Warnings are sentences about what the configuration allows and an operator
// should know, for the log of every start.
func (c *Config) Warnings() []string {
	var warnings []string
	if c.Vault != nil && plain(c.Vault.Address) {
		warnings = append(warnings, "vault.address is plain http: keys travel in clear on this machine's loopback")
	}
	if c.S3 != nil && plain(c.S3.Endpoint) {
		warnings = append(warnings, "s3.endpoint is plain http: sealed objects travel without TLS on this machine's loopback")
	}
	if g := c.Sweep.Grace; g > 0 && g < custody.PendingGrace {
		warnings = append(warnings, "sweep.grace is shorter than an upload may take: sweep only while nothing is changed")
	}
	if c.Sweep.Every > 0 && c.Vault != nil {
		warnings = append(warnings, "sweep.every is set: this server sweeps, which fails unless its identity may destroy keys; then whoever takes over the server can destroy what customers have")
	}
	if c.Audit.Mode == "governance" {
		warnings = append(warnings, "audit.mode is governance: some servers, MinIO among them, let anybody who can write lift such a lock")
	}
	if c.needIssuer() {
		warnings = append(warnings, "callers has roles of people, and there are no issuers: no person can call")
	}
	return warnings
}
