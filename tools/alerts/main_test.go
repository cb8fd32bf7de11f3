package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOurs checks what is shipped.
func TestOurs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if n := run([]string{"../../deploy/prometheus/alerts.yaml", "../../deploy/grafana/wertfach.json"}, &out); n > 0 {
		t.Error(out.String())
	}
}

// TestProblems: each mistake is found.
func TestProblems(t *testing.T) {
	t.Parallel()
	const rule = "groups: [{name: g, rules: [%]}]"
	for name, content := range map[string]string{
		"expression.yaml": strings.Replace(rule, "%", "{alert: A, expr: 'rate(a[5m]'}", 1),
		"template.yaml":   strings.Replace(rule, "%", "{alert: A, expr: a, annotations: {summary: '{{ $x }}'}}", 1),
		"key.yaml":        strings.Replace(rule, "%", "{alert: A, expr: a, four: 5m}", 1),
		"twice.yaml":      strings.Replace(rule, "%", "{alert: A, expr: a}, {alert: A, expr: b}", 1),
		"empty.yaml":      "groups: []",
		"expression.json": `{"panels": [{"title": "t", "targets": [{"expr": "sum by (a) rate(b[$__rate_interval])"}]}]}`,
		"empty.json":      `{}`,
		"not.json":        `{`,
		"what.txt":        ``,
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if n := run([]string{file}, &out); n == 0 || !strings.Contains(out.String(), file) {
			t.Errorf("%s: %d problems\n%s", name, n, out.String())
		}
	}
	if n := run([]string{filepath.Join(t.TempDir(), "none.yaml")}, new(strings.Builder)); n != 1 {
		t.Errorf("a file that is not there: %d problems", n)
	}
}
