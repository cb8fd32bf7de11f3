package retention

import (
	"encoding"
	"testing"

	"pgregory.net/rapid"
)

var (
	_ encoding.TextMarshaler   = Period{}
	_ encoding.TextUnmarshaler = (*Period)(nil)
)

// drawPeriod draws a period that is allowed.
func drawPeriod(t *rapid.T) Period {
	return rapid.Custom(func(t *rapid.T) Period {
		return Period{
			Years:  rapid.IntRange(0, 40).Draw(t, "years"),
			Months: rapid.IntRange(0, 120).Draw(t, "months"),
			Days:   rapid.IntRange(0, 9000).Draw(t, "days"),
		}
	}).Draw(t, "period")
}

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]struct {
		period    Period
		canonical string
	}{
		"P0D":     {Period{}, "P0D"},
		"P0Y":     {Period{}, "P0D"},
		"P0W":     {Period{}, "P0D"},
		"P3Y":     {Period{Years: 3}, "P3Y"},
		"P6M":     {Period{Months: 6}, "P6M"},
		"P18M":    {Period{Months: 18}, "P18M"},
		"P1Y6M":   {Period{Years: 1, Months: 6}, "P1Y6M"},
		"P1Y0M2D": {Period{Years: 1, Days: 2}, "P1Y2D"},
		"P2W":     {Period{Days: 14}, "P14D"},
		"P03Y":    {Period{Years: 3}, "P3Y"},
		"P100Y":   {Period{Years: 100}, "P100Y"},
		"P1200M":  {Period{Months: 1200}, "P1200M"},
		"P36525D": {Period{Days: 36525}, "P36525D"},
		"P5217W":  {Period{Days: 36519}, "P36519D"},
	} {
		got, err := ParsePeriod(s)
		if err != nil || got != want.period || got.String() != want.canonical || got.IsZero() != (want.canonical == "P0D") {
			t.Errorf("%s: got %+v, %s, %v", s, got, got, err)
		}
	}
	for _, s := range notPeriods {
		if p, err := ParsePeriod(s); err == nil || !p.IsZero() || err.Error() != errPeriod.Error() {
			t.Errorf("%q: got %v, %v", s, p, err)
		}
	}
}

var notPeriods = []string{
	"", "P", "3Y", "p3y", "PY", "P3", "P3Y ", " P3Y", "P3Y\n", "P1M1Y", "P1D1M", "P1Y1Y", "-P3Y", "P-3Y", "P+3Y", "P0.5Y", "P1,5M",
	"PT1H", "P1DT1H", "P1Y2W", "P1W1D", "P٣Y", "P101Y", "P1201M", "P36526D", "P5218W", "P100Y1D", "P99Y13M", "P50Y18263D", "P100000D",
	"P99999999999999999999Y", "P3Y6M4DT12H30M5S", "3 years", "P0001-06-00",
}

func TestPeriodText(t *testing.T) {
	t.Parallel()
	kept := Period{Years: 3}
	if err := kept.UnmarshalText([]byte("soon")); err == nil || kept != (Period{Years: 3}) {
		t.Errorf("got %v, %v", kept, err)
	}
	for _, p := range []Period{{Years: -1}, {Months: -1}, {Days: -1}, {Years: 101}, {Years: 99, Months: 12, Days: 1}, {Years: 1 << 62, Months: 1 << 62, Days: 1 << 62}} {
		if text, err := p.MarshalText(); err == nil {
			t.Errorf("%+v became %s", p, text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPeriod(t)
		text, err := p.MarshalText()
		var again Period
		if err != nil || again.UnmarshalText(text) != nil || again != p || string(text) != p.String() {
			t.Fatalf("%+v became %s, and that %+v (%v)", p, text, again, err)
		}
	})
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range notPeriods {
		f.Add(s)
	}
	for _, s := range []string{"P0D", "P3Y", "P6M", "P1Y6M", "P2W", "P1Y2M3D", "P100Y", "P1200M", "P36525D", "P03Y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeriod(s)
		if err != nil {
			if !p.IsZero() || err.Error() != errPeriod.Error() {
				t.Fatalf("%q: got %v, %v", s, p, err)
			}
			return
		}
		if again, err := ParsePeriod(p.String()); err != nil || again != p {
			t.Fatalf("%q is %s, and that %s (%v)", s, p, again, err)
		}
		if start := Day("2000-01-01"); start.Add(p) < start || start.Add(p) > "2100-01-01" {
			t.Fatalf("%q takes from %s to %s", s, start, start.Add(p))
		}
	})
}
