package stats_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wertfach/wertfach/bench/internal/stats"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []float64
		want   stats.Spread
	}{
		"none":     {nil, stats.Spread{}},
		"one":      {[]float64{3}, stats.Spread{Median: 3, Min: 3, Max: 3}},
		"odd":      {[]float64{9, 1, 4}, stats.Spread{Median: 4, Min: 1, Max: 9}},
		"even":     {[]float64{8, 2, 4, 1}, stats.Spread{Median: 3, Min: 1, Max: 8}},
		"outlier":  {[]float64{1, 1, 1, 1, 1000}, stats.Spread{Median: 1, Min: 1, Max: 1000}},
		"negative": {[]float64{-2, -1}, stats.Spread{Median: -1.5, Min: -2, Max: -1}},
	} {
		before := slices.Clone(test.values)
		if got := stats.Of(test.values); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("%s: the values were moved", name)
		}
	}
}

func TestMedianOfDurations(t *testing.T) {
	t.Parallel()
	mean := func(a, b time.Duration) time.Duration { return (a + b) / 2 }
	if got := stats.Median([]time.Duration{4, 8, 2, 100}, mean); got != 6 {
		t.Errorf("got %v, want 6ns", got)
	}
	if got := stats.Median(nil, mean); got != 0 {
		t.Errorf("of none: got %v", got)
	}
}

func TestRatios(t *testing.T) {
	t.Parallel()
	got, err := stats.Ratios([]float64{9, 8}, []float64{10, 4})
	if err != nil || !slices.Equal(got, []float64{0.9, 2}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := stats.Ratios([]float64{1}, []float64{1, 2}); err == nil {
		t.Error("rounds that do not match: no error")
	}
	if _, err := stats.Ratios([]float64{1}, []float64{0}); err == nil {
		t.Error("nothing measured: no error")
	}
}
