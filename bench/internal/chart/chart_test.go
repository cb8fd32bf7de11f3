package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func draw(t *testing.T, panels ...Panel) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, panels); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestThePictureIsWellFormed(t *testing.T) {
	t.Parallel()
	svg := draw(t,
		Panel{Title: "a & b", Axis: "x < y", Lines: []Line{
			{Label: "P1 <b>", Values: []float64{0.7, 0.8, 0.9}, Target: 0.9, Note: "0.80"},
			{Label: "without rounds"},
		}},
		Panel{Title: "empty"},
	)
	in := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := in.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Error("a coordinate is no number")
	}
	if !strings.Contains(svg, "P1 &lt;b&gt;") {
		t.Error("the label is missing or not escaped")
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line Line
		want string
	}{
		"met":   {Line{Values: []float64{1}, Target: 1, Met: true}, good},
		"short": {Line{Values: []float64{1}, Target: 1}, bad},
		"none":  {Line{Values: []float64{1}}, plain},
	} {
		svg := draw(t, Panel{Lines: []Line{test.line}})
		_, drawn, _ := strings.Cut(svg, "stroke-opacity") // after the legend
		for _, colour := range []string{good, bad, plain} {
			if got := strings.Contains(drawn, `r="5.0" fill="`+colour+`"`); got != (colour == test.want) {
				t.Errorf("%s: median in %s: %t", name, colour, got)
			}
		}
	}
}

// TestFarOut expects a round that is far out at the end of the axis with a sign,
// and the others where they are without it.
func TestFarOut(t *testing.T) {
	t.Parallel()
	near := Line{Values: []float64{0.5, 0.6, 0.7}, Target: 1}
	far := Line{Values: []float64{0.5, 0.6, 70}, Target: 1}
	if svg := draw(t, Panel{Lines: []Line{near}}); strings.Contains(svg, "›") {
		t.Error("a sign without a round that is far out")
	}
	svg := draw(t, Panel{Lines: []Line{near, far}})
	if strings.Count(svg, "›") != 1 {
		t.Error("no sign, or more than one")
	}
	if most := (Panel{Lines: []Line{near, far}}).most(); most != 1.5 {
		t.Errorf("the axis reaches %v", most)
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	for _, most := range []float64{0.003, 0.09, 0.5, 0.97, 1, 1.01, 1.5, 2.2, 9.9, 10, 47, 120, 1999} {
		step, end := scale(most)
		steps := end / step
		if end < most*(1-1e-9) || end > most*1.5 || steps < 4 || steps > 10 || math.Abs(steps-math.Round(steps)) > 1e-6 {
			t.Errorf("%v: steps of %v to %v", most, step, end)
		}
	}
}
