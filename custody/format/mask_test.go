package format

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var masks = []Mask{MaskNone, MaskFirstSixLastFour, MaskLastFour, MaskAll}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mask   Mask
		format Format
		in     string
		want   string
	}{
		{MaskNone, IBAN, "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"},
		{MaskLastFour, IBAN, "DE89 3704 0044 0532 0130 00", "••••3000"},
		{MaskAll, IBAN, "DE89370400440532013000", "••••"},
		{MaskAll, Name, "E", "••••"},
		{"", Name, "Erika", "••••"},
		{"lots", Name, "Erika", "••••"},
		{MaskAll, Name, "", ""},
		{MaskNone, Name, "", ""},
		{MaskNone, "unheard-of", "x", "••••"},

		// Card numbers of every length: 19, 16, 15, 14, 13 and 12 digits.
		{MaskFirstSixLastFour, PAN, "6799990100000000019", "679999••••••0019"},
		{MaskFirstSixLastFour, PAN, "4111 1111 1111 1111", "411111••••••1111"},
		{MaskFirstSixLastFour, PAN, "378282246310005", "37828••••••0005"},
		{MaskFirstSixLastFour, PAN, "30569309025904", "3056••••••5904"},
		{MaskFirstSixLastFour, PAN, "4222222222222", "422••••••2222"},
		{MaskFirstSixLastFour, PAN, "501800000009", "50••••••0009"},
		{MaskNone, PAN, "4111111111111111", "411111••••••1111"}, // never more
		{MaskLastFour, PAN, "4111111111111111", "••••1111"},

		// Never at all.
		{MaskNone, PIN, "1234", "••••"},
		{MaskLastFour, PUK, "12345678", "••••"},
		{MaskNone, CardVerificationCode, "123", "••••"},
		{MaskNone, PhonePassword, "sonnenblume", "••••"},
		{MaskLastFour, Login, "erika-1964", "••••"},

		// Short values show less.
		{MaskLastFour, DocumentNumber, "L01X00T47", "••••T47"},
		{MaskLastFour, Serial, "ABCDEF", "••••"},
		{MaskFirstSixLastFour, Serial, "ABCDEF", "••••"},
		{MaskFirstSixLastFour, Serial, "ABCDEFG", "••••••G"},
		{MaskLastFour, Name, "王小明", "••••"},
	} {
		if got := c.mask.Apply(c.format, c.in); got != c.want {
			t.Errorf("%q.Apply(%s, %q) = %q, want %q", c.mask, c.format, c.in, got, c.want)
		}
	}
}

// Whatever the value: at least six characters stay hidden, at most six and four
// are shown, and what comes out can't be written back.
func TestMaskProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(Known()).Draw(t, "format")
		m := rapid.SampledFrom(masks).Draw(t, "mask")
		s := strings.ReplaceAll(drawValue(t), string(maskRune), "x")
		masked := m.Apply(f, s)
		r, _ := f.rules()
		if s == "" || m == MaskNone && r.floor == MaskNone {
			if masked != s {
				t.Fatalf("%s shows %q of %q", m, masked, s)
			}
			return
		}
		normal := []rune(f.Normalise(s))
		head, tail, found := strings.Cut(masked, fill)
		tail = strings.TrimPrefix(tail, strings.TrimPrefix(fillPAN, fill))
		first, last := utf8.RuneCountInString(head), utf8.RuneCountInString(tail)
		if !found || first > 6 || last > 4 || first+last > max(0, len(normal)-leastHid) {
			t.Fatalf("%s shows %q of %q", m, masked, s)
		}
		if m == MaskAll && masked != fill || m == MaskLastFour && first > 0 {
			t.Fatalf("%s shows %q", m, masked)
		}
		if first > 0 && !strings.HasPrefix(string(normal), head) || !strings.HasSuffix(string(normal), tail) {
			t.Fatalf("%s shows %q, which is not of %q", m, masked, s)
		}
		for _, g := range Known() {
			if got := ruleOf(g.Check(masked)); got == "" {
				t.Fatalf("%s takes the masked value %q", g, masked)
			}
		}
	})
}

// For card numbers, by the digits themselves (PCI DSS 3.4.1).
func TestMaskPAN(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{11,18}`).Draw(t, "body")
		pan := body + string(luhnDigit(body))
		m := rapid.SampledFrom(slices.Concat(masks, []Mask{"", "x"})).Draw(t, "mask")
		masked := m.Apply(PAN, pan)
		shown := len(strings.ReplaceAll(masked, string(maskRune), ""))
		if shown > 10 || len(pan)-shown < 6 {
			t.Fatalf("%s shows %d of %d digits", m, shown, len(pan))
		}
	})
}
