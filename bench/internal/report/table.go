// Package report shows what the benchmark found: as a table for the terminal,
// and as the page docs/performance.md with its plot.
package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/bench/internal/stats"
)

// Line is a row in words, as both tables show it.
type Line struct {
	Target, What, Calls            string
	Floor, Product, Ratio, Between string
	Asked                          string
	Verdict                        result.Verdict
}

// Lines puts rows into words.
func Lines(rows []result.Row) ([]Line, error) {
	lines := make([]Line, 0, len(rows))
	for _, r := range rows {
		if len(r.Counts) > 0 {
			continue // it has a table of its own
		}
		values, err := r.Values()
		if err != nil {
			return nil, err
		}
		verdict, err := r.Judge()
		if err != nil {
			return nil, err
		}
		spread := stats.Of(values)
		l := Line{
			Target: r.Target, What: r.What, Calls: r.Calls, Floor: "–", Ratio: "–",
			Product: quantity(stats.Of(r.Products).Median, r.Unit), Verdict: verdict,
			Between: number(spread.Min) + " to " + number(spread.Max), Asked: asked(r),
		}
		if r.Compared() {
			l.Floor = quantity(stats.Of(r.Floors).Median, r.Unit)
			l.Ratio = fmt.Sprintf("%.2f", spread.Median)
			l.Between = fmt.Sprintf("%.2f to %.2f", spread.Min, spread.Max)
		} else if len(values) < 2 {
			l.Between = "–"
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func asked(r result.Row) string {
	limit, any := r.Bound.Limit()
	if !any {
		return "–"
	}
	sign := "≤ "
	if r.Bound.AtLeast > 0 {
		sign = "≥ "
	}
	if r.Compared() {
		return sign + fmt.Sprintf("%.2f", limit)
	}
	return sign + quantity(limit, r.Unit)
}

func quantity(v float64, unit string) string {
	return number(v) + " " + unit
}

// number writes a value with three or four figures.
func number(v float64) string {
	switch {
	case v >= 9999.5:
		s := strconv.FormatFloat(v, 'f', 0, 64)
		return s[:len(s)-3] + "," + s[len(s)-3:]
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

// Write writes the table for a terminal.
func Write(w io.Writer, rows []result.Row) error {
	lines, err := Lines(rows)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil // all was counted
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\t\tfloor\tproduct\tratio\trounds\tasked for\t\tfloor's calls")
	for _, l := range lines {
		fmt.Fprintln(table, strings.Join([]string{
			l.Target, l.What, l.Floor, l.Product, l.Ratio, l.Between, l.Asked, string(l.Verdict), l.Calls,
		}, "\t"))
	}
	return table.Flush()
}

// Spent is the processor time of one call in words, in milliseconds.
type Spent struct {
	What                              string
	Bench, Product, Vault, Minio, Sum string
}

// Spending gives for each row what a call of the floor and one of the product
// cost in processor time. A floor that stands beside several rows comes once.
func Spending(rows []result.Row) []Spent {
	var all []Spent
	seen := map[string]bool{}
	add := func(what string, u result.Usage) {
		if u.Calls == 0 || seen[what] {
			return
		}
		seen[what] = true
		e := u.Each()
		all = append(all, Spent{what, spent(e.Bench), spent(e.Product), spent(e.Vault), spent(e.Minio), spent(e.Sum())})
	}
	for _, r := range rows {
		add(r.Target+" floor: "+r.Calls, r.FloorUse)
		if !strings.HasPrefix(r.What, "…") || r.Target != "P1" {
			add(r.Target+" "+r.What, r.ProductUse)
		}
	}
	return all
}

func spent(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 2, 64) }

// WriteSpending writes where the processor's time went, for a terminal.
func WriteSpending(w io.Writer, rows []result.Row) error {
	spending := Spending(rows)
	if len(spending) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "processor time of one call, in ms\tcaller\twertfach\tVault\tMinIO\ttogether")
	for _, s := range spending {
		fmt.Fprintln(table, strings.Join([]string{s.What, s.Bench, s.Product, s.Vault, s.Minio, s.Sum}, "\t"))
	}
	return table.Flush()
}
