package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// root is the repository's, seen from here.
const root = "../.."

// TestDeployed: every metric, label and fixed label value that the alert rules and
// the dashboard name is told by a server that runs, on a real Vault. That
// Prometheus takes the expressions is tools/alerts' matter.
func TestDeployed(t *testing.T) {
	t.Parallel()
	told := toldByAll(t)
	told.labels(t)
	rules, panels := alerts(t), panels(t)
	if len(rules) < 15 || len(panels) < 15 {
		t.Errorf("only %d rules and %d panels", len(rules), len(panels))
	}
	for where, expr := range rules {
		told.check(t, where, expr)
	}
	used := map[string]bool{}
	for where, expr := range panels {
		for _, name := range told.check(t, where, expr) {
			used[base(name)] = true
		}
	}
	for name := range told {
		if strings.HasPrefix(name, "wertfach_") && !used[base(name)] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// metrics are names of metrics with their labels and the labels' values.
type metrics map[string]map[string][]string

var (
	sample   = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? [^ ]+$`)
	label    = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	selector = regexp.MustCompile(`\b((?:wertfach|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
)

// toldByAll is what a server tells that has served and refused calls, and a
// process that has swept.
func toldByAll(t *testing.T) metrics {
	t.Helper()
	r := run(t, onVault(t))
	portal := r.client(t, "portal")
	for _, bank := range []string{"musterbank", "kartenbank"} {
		if _, err := portal.Customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/" + bank + "/customers/1"}); err == nil {
			t.Fatal("there is a customer")
		}
	}
	r.node.Watched().Swept(custody.SweepReport{}, time.Second, nil)
	r.Refused("RATE_LIMITED")
	all := metrics{}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		_, text := r.page(t, "/metrics")
		all.add(text)
		if all["wertfach_sweep_backlog"] != nil { // which is counted in the background
			return all
		}
	}
	t.Fatal("what waits for a sweep is not told")
	return nil
}

// onVault puts a server on a real Vault, with a token that ends.
func onVault(t *testing.T) func(*config.Config) {
	t.Helper()
	v := testenv.SharedVault(t)
	const everything = `path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }`
	files, err := v.AppRole(t.Context(), testenv.AppRole{Name: "telemetry", Policy: everything, TokenTTL: time.Hour})
	ok(t, err)
	return func(c *config.Config) {
		c.Keyring = nil
		c.Vault = &config.Vault{
			Address: v.Addr(), TransitMount: v.FreshMount(t),
			Auth: config.VaultAuth{AppRole: &config.AppRole{RoleIDFile: files.RoleID, SecretIDFile: files.SecretID}},
		}
	}
}

func (m metrics) add(text string) {
	for line := range strings.Lines(text) {
		if found := sample.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			name := found[1]
			if m[name] == nil {
				m[name] = map[string][]string{"job": nil, "instance": nil} // which Prometheus adds
			}
			for _, l := range label.FindAllStringSubmatch(found[2], -1) {
				m[name][l[1]] = append(m[name][l[1]], l[2])
			}
		}
	}
}

// check wants all that an expression selects, and gives the names.
func (m metrics) check(t *testing.T, where, expr string) (names []string) {
	t.Helper()
	for _, found := range selector.FindAllStringSubmatch(expr, -1) {
		name := found[1]
		labels, told := m[name]
		if !told {
			t.Errorf("%s: %s is told by nobody", where, name)
			continue
		}
		names = append(names, name)
		for _, match := range matcher.FindAllStringSubmatch(found[2], -1) {
			key, operator, value := match[1], match[2], match[3]
			values, has := labels[key]
			if !has {
				t.Errorf("%s: %s has no label %s", where, name, key)
			}
			if operator == "=" && !slices.Contains(values, value) {
				t.Errorf("%s: %s of %s is never %q", where, key, name, value)
			}
		}
	}
	if len(names) == 0 && !strings.Contains(expr, "up{") {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	return names
}

// base is the name of a histogram for each of its parts.
func base(name string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if cut, isPart := strings.CutSuffix(name, part); isPart {
			return cut
		}
	}
	return name
}

// alerts are the expressions of the rules, by alert. It checks what an operator
// needs at night: how urgent it is, and where it says what to do.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy", "prometheus", "alerts.yaml"))
	ok(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr string
				For         time.Duration
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	ok(t, decoder.Decode(&file))
	book, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	ok(t, err)
	all := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if _, twice := all[rule.Alert]; twice {
				t.Errorf("%s is there twice", rule.Alert)
			}
			all[rule.Alert] = rule.Expr
			if severity := rule.Labels["severity"]; severity != "page" && severity != "ticket" {
				t.Errorf("%s: severity %q", rule.Alert, severity)
			}
			url := rule.Annotations["runbook_url"]
			_, section, _ := strings.Cut(url, "docs/operations.md#")
			if rule.Annotations["summary"] == "" || !strings.HasPrefix(url, "https://github.com/wertfach/wertfach/") || !heading(book, section) {
				t.Errorf("%s: no summary, or docs/operations.md has no section %q", rule.Alert, section)
			}
		}
	}
	return all
}

// heading says whether a page has that heading, by its anchor.
func heading(page []byte, anchor string) bool {
	for line := range strings.Lines(string(page)) {
		title := strings.TrimSpace(strings.TrimLeft(line, "#"))
		if anchor != "" && strings.HasPrefix(line, "#") && strings.EqualFold(title, anchor) {
			return true
		}
	}
	return false
}

// panels are the expressions of the dashboard, by the panels' titles.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy", "grafana", "wertfach.json"))
	ok(t, err)
	var board struct {
		Panels []struct {
			ID          int
			Type, Title string
			Targets     []struct{ Expr string }
			GridPos     struct{ X, W, H int }
			Datasource  struct{ UID string }
		}
	}
	ok(t, json.Unmarshal(text, &board))
	all, ids := map[string]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("panel %q: its id or its place is wrong", p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("panel %q: no expression, or a data source of its own", p.Title)
		}
		for i, target := range p.Targets {
			all[fmt.Sprintf("%d %s %c", p.ID, p.Title, 'A'+i)] = target.Expr
		}
	}
	return all
}

// labels wants every label to be one of those that are documented, so that none
// comes in that tells who called, or about whom.
func (m metrics) labels(t *testing.T) {
	t.Helper()
	allowed := []string{
		"backend", "code", "instance", "job", "kind", "le", "op", "outcome", "part", "quantile", "reason", "rpc", "target", "version", "what",
	}
	for name, labels := range m {
		for key := range labels {
			if !slices.Contains(allowed, key) {
				t.Errorf("%s has a label %s", name, key)
			}
		}
	}
}
