// Package result is what the benchmark found: rows, one for each thing that was
// measured, with the floor beside the product and the target that it is held to.
package result

import (
	"fmt"

	"github.com/wertfach/wertfach/bench/internal/stats"
)

// Row is one thing that was measured, in rounds: the i-th floor and the i-th
// product were measured within seconds of each other, so only those are
// compared.
type Row struct {
	// Target is the number of the target: "P1".
	Target string
	// What names the operation: "register, plain".
	What string
	// Calls says which calls the floor consists of: "decrypt + PUT". Empty for a
	// row without a floor.
	Calls string
	// Unit is that of the values: "/s", "ms", "MiB", "s".
	Unit string
	// Bound is what is asked for: of the ratio of product to floor, or, in a row
	// without a floor, of the product's value itself.
	Bound Bound
	// Floors and Products are the values by round. Floors is empty in a row
	// without a floor.
	Floors, Products []float64
	// FloorUse and ProductUse are the processor time behind them.
	FloorUse, ProductUse Usage
	// Counts are the calls by kind, of a row that counts them in place of measuring;
	// Few and Many are among how many customers. Its floor is the count among few.
	Counts    []Count
	Few, Many int
}

// Count is how many calls of a kind there were among few customers and among many.
type Count struct {
	Op        string // "store.put"
	Few, Many int
}

// Bound is a limit from below or from above; neither where both are zero, for a
// row that is there to explain another one.
type Bound struct{ AtLeast, AtMost float64 }

// Limit is the figure, and whether there is one.
func (b Bound) Limit() (float64, bool) {
	limit := max(b.AtLeast, b.AtMost)
	return limit, limit > 0
}

// holds says whether a value keeps the bound.
func (b Bound) holds(value float64) bool {
	return value >= b.AtLeast && (b.AtMost == 0 || value <= b.AtMost)
}

// Compared says whether the row has a floor.
func (r Row) Compared() bool { return len(r.Floors) > 0 }

// Values are what the bound is asked of, by round: ratios of product to floor,
// or the product's values where there is no floor.
func (r Row) Values() ([]float64, error) {
	if !r.Compared() {
		return r.Products, nil
	}
	ratios, err := stats.Ratios(r.Products, r.Floors)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", r.Target, r.What, err)
	}
	return ratios, nil
}

// Verdict is how a row stands to its target.
type Verdict string

// The verdicts.
const (
	Met   Verdict = "met"
	Short Verdict = "short"
	None  Verdict = "–" // nothing was asked for
)

// Judge holds the row against its target. A ratio is judged by its median over
// the rounds. An amount, such as memory or the time of a start, is judged by the
// worst that was seen, since it is asked for always.
func (r Row) Judge() (Verdict, error) {
	if _, asked := r.Bound.Limit(); !asked {
		return None, nil
	}
	values, err := r.Values()
	if err != nil {
		return None, err
	}
	spread := stats.Of(values)
	judged := spread.Median
	if !r.Compared() {
		judged = spread.Max
		if r.Bound.AtLeast > 0 {
			judged = spread.Min
		}
	}
	if len(values) > 0 && r.Bound.holds(judged) {
		return Met, nil
	}
	return Short, nil
}
