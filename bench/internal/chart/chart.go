// Package chart draws the benchmark's plot as an SVG file: a line for each row,
// with every round as a dot, the median as a larger one, and the target as a
// tick across the line.
//
// It is written here, in a few lines, because the plot is one fixed picture;
// a plotting library would bring fonts and rasters that nobody needs.
package chart

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/wertfach/wertfach/bench/internal/stats"
)

// Panel is a group of lines on one axis, which begins at zero.
type Panel struct {
	Title string
	// Axis says what its figures are.
	Axis  string
	Lines []Line
}

// Line is one row of a panel.
type Line struct {
	Label  string
	Values []float64 // by round; the median is marked
	Target float64   // 0 for none
	Met    bool
	Note   string // what stands to the right
}

// The picture's measures, in pixels.
const (
	width      = 940
	left       = 330 // where axes begin
	right      = 750 // where they end
	margin     = 20
	lineHeight = 28
	titleSpace = 46
	axisSpace  = 52
	headSpace  = 40
)

// Colours that people with the common forms of colour blindness tell apart.
const (
	good   = "#0072b2"
	bad    = "#d55e00"
	mark   = "#000000"
	grid   = "#dddddd"
	plain  = "#666666"
	letter = "#222222"
)

// Write draws the panels one below the other.
func Write(w io.Writer, panels []Panel) error {
	var d drawing
	height := headSpace + margin
	for _, p := range panels {
		height += p.height()
	}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" `+
		`font-family="system-ui, sans-serif" font-size="13">`, width, height, width, height)
	d.add(`<title>Performance beside its targets</title>`)
	d.add(`<rect width="%d" height="%d" fill="#ffffff"/>`, width, height)
	d.legend()
	y := headSpace
	for _, p := range panels {
		d.panel(p, y)
		y += p.height()
	}
	d.add(`</svg>`)
	_, err := io.WriteString(w, d.String())
	return err
}

func (p Panel) height() int { return titleSpace + len(p.Lines)*lineHeight + axisSpace }

// drawing collects elements.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) text(x float64, y int, anchor, colour, s string) {
	d.add(`<text x="%.1f" y="%d" text-anchor="%s" fill="%s">%s</text>`, x, y, anchor, colour, escape.Replace(s))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (d *drawing) legend() {
	y := headSpace - 14
	at := func(x float64, s string) { d.text(x, y+4, "start", plain, s) }
	d.dot(left+6, y, 5, good)
	at(left+16, "median, target met")
	d.dot(left+156, y, 5, bad)
	at(left+166, "median, short of it")
	d.dot(left+302, y, 2.5, plain)
	at(left+310, "a round")
	d.tick(left+384, y)
	at(left+392, "target")
}

func (d *drawing) dot(x float64, y int, r float64, colour string) {
	d.add(`<circle cx="%.1f" cy="%d" r="%.1f" fill="%s"/>`, x, y, r, colour)
}

func (d *drawing) tick(x float64, y int) {
	d.add(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="2"/>`, x, y-10, x, y+10, mark)
}

func (d *drawing) panel(p Panel, top int) {
	d.add(`<text x="%d" y="%d" font-weight="600" font-size="15" fill="%s">%s</text>`, margin, top+26, letter, escape.Replace(p.Title))
	first, last := top+titleSpace, top+titleSpace+len(p.Lines)*lineHeight
	step, end := scale(p.most())
	x := func(v float64) float64 { return left + min(v/end, 1)*(right-left) }
	for i := 0; float64(i)*step <= end+step/2; i++ {
		v := float64(i) * step
		d.add(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>`, x(v), first-6, x(v), last, grid)
		d.text(x(v), last+18, "middle", plain, fmt.Sprintf("%.4g", v))
	}
	d.text((left+right)/2, last+36, "middle", plain, p.Axis)
	for i, l := range p.Lines {
		y := first + i*lineHeight + lineHeight/2
		d.line(l, x, y)
		if stats.Of(l.Values).Max > end {
			d.text(right+2, y+4, "start", letter, "›")
		}
	}
}

// line draws a row around the height y; x places a value.
func (d *drawing) line(l Line, x func(float64) float64, y int) {
	colour := good
	if !l.Met {
		colour = bad
	}
	if l.Target == 0 {
		colour = plain
	}
	s := stats.Of(l.Values)
	d.text(left-12, y+4, "end", letter, l.Label)
	d.add(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="3" stroke-opacity="0.35"/>`,
		x(s.Min), y, x(s.Max), y, colour)
	for _, v := range l.Values {
		d.dot(x(v), y, 2.5, colour)
	}
	if l.Target > 0 {
		d.tick(x(l.Target), y)
	}
	d.dot(x(s.Median), y, 5, colour)
	d.text(right+14, y+4, "start", letter, l.Note)
}

// most is what the axis has to reach: every median and target, and the single
// rounds too, as long as they are not so far out that they would squeeze the
// rest. Those beyond are drawn at the axis's end, with a sign.
func (p Panel) most() float64 {
	core, most := 0.0, 0.0
	for _, l := range p.Lines {
		s := stats.Of(l.Values)
		core = max(core, l.Target, s.Median)
		most = max(most, s.Max)
	}
	return max(core, min(most, 1.5*core))
}

// scale gives the steps of an axis, 1, 2 or 5 times a power of ten, and its end,
// so that it has four to ten steps and holds the value.
func scale(most float64) (step, end float64) {
	if most <= 0 {
		return 0.5, 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, factor := range []float64{0.1, 0.2, 0.5, 1, 2} {
		step = factor * power
		if steps := math.Ceil(most/step - 1e-9); steps <= 10 {
			return step, steps * step
		}
	}
	return power, most
}
