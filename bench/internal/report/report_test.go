package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/bench/internal/machine"
	"github.com/wertfach/wertfach/bench/internal/report"
	"github.com/wertfach/wertfach/bench/internal/result"
)

var rows = []result.Row{
	{Target: "P1", What: "register", Calls: "decrypt + PUT", Unit: "/s", Bound: result.Bound{AtLeast: 0.9},
		Floors: []float64{1000, 12345, 1200}, Products: []float64{950, 11000, 1000},
		FloorUse: result.Usage{Calls: 2, Bench: time.Millisecond}, ProductUse: result.Usage{Calls: 4, Product: 2 * time.Millisecond, Minio: time.Millisecond}},
	{Target: "P3", What: "list", Calls: "GET + decrypt", Unit: "ms", Bound: result.Bound{AtMost: 1.5}, Floors: []float64{1, 2}, Products: []float64{2, 5}},
	{Target: "P8", What: "memory", Unit: "MiB", Bound: result.Bound{AtMost: 40}, Products: []float64{41.26}},
	{Target: "P5", What: "… with more", Unit: "/s", Floors: []float64{10}, Products: []float64{1}},
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := report.Write(&out, rows); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range [][]string{
		{"P1", "register", "1200 /s", "1000 /s", "0.89", "0.83 to 0.95", "≥ 0.90", "short", "decrypt + PUT"},
		{"P3", "list", "1.500 ms", "3.500 ms", "2.25", "2.00 to 2.50", "≤ 1.50", "short", "GET + decrypt"},
		{"P8", "memory", "–", "41.3 MiB", "–", "–", "≤ 40.0 MiB", "short"},
		{"P5", "… with more", "10.0 /s", "1.000 /s", "0.10", "0.10 to 0.10", "–", "–"},
	} {
		if fields := strings.Join(strings.Fields(got[i+1]), " "); fields != strings.Join(want, " ") {
			t.Errorf("got  %q\nwant %q", fields, strings.Join(want, " "))
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	page := report.Page{
		Machine: machine.Machine{Processor: "A Processor", Cores: 2, Vault: "v1"}, Rows: rows, Rounds: 3,
		Round: 2500 * time.Millisecond, Took: time.Minute, Date: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), Notes: "\nBecause.\n",
	}
	var out strings.Builder
	if err := page.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| P1 | register | 1200 /s | 1000 /s | 0.89 | 0.83 to 0.95 | ≥ 0.90 | short |\n",
		"| P1 register | 0.00 | 0.50 | 0.00 | 0.25 | 0.75 |\n",
		"Short of its target: P1 register (0.89, asked for ≥ 0.90); P3 list (2.25, asked for ≤ 1.50); P8 memory (41.3 MiB, asked for ≤ 40.0 MiB).\n",
		"\n\nBecause.\n\n", "A Processor, 2 cores", "On 2027-01-02, in 1m0s", "rounds of 2.5 s",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	page.Rows, page.Notes = nil, ""
	out.Reset()
	if err := page.Markdown(&out); err != nil || !strings.Contains(out.String(), "Nothing in this run.") {
		t.Errorf("without rows: %v", err)
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := report.Plot(&out, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"P1  register", "0.89 (≥ 0.90)", "41.3 (≤ 40.0 MiB)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "with more") {
		t.Error("the plot has a row without a target")
	}
	in := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		if _, err := in.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoundsThatDoNotMatch(t *testing.T) {
	t.Parallel()
	bad := []result.Row{{Target: "P1", Floors: []float64{1, 2}, Products: []float64{1}, Bound: result.Bound{AtLeast: 1}}}
	if err := report.Write(io.Discard, bad); err == nil {
		t.Error("table: no error")
	}
	if err := report.Plot(io.Discard, bad); err == nil {
		t.Error("plot: no error")
	}
	if err := (report.Page{Rows: bad}).Markdown(io.Discard); err == nil {
		t.Error("page: no error")
	}
}

// TestGrowth: what is counted has a section of its own, which any run may renew.
func TestGrowth(t *testing.T) {
	t.Parallel()
	counted := result.Row{
		Target: "P7", What: "a sweep", Unit: "calls", Bound: result.Bound{AtMost: 1}, Floors: []float64{5}, Products: []float64{5},
		Counts: []result.Count{{Op: "store.list", Few: 2, Many: 2}, {Op: "store.put", Few: 3, Many: 3}}, Few: 1000, Many: 100_000,
	}
	var out strings.Builder
	if err := (report.Page{Rows: append([]result.Row{counted}, rows...)}).Markdown(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"| | among 1,000 customers | among 100,000 |\n", "| store.put | 3 | 3 |\n", "| **together** | **5** | **5** |\n", "<!-- /growth -->\n\n## How it was measured\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "| P7 |") {
		t.Error("it stands among what is measured too")
	}
	if same, any, err := report.ReplaceGrowth(page, []result.Row{counted}); err != nil || !any || same != page {
		t.Errorf("the same section changes the page: %v", err)
	}
	counted.Counts[1].Many = 4
	if changed, _, err := report.ReplaceGrowth(page, []result.Row{counted}); err != nil || changed != strings.Replace(strings.Replace(page, "| 3 | 3 |", "| 3 | 4 |", 1), "**5** |\n", "**6** |\n", 1) {
		t.Errorf("another count: %v", err)
	}
	out.Reset()
	if err := (report.Page{Rows: rows}).Markdown(&out); err != nil {
		t.Fatal(err)
	}
	if added, any, err := report.ReplaceGrowth(out.String(), []result.Row{counted}); err != nil || !any || !strings.Contains(added, "| store.put | 3 | 4 |") {
		t.Errorf("a page without: %v", err)
	}
	if same, any, err := report.ReplaceGrowth(out.String(), rows); err != nil || any || same != out.String() {
		t.Errorf("nothing was counted: %v", err)
	}
	if _, _, err := report.ReplaceGrowth("", []result.Row{counted}); err == nil {
		t.Error("a page without a place for it: no error")
	}
	out.Reset()
	if err := report.WriteGrowth(&out, []result.Row{counted}); err != nil || !strings.Contains(out.String(), "store.put") {
		t.Errorf("%v, %s", err, out.String())
	}
}
