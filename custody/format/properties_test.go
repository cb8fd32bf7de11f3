package format

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawValue draws what people and attackers type: any Unicode, any bytes, and,
// most of the time, the characters that the formats' rules look at.
func drawValue(t *rapid.T) string {
	near := rapid.SampledFrom([]rune("0123456789ABCDEFXYZabcxyzßẞäöİı+-/._:,()@<> \u00a0\u2009\u2011\t\n\u0301\u0308\u200d•É中ش"))
	return rapid.OneOf(
		rapid.StringOfN(near, 0, 24, -1),
		rapid.StringMatching(`[ 0-9+()./-]{0,24}`),
		rapid.StringMatching(`[A-Z]{2}[0-9]{2}[A-Z0-9 ]{8,30}`),
		rapid.String(),
		rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "bytes")) }),
	).Draw(t, "value")
}

func TestNormaliseIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkNormal(t, rapid.SampledFrom(Known()).Draw(t, "format"), drawValue(t)) })
}

// checkNormal holds of every string: normalising twice is normalising once, and
// what passes as it was typed passes in its normal form.
func checkNormal(t interface{ Fatalf(string, ...any) }, f Format, s string) {
	once := f.Normalise(s)
	if twice := f.Normalise(once); twice != once {
		t.Fatalf("%s: Normalise(%q) = %q, and again %q", f, s, once, twice)
	}
	if typed, normal := f.Check(s), f.Check(once); typed == nil && normal != nil {
		t.Fatalf("%s: %q passes and its normal form %q breaks %s", f, s, once, normal.Rule)
	}
	if f.Check(s) == nil && once == "" {
		t.Fatalf("%s: %q passes and is empty", f, s)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	seen := map[Format]bool{}
	for _, f := range Known() {
		r, known := f.rules()
		if !known || r.normalise == nil || r.check == nil || r.floor == "" {
			t.Errorf("%s has no rules", f)
		}
		if seen[f] {
			t.Errorf("%s is listed twice", f)
		}
		seen[f] = true
		for _, empty := range []string{"", "  ", "\t\n"} {
			if f.Check(empty) == nil {
				t.Errorf("%s takes %q", f, empty)
			}
		}
	}
	if len(seen) != 26 {
		t.Errorf("%d formats", len(seen))
	}
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{"", "unheard-of", "IBAN"} {
		if got := ruleOf(f.Check("DE89370400440532013000")); got != "format.unknown" {
			t.Errorf("%q broke %q", f, got)
		}
		if got := f.Normalise(" x  y "); got != "x  y" {
			t.Errorf("%q normalises to %q", f, got)
		}
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" DE89 3704 \n": "DE89 3704", "Mu\u0308ller": "Müller", "\u00a0x\u3000": "x", "": "", "a  b": "a  b",
	} {
		if got := Tidy(in); got != want {
			t.Errorf("Tidy(%q) = %q, want %q", in, got, want)
		}
	}
}

// A problem is an error whose text is a clause without a full stop.
func TestProblem(t *testing.T) {
	t.Parallel()
	var err error = PIN.Check("x")
	if err.Error() != "a PIN consists of digits" {
		t.Errorf("problem says %q", err)
	}
	for _, p := range everyProblem() {
		d := p.Description
		if d == "" || strings.HasSuffix(d, ".") || p.Rule == "" || strings.ToLower(p.Rule) != p.Rule {
			t.Errorf("problem %q says %q", p.Rule, d)
		}
	}
}
