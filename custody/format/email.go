package format

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normaliseEmail compares addresses in lower case. RFC 5321 lets a server tell
// case apart in the part before the @, but none does that customers use. Mail is
// sent to the spelling that was typed.
func normaliseEmail(s string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(s)))
}

// checkEmail accepts addresses that RFC 5322 reads without quotes, comments or a
// display name, in the lengths of RFC 5321, also in other scripts (RFC 6531), at
// a domain that could stand in the public name system.
func checkEmail(s string) *Problem {
	if len(s) < 1 || len(s) > 254 {
		return problem("email.length", "an e-mail address has at most 254 bytes")
	}
	at := strings.LastIndexByte(s, '@')
	parsed, err := mail.ParseAddress(s)
	if err != nil || at < 1 || at > 64 || parsed.Name != "" || parsed.Address != s || strings.ContainsAny(s, "\"<>() ") {
		return problem("email.format", "an e-mail address has the form name@example.org")
	}
	if !isDomain(s[at+1:]) {
		return problem("email.domain", "the part after the @ is a domain name such as example.org")
	}
	return nil
}

// isDomain tells whether s is two or more labels of letters, digits and inner
// hyphens, the last not a number (so that no IP address is one).
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
				return false
			}
		}
	}
	return len(labels) > 1 && !allDigits(labels[len(labels)-1])
}
