package result_test

import (
	"testing"

	"github.com/wertfach/wertfach/bench/internal/result"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		row  result.Row
		want result.Verdict
	}{
		"rate at the target":        {result.Row{Floors: []float64{100}, Products: []float64{90}, Bound: result.Bound{AtLeast: 0.9}}, result.Met},
		"rate below":                {result.Row{Floors: []float64{100}, Products: []float64{89.9}, Bound: result.Bound{AtLeast: 0.9}}, result.Short},
		"rate, by the median":       {result.Row{Floors: []float64{10, 10, 10}, Products: []float64{1, 10, 10}, Bound: result.Bound{AtLeast: 0.9}}, result.Met},
		"time within":               {result.Row{Floors: []float64{2}, Products: []float64{2.5}, Bound: result.Bound{AtMost: 1.25}}, result.Met},
		"time above":                {result.Row{Floors: []float64{2}, Products: []float64{2.6}, Bound: result.Bound{AtMost: 1.25}}, result.Short},
		"amount within":             {result.Row{Products: []float64{39, 40}, Bound: result.Bound{AtMost: 40}}, result.Met},
		"amount, by the worst":      {result.Row{Products: []float64{1, 41, 1}, Bound: result.Bound{AtMost: 40}}, result.Short},
		"amount asked for at least": {result.Row{Products: []float64{1, 41}, Bound: result.Bound{AtLeast: 2}}, result.Short},
		"nothing measured":          {result.Row{Bound: result.Bound{AtMost: 40}}, result.Short},
		"nothing asked for":         {result.Row{Floors: []float64{2}, Products: []float64{1}}, result.None},
	} {
		got, err := test.row.Judge()
		if err != nil || got != test.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestRoundsMustMatch(t *testing.T) {
	t.Parallel()
	row := result.Row{Target: "P1", Floors: []float64{1, 2}, Products: []float64{1}, Bound: result.Bound{AtLeast: 0.9}}
	if v, err := row.Judge(); err == nil {
		t.Errorf("got %s", v)
	}
}
