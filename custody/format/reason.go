package format

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How many digits a reason may hold, without a letter between them and
// altogether: a paragraph and a short file number, but no date of birth, account,
// card or telephone number, in whatever groups.
const (
	mostInARow = 5
	mostDigits = 7
)

// checkReason accepts a short sentence that will be kept when the customer's
// data is gone, and so must not name anyone: no e-mail address and no more
// than a few digits.
func checkReason(s string) *Problem {
	if n := utf8.RuneCountInString(s); n < 1 || n > 200 {
		return problem("reason.length", "a reason has 1 to 200 characters")
	}
	if strings.Contains(s, "@") {
		return reasonPersonal()
	}
	row, all := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			row, all = row+1, all+1
		case unicode.IsLetter(r):
			row = 0
		}
		if row > mostInARow || all > mostDigits {
			return reasonPersonal()
		}
	}
	return nil
}

func reasonPersonal() *Problem {
	return problem("reason.personal", "a reason is kept for ever and must not hold an e-mail address or more than a few digits")
}
