package config

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Watcher applies a configuration that changes while the server runs.
type Watcher struct {
	// File is the configuration file.
	File string
	// Running is the configuration that the server was started with.
	Running *Config
	// Apply takes a changed configuration, whole and checked. With an error the
	// old one must still be in force.
	Apply func(*Config) error
	// Every is how often the file is looked at; 5 seconds where zero.
	Every time.Duration
	// Now asks to read the file at once and to apply it whether it changed or not,
	// as SIGHUP does; never where nil.
	Now <-chan os.Signal
	// Log takes what was applied and what can't be; discarded where nil.
	Log *slog.Logger
}

const defaultWatchEvery = 5 * time.Second

// live are the sections that take effect without a restart.
func live() []string { return []string{"callers", "issuers", "calls"} }

// Run watches until ctx ends. A file that can't be used, or that says what Apply
// refuses, is logged once, by keys and without values, and changes nothing. What
// takes a restart is logged too.
func (w Watcher) Run(ctx context.Context) {
	w.Log = cmp.Or(w.Log, slog.New(slog.DiscardHandler))
	look := looker{Watcher: w, started: w.Running}
	ticker := time.NewTicker(cmp.Or(w.Every, defaultWatchEvery))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Now:
			look.look(ctx, true)
		case <-ticker.C:
			look.look(ctx, false)
		}
	}
}

// looker remembers what was seen.
type looker struct {
	Watcher
	started *Config
	seen    [sha256.Size]byte
	missing bool
}

// look reads the file and applies it if it says something else than before.
func (l *looker) look(ctx context.Context, asked bool) {
	text, err := os.ReadFile(l.File)
	if err != nil {
		if !l.missing || asked {
			l.Log.WarnContext(ctx, "the configuration can't be read; the old one stays in force", "cause", err)
		}
		l.missing = true
		return
	}
	l.missing = false
	seen := sha256.Sum256(text)
	if seen == l.seen && !asked {
		return
	}
	l.seen = seen
	c, err := read(l.File, text)
	if err != nil {
		l.Log.WarnContext(ctx, "the configuration can't be used; the old one stays in force", "wrong", problems(err))
		return
	}
	if !asked && reflect.DeepEqual(c, l.Running) {
		return
	}
	if err := l.Apply(c); err != nil {
		l.Log.WarnContext(ctx, "the configuration can't be applied; the old one stays in force", "cause", err)
		return
	}
	l.Running = c
	l.Log.InfoContext(ctx, "the configuration is applied", "callers", len(c.Callers), "issuers", len(c.Issuers))
	if later := needRestart(l.started, c); len(later) > 0 {
		l.Log.WarnContext(ctx, "what changed under these keys takes effect at the next start", "keys", strings.Join(later, ", "))
	}
}

// problems are what is wrong with a file, without its name.
func problems(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "; ")
}

// needRestart are the keys under which two configurations differ that take
// effect at a start only.
func needRestart(a, b *Config) []string {
	var differ []string
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		key := x.Type().Field(i).Tag.Get("yaml")
		if !slices.Contains(live(), key) && !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			differ = append(differ, key)
		}
	}
	return differ
}
