package custody

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestEveryInterleaving stops every sort of change before each call of a back
// end and meanwhile lets another server do every other sort of change, and the
// same one, to the same customer. What comes of both must be what comes of them
// one after the other, in either order, and nothing may be half-linked.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	for _, first := range acts() {
		t.Run(first.name, func(t *testing.T) {
			t.Parallel()
			_, _, calls := root.apart().plainly(t, first)
			for _, second := range acts() {
				switch second.name {
				case "update customer", "terminate":
					continue // they do nothing that another one does not do as well
				case "enrol":
					if first.name != second.name {
						continue // that is another customer
					}
				}
				serial := root.inTurn(t, first, second)
				for n := 1; n <= calls; n++ {
					t.Run(fmt.Sprintf("%s before call %d", second.name, n), func(t *testing.T) {
						t.Parallel()
						root.apart().interleave(t, first, second, n, serial)
					})
				}
			}
		})
	}
}

// outcome is what two acts were answered, and what they left.
type outcome struct{ first, second, state string }

// answer is an error as far as it must be the same in any order. Who is being
// erased and who is erased are the same to everybody else.
func answer(err error) string {
	switch reason := fault.ReasonOf(err); {
	case err == nil:
		return "done"
	case reason == ReasonBeingErased, reason == ReasonCustomerNotFound:
		return gone
	case fault.KindOf(err) == fault.Internal:
		return fmt.Sprintf("internal: %+v", err)
	default:
		return reason
	}
}

// inTurn gives the outcomes of two acts one after the other.
func (w *world) inTurn(t *testing.T, first, second act) []outcome {
	t.Helper()
	ctx, own := t.Context(), w.apart()
	c, f := own.server(t), own.fixtureFor(t.Context(), t, first, second)
	one := outcome{first: answer(first.do(ctx, c, f, request(first.name)))}
	one.second = answer(second.do(ctx, c, f, request(second.name)))
	one.state = own.state(ctx, t, f)

	f = own.fixtureFor(ctx, t, first, second)
	two := outcome{second: answer(second.do(ctx, c, f, request(second.name)))}
	two.first = answer(first.do(ctx, c, f, request(first.name)))
	two.state = own.state(ctx, t, f)
	return []outcome{one, two}
}

func (w *world) interleave(t *testing.T, first, second act, n int, serial []outcome) {
	ctx := t.Context()
	f, other := w.fixtureFor(ctx, t, first, second), w.server(t)
	w.warm(t, other, f.customer)
	var got outcome
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Number == n {
			got.second = answer(second.do(ctx, other, f, request(second.name)))
		}
		return custodytest.Pass
	}))
	w.warm(t, c, f.customer)
	got.first = answer(first.do(ctx, c, f, request(first.name)))
	if got.second == "" {
		return // this time it took fewer calls
	}
	got.state = w.state(ctx, t, f)
	if first.name == "erase" && second.name == "erase" {
		got.second = "done" // by the one who was at it; this one was told to wait
	}
	if !slices.Contains(serial, got) {
		t.Errorf("got %+v\nwant one of %+v", got, serial)
	}
	w.sweepAll(ctx, t)
	w.mustBeWhole(ctx, t)
	if state := w.state(ctx, t, f); state != got.state {
		t.Errorf("the sweep made of %s\nthis: %s", got.state, state)
	}
}
