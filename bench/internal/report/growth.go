package report

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"

	"github.com/wertfach/wertfach/bench/internal/result"
)

// Growth is a row that counts calls among few and among many customers, in words.
type Growth struct {
	What            string
	Few, Many       string
	Lines           []result.Count
	SumFew, SumMany int
}

//go:embed growth.md.tmpl
var growthText string

// growths are the rows that count.
func growths(rows []result.Row) []Growth {
	var all []Growth
	for _, r := range rows {
		if len(r.Counts) == 0 {
			continue
		}
		g := Growth{What: r.What, Few: number(float64(r.Few)), Many: number(float64(r.Many)), Lines: r.Counts}
		if r.Few < 10_000 && r.Few >= 1000 {
			g.Few = fmt.Sprintf("%d,%03d", r.Few/1000, r.Few%1000)
		}
		for _, c := range r.Counts {
			g.SumFew += c.Few
			g.SumMany += c.Many
		}
		all = append(all, g)
	}
	return all
}

// WriteGrowth writes what was counted, for a terminal.
func WriteGrowth(w io.Writer, rows []result.Row) error {
	for _, g := range growths(rows) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "\n%s: calls\tamong %s customers\tamong %s\n", g.What, g.Few, g.Many)
		for _, c := range g.Lines {
			fmt.Fprintf(table, "%s\t%d\t%d\n", c.Op, c.Few, c.Many)
		}
		fmt.Fprintf(table, "together\t%d\t%d\n", g.SumFew, g.SumMany)
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// Where the section stands in the page.
const (
	growthBegins = "<!-- growth"
	growthEnds   = "<!-- /growth -->"
	growthBefore = "## How it was measured"
)

// ReplaceGrowth puts the section of what was counted into a page, in the place of
// the one that is there; false where nothing was counted.
func ReplaceGrowth(page string, rows []result.Row) (string, bool, error) {
	all := growths(rows)
	if len(all) == 0 {
		return page, false, nil
	}
	section, err := template.New("growth").Parse(growthText)
	if err != nil {
		return "", false, fmt.Errorf("report: %w", err)
	}
	var text strings.Builder
	if err := section.Execute(&text, all[0]); err != nil {
		return "", false, fmt.Errorf("report: %w", err)
	}
	if from := strings.Index(page, growthBegins); from >= 0 {
		before, rest := page[:from], page[from:]
		_, after, found := strings.Cut(rest, growthEnds)
		if !found {
			return "", false, errors.New("report: the section about growth has no end")
		}
		return before + strings.TrimSpace(text.String()) + after, true, nil
	}
	before, after, found := strings.Cut(page, growthBefore)
	if !found {
		return "", false, errors.New("report: the page has no place for the section about growth")
	}
	return before + strings.TrimSpace(text.String()) + "\n\n" + growthBefore + after, true, nil
}
