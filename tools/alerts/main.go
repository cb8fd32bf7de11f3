// Command alerts checks files of alert rules (.yaml) and dashboards (.json) with
// Prometheus's own parsers: what it accepts, Prometheus loads.
//
//	alerts deploy/prometheus/alerts.yaml deploy/grafana/wertfach.json
//
// That the metrics in them exist is not its matter: a test in internal/telemetry
// compares them with what a running server tells.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: alerts FILE...")
		os.Exit(2)
	}
	if problems := run(os.Args[1:], os.Stdout); problems > 0 {
		os.Exit(1)
	}
}

// run checks the files, writes what is wrong to out, and gives its number.
func run(files []string, out io.Writer) (problems int) {
	for _, file := range files {
		for _, err := range check(file) {
			fmt.Fprintf(out, "%s: %v\n", file, err)
			problems++
		}
	}
	return problems
}

func check(file string) []error {
	content, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	switch filepath.Ext(file) {
	case ".yaml":
		return rules(content)
	case ".json":
		return dashboard(content)
	default:
		return []error{errors.New("neither rules (.yaml) nor a dashboard (.json)")}
	}
}

// rules checks rules: their form, their expressions, and the templates of their
// labels and annotations.
func rules(content []byte) []error {
	groups, errs := rulefmt.Parse(content, false)
	if len(errs) > 0 {
		return errs
	}
	seen := map[string]bool{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if seen[rule.Alert] {
				errs = append(errs, fmt.Errorf("%s: another rule has this name", rule.Alert))
			}
			seen[rule.Alert] = true
		}
	}
	if len(seen) == 0 {
		errs = append(errs, errors.New("no rules"))
	}
	return errs
}

// variables are what Grafana puts in before Prometheus sees an expression.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", ".*", "$instance", ".*")

// dashboard checks the expressions of a dashboard.
func dashboard(content []byte) (errs []error) {
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &d); err != nil {
		return []error{err}
	}
	expressions := 0
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			expressions++
			if _, err := parser.ParseExpr(variables.Replace(target.Expr)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", panel.Title, err))
			}
		}
	}
	if expressions == 0 {
		errs = append(errs, errors.New("no expressions"))
	}
	return errs
}
