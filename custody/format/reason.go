package format

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestNumber is how many digits a reason may hold in a row: a year, a
// paragraph, a short file number, but no account, card or telephone number.
const longestNumber = 5

// checkReason accepts a short sentence that will be kept when the customer's
// data is gone, and so must not name anyone: no e-mail address and no long
// number, also not one in groups.
func checkReason(s string) *Problem {
	if n := utf8.RuneCountInString(s); n < 1 || n > 200 {
		return problem("reason.length", "a reason has 1 to 200 characters")
	}
	if strings.Contains(s, "@") {
		return reasonPersonal()
	}
	run := 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			run++
		case !isSpace(r) && !isHyphen(r) && r != '.' && r != '/':
			run = 0
		}
		if run > longestNumber {
			return reasonPersonal()
		}
	}
	return nil
}

func reasonPersonal() *Problem {
	return problem("reason.personal", "a reason is kept for ever and must not hold an e-mail address or a long number")
}
