package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
)

func TestKindAndReason(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound, "GONE", "gone")
	outer := fault.Wrap(inner, fault.Unavailable, "AWAY", "away")
	for name, c := range map[string]struct {
		err    error
		kind   fault.Kind
		reason string
	}{
		"none":           {nil, fault.Internal, ""},
		"another error":  {io.EOF, fault.Internal, ""},
		"one":            {inner, fault.NotFound, "GONE"},
		"wrapped by fmt": {fmt.Errorf("x: %w", inner), fault.NotFound, "GONE"},
		"joined":         {errors.Join(io.EOF, inner), fault.NotFound, "GONE"},
		"the outermost":  {outer, fault.Unavailable, "AWAY"},
	} {
		if kind, reason := fault.KindOf(c.err), fault.ReasonOf(c.err); kind != c.kind || reason != c.reason {
			t.Errorf("%s: kind %d, reason %q, want %d, %q", name, kind, reason, c.kind, c.reason)
		}
	}
	if !errors.Is(outer, inner) {
		t.Error("the cause is lost")
	}
}

// TestTheCauseIsNotTold: it may hold what only logs inside the process may.
func TestTheCauseIsNotTold(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(errors.New("PUK 12345678"), fault.Internal, "INTERNAL", "internal error")
	if err.Error() != "internal error" {
		t.Errorf("it says %q", err)
	}
}

// TestCause: what stands behind an error, as far down as it is one of ours alone.
func TestCause(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	away := fault.Wrap(denied, fault.Unavailable, "AWAY", "away")
	bare := fault.New(fault.NotFound, "GONE", "gone")
	joined := errors.Join(io.EOF, away)
	for name, c := range map[string]struct{ err, want error }{
		"none":                    {nil, nil},
		"another error":           {io.EOF, io.EOF},
		"one":                     {away, denied},
		"wrapped by fmt":          {fmt.Errorf("x: %w", away), denied},
		"twice":                   {fault.Wrap(away, fault.Internal, "INTERNAL", "internal error"), denied},
		"without a cause":         {bare, bare},
		"without one within":      {fault.Wrap(bare, fault.Internal, "INTERNAL", "internal error"), bare},
		"with something beside":   {fault.Wrap(joined, fault.Unavailable, "AUDIT", "audit"), joined},
		"wrapped without a cause": {fault.Wrap(nil, fault.Corrupt, "CORRUPT", "damaged"), nil},
	} {
		got := fault.Cause(c.err)
		if name == "wrapped without a cause" {
			c.want = c.err
		}
		if !errors.Is(got, c.want) || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	err := fault.Fields(
		fault.Violation{Field: "artefact.sim_card.puk", Rule: "puk.length", Description: "has 8 digits"},
		fault.Violation{Field: "artefact.label", Rule: "text.length", Description: "has at most 1000 characters"},
	)
	if err.Kind != fault.Invalid || err.Reason != "INVALID_FIELD" || len(err.Violations) != 2 ||
		err.Error() != "artefact.sim_card.puk: has 8 digits; artefact.label: has at most 1000 characters" {
		t.Errorf("%+v", err)
	}
	one := fault.Field("name", "name.form", "must be a name")
	if len(one.Violations) != 1 || one.Violations[0] != (fault.Violation{Field: "name", Rule: "name.form", Description: "must be a name"}) {
		t.Errorf("%+v", one)
	}
}
