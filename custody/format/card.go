package format

import "strings"

// checkPAN checks a payment card's number by ISO/IEC 7812-1. Which scheme a
// number belongs to is not looked at: the ranges change every month.
func checkPAN(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("pan.digits", "a card number consists of digits")
	case len(s) < 12 || len(s) > 19:
		return problem("pan.length", "a card number has 12 to 19 digits")
	case !luhnValid(s):
		return problem("pan.luhn", "the last digit does not match the rest of the card number")
	}
	return nil
}

// checkVerificationCode checks the code printed on a card (CVC2, CVV2, CID).
func checkVerificationCode(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("card-verification-code.digits", "a card verification code consists of digits")
	case len(s) != 3 && len(s) != 4:
		return problem("card-verification-code.length", "a card verification code has 3 or 4 digits")
	}
	return nil
}

// normaliseExpiry turns the notations of cards, "05/28", "5/2028" and the same
// with a point or a hyphen, into "2028-05". Two digits are a year of this century.
func normaliseExpiry(s string) string {
	s = without(s, isSpace)
	i := strings.IndexAny(s, "/.-")
	if i < 0 {
		return s
	}
	month, year := s[:i], s[i+1:]
	if len(month) == 1 {
		month = "0" + month
	}
	if len(year) == 2 {
		year = "20" + year
	}
	if !isMonth(month) || len(year) != 4 || !allDigits(year) {
		return s
	}
	return year + "-" + month
}

func checkExpiry(s string) *Problem {
	if len(s) != len("2028-05") || s[4] != '-' || !allDigits(s[:4]) || !isMonth(s[5:]) {
		return problem("card-expiry.format", "a card's expiry is a year and a month, YYYY-MM or MM/YY")
	}
	if s < "2000" || s > "2100" {
		return problem("card-expiry.range", "a card's expiry lies in the years 2000 to 2099")
	}
	return nil
}

func isMonth(s string) bool {
	return len(s) == 2 && allDigits(s) && "01" <= s && s <= "12"
}
