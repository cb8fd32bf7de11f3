package format

// Mask says how much of a value may be seen.
type Mask string

// The masks. Any other one, the empty one included, is as strict as [MaskAll].
const (
	// MaskNone shows the value as it was typed.
	MaskNone Mask = "none"
	// MaskFirstSixLastFour shows at most the first six and the last four characters.
	MaskFirstSixLastFour Mask = "first-six-last-four"
	// MaskLastFour shows at most the last four characters.
	MaskLastFour Mask = "last-four"
	// MaskAll shows that there is a value, and nothing of it.
	MaskAll Mask = "all"
)

const (
	fill     = "••••"   // for what precedes the last four, or for everything
	fillPAN  = "••••••" // between the first six and the last four
	leastHid = 6
)

// Apply is s, a value of format f, as far as m lets it be seen.
//
// A partial mask shows characters of the normalised value. At least six of them
// always stay hidden, whatever m says, so that of a short value fewer are shown
// or none: of a card number of 16 to 19 digits the first six and the last four,
// as PCI DSS 3.4.1 allows at most; of 15, 14, 13 and 12 digits the first five,
// four, three and two and the last four. That is stricter than the card schemes'
// rules for truncation, which let five of 15 digits be removed. Hidden
// characters become a fixed number of bullets, so that the length is not told.
//
// Some formats are never shown more than partly, even under a laxer m: PAN at
// most by its first six and last four digits; PIN, PUK, card verification code,
// telephone password and login not at all. To hand one out, don't mask it.
// An unknown format shows nothing. An empty value stays empty.
func (m Mask) Apply(f Format, s string) string {
	if s == "" {
		return ""
	}
	r, known := f.rules()
	if !known {
		return fill
	}
	if m.strictness() < r.floor.strictness() {
		m = r.floor
	}
	if m == MaskNone {
		return s
	}
	chars := []rune(f.Normalise(s))
	shown := max(0, len(chars)-leastHid)
	last := min(4, shown)
	tail := string(chars[len(chars)-last:])
	switch m {
	case MaskLastFour:
		return fill + tail
	case MaskFirstSixLastFour:
		if shown > 0 {
			return string(chars[:min(6, shown-last)]) + fillPAN + tail
		}
	}
	return fill
}

// strictness orders the masks from the most open one.
func (m Mask) strictness() int {
	switch m {
	case MaskNone:
		return 0
	case MaskFirstSixLastFour:
		return 1
	case MaskLastFour:
		return 2
	}
	return 3
}
