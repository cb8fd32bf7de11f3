package format

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Tidy is s as it is kept for display: what was typed, in Unicode
// normalisation form C, without white space around it.
func Tidy(s string) string {
	return strings.TrimSpace(norm.NFC.String(valid(s)))
}

// valid is s with U+FFFD for what is not UTF-8, which the functions here would
// otherwise each treat in a way of their own.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// line is Tidy with every run of spaces, of whatever width, as one space.
func line(s string) string {
	s = norm.NFC.String(s)
	return strings.Join(strings.FieldsFunc(s, isSpace), " ")
}

// compact is s without spaces and hyphens: the grouping that people add to
// numbers to read them.
func compact(s string) string {
	return without(s, func(r rune) bool { return isSpace(r) || isHyphen(r) })
}

// without is s without the characters that drop tells, and without the white
// space that then stands at an end.
func without(s string, drop func(rune) bool) string {
	s = strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// compactUpper is compact in upper case.
func compactUpper(s string) string { return upper(compact(s)) }

// upper raises ASCII letters only: the values that use it are ASCII, and what
// is not stays as it is, to be refused.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// isSpace tells the spaces that separate characters on a line, with the
// no-break and narrow ones that copying from a document brings along. Tabs and
// line breaks are none of them.
func isSpace(r rune) bool { return r == ' ' || r > 0x7f && unicode.Is(unicode.Zs, r) }

// isHyphen tells the hyphen and what typesetting makes of it.
func isHyphen(r rune) bool {
	switch r {
	case '-', '\u2010', '\u2011', '\u2012', '\u2013', '\u2212':
		return true
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// allDigits tells whether s is one or more ASCII digits.
func allDigits(s string) bool { return every(s, isDigit) }

// allUpperOrDigits tells whether s is one or more of A to Z and 0 to 9.
func allUpperOrDigits(s string) bool {
	return every(s, func(c byte) bool { return isDigit(c) || isUpper(c) })
}

func every(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return s != ""
}
