package main

import (
	"slices"
	"testing"
	"time"

	"github.com/wertfach/wertfach/bench/internal/trial"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args   []string
		rounds int
		round  time.Duration
		whole  bool
		wanted []string
	}{
		"nothing":    {nil, 5, 3 * time.Second, true, []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"}},
		"quick":      {[]string{"-quick"}, 2, time.Second / 2, false, []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"}},
		"some":       {[]string{"-only", "p2,P9", "-rounds", "7", "-seconds", "1.5"}, 7, 1500 * time.Millisecond, false, []string{"P2", "P9"}},
		"longer":     {[]string{"-seconds", "10"}, 5, 10 * time.Second, true, []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"}},
		"in process": {[]string{"-inprocess", "-only", "P1,P8", "-cpuprofile", "x"}, 5, 3 * time.Second, false, []string{"P1"}},
	} {
		o, err := parse(test.args)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var wanted []string
		for _, tr := range trial.All() {
			if o.wants(tr) {
				wanted = append(wanted, tr.Target)
			}
		}
		if o.rounds != test.rounds || o.round != test.round || o.whole() != test.whole || !slices.Equal(wanted, test.wanted) {
			t.Errorf("%s: got %+v, whole %t, wanted %v", name, o, o.whole(), wanted)
		}
	}
	for _, args := range [][]string{
		{"-only", "P10"}, {"-rounds", "-1"}, {"-seconds", "-1"}, {"-cpuprofile", "x"}, {"extra"},
	} {
		if o, err := parse(args); err == nil {
			t.Errorf("%v: got %+v", args, o)
		}
	}
}
