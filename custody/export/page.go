package export

import (
	_ "embed" // of pageText
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/custody/field"
)

// pageText is the page in both languages. Everything that was typed is escaped for
// its place by html/template, and the page asks its reader to load nothing.
//
//go:embed page.html
var pageText string

// row is a value on a page.
type row struct {
	Label, Text string
	Masked      bool
}

// writePage writes the page for reading.
func writePage(w io.Writer, l language, r Record, zone *time.Location) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"t":      func(de, en string) string { return l.of(Words{de, en}) },
		"word":   l.word,
		"said":   l.of,
		"moment": func(at time.Time) string { return l.moment(at.In(zone)) },
		"day":    l.day,
		"values": l.values,
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page for reading: %w", err)
	}
	return page.Execute(w, r)
}

// values are the rows of a customer, for the kind "", or of an artefact, in the
// order of the schema.
func (l language) values(d Data, masked []string, kind string) []row {
	t := field.Artefact
	if kind == "" {
		t = field.Customer
	}
	var rows []row
	for _, s := range t.Specs() {
		value, there := d.value(s.Path)
		if !there {
			continue
		}
		text := fmt.Sprint(value)
		if s.Truth() || s.Choices() != nil {
			text = l.word(text)
		}
		rows = append(rows, row{l.label(s.Path), text, slices.Contains(masked, s.Path)})
	}
	return rows
}

// label is what a page calls a value, by its path.
func (l language) label(path string) string {
	if w, ok := labels[path]; ok {
		return l.of(w)
	}
	return strings.ReplaceAll(path, "_", " ")
}

func (l language) moment(at time.Time) string {
	if l == german {
		return at.Format("02.01.2006 15:04 MST")
	}
	return at.Format("2 January 2006, 15:04 MST")
}

// day is a day, YYYY-MM-DD, as it is written in the language.
func (l language) day(text string) string {
	at, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil:
		return text
	case l == german:
		return at.Format("02.01.2006")
	default:
		return at.Format("2 January 2006")
	}
}
