package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"github.com/wertfach/wertfach/bench/internal/machine"
	"github.com/wertfach/wertfach/bench/internal/result"
)

// Page is what docs/performance.md is made of.
type Page struct {
	Machine machine.Machine
	Rows    []result.Row
	Rounds  int
	Round   time.Duration
	Took    time.Duration
	Date    time.Time
	// Notes say, in the words of those who looked into it, what falls short and
	// why.
	Notes string
}

//go:embed performance.md.tmpl
var text string

// Markdown writes the page.
func (p Page) Markdown(w io.Writer) error {
	lines, err := Lines(p.Rows)
	if err != nil {
		return err
	}
	page, err := template.New("performance.md").Parse(text)
	if err == nil {
		_, err = page.New("growth").Parse(growthText)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return page.Execute(w, struct {
		Page
		Day, Length, Seconds, Words string
		Lines                       []Line
		Spent                       []Spent
		Short                       []Line
		Growth                      []Growth
	}{
		Page: p, Day: p.Date.Format(time.DateOnly), Length: p.Took.Round(time.Second).String(),
		Seconds: fmt.Sprintf("%g", p.Round.Seconds()),
		Words:   strings.TrimSpace(p.Notes), Lines: lines, Spent: Spending(p.Rows), Short: short(lines), Growth: growths(p.Rows),
	})
}

func short(lines []Line) []Line {
	var out []Line
	for _, l := range lines {
		if l.Verdict == result.Short {
			out = append(out, l)
		}
	}
	return out
}
