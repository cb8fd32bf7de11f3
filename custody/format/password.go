package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalisePhonePassword keeps of a telephone password what can be heard:
// letters, digits and their marks, in lower case, "ß" as "ss". An agent who
// hears "Blaue-Donau 7" may type "blaue donau 7". The hash of a password is
// made of this spelling, so changing it locks customers out.
func normalisePhonePassword(s string) string {
	s = without(norm.NFC.String(s), func(r rune) bool {
		return isSpace(r) || unicode.IsPunct(r) && r != maskRune
	})
	return norm.NFC.String(strings.ReplaceAll(strings.ToLower(s), "ß", "ss"))
}

func checkPhonePassword(s string) *Problem {
	if n := utf8.RuneCountInString(s); n < 4 || n > 64 {
		return problem("phone-password.length", "a telephone password has 4 to 64 letters and digits")
	}
	return nil
}
