// Package stats has the little arithmetic of the benchmark: a median and the
// spread around it.
//
// Medians, not means: one round in which the machine did something else must
// not move the figure. The spread is the whole range, least to most, because
// five rounds are too few for anything finer to mean much.
package stats

import (
	"cmp"
	"fmt"
	"slices"
)

// Spread is the middle of some values and how far they lie apart.
type Spread struct{ Median, Min, Max float64 }

// Of gives the spread of values; the zero Spread where there are none.
func Of(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Spread{Median: middle(sorted), Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Median gives the middle value, the mean of the two middle ones of an even
// number, and zero of none.
func Median[T cmp.Ordered](values []T, mean func(a, b T) T) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	upper := sorted[len(sorted)/2]
	if len(sorted)%2 == 1 {
		return upper
	}
	return mean(sorted[len(sorted)/2-1], upper)
}

func middle(values []float64) float64 {
	return Median(values, func(a, b float64) float64 { return (a + b) / 2 })
}

// Ratios divides what came out of the same round: over[i] by under[i].
func Ratios(over, under []float64) ([]float64, error) {
	if len(over) != len(under) {
		return nil, fmt.Errorf("%d rounds beside %d", len(over), len(under))
	}
	out := make([]float64, len(over))
	for i := range over {
		if under[i] <= 0 {
			return nil, fmt.Errorf("round %d: nothing was measured", i+1)
		}
		out[i] = over[i] / under[i]
	}
	return out, nil
}
