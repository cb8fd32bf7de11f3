package format

import (
	"unicode"
	"unicode/utf8"
)

// maskRune is what masked values are written with, and what no value may hold:
// a masked value that somebody read from us and sends back must not overwrite
// the real one.
const maskRune = '•'

// maxMarks is how many combining marks may follow one another. Real writing
// needs four or five; more only hides the neighbouring lines on a screen, and
// Unicode normalisation would begin to insert characters at thirty.
const maxMarks = 8

// checkCharacters refuses what must not stand in any value: broken encoding (and
// U+FFFD, which somebody else's broken encoding leaves behind),
// mask characters, control characters and line breaks, and characters that
// cannot be seen and so make two different values look the same (zero width,
// bidirectional overrides, fillers).
func checkCharacters(s string) *Problem {
	var prev rune
	marks := 0
	for _, r := range s {
		if r < utf8.RuneSelf {
			if r < ' ' || r == 0x7f {
				return control()
			}
			prev, marks = r, 0
			continue
		}
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == maskRune:
			return problem("masked", "a masked value cannot be written back; leave the field out or give the whole value")
		case r == utf8.RuneError, unicode.In(r, unicode.Co, unicode.Noncharacter_Code_Point):
			return problem("encoding", "the text must be valid UTF-8 of characters that Unicode has assigned")
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return control()
		case invisible(r) && !visibleAfter(prev, r):
			return problem("invisible", "the text must not hold invisible characters or change the writing direction")
		case marks > maxMarks:
			return problem("marks", "at most 8 combining marks may follow one another")
		}
		prev = r
	}
	return nil
}

func control() *Problem {
	return problem("control", "the text must not hold control characters or line breaks")
}

// invisible tells the characters that Unicode calls default ignorable, and the
// Braille blank, which looks like a space and is none.
func invisible(r rune) bool {
	return r == '\u2800' || unicode.In(r, unicode.Cf,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// visibleAfter tells the invisible characters that names need: joiners change
// the shape of the letter before them in Arabic (Persian), Indic and Mongolian
// writing, and variation selectors choose between forms of one Han or Mongolian
// character, which family registers in Japan distinguish.
func visibleAfter(prev, r rune) bool {
	switch {
	case r == '\u200c' || r == '\u200d' || r == '\u180e':
		return unicode.In(prev, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari,
			unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
			unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
	case unicode.Is(unicode.Variation_Selector, r):
		return unicode.In(prev, unicode.Han, unicode.Mongolian) && !unicode.Is(unicode.Variation_Selector, prev)
	}
	return false
}
