package format

import "strings"

// DocumentKind is what sort of document a number belongs to.
type DocumentKind string

// The kinds of documents that customers register.
const (
	IdentityCard    DocumentKind = "identity-card"
	Passport        DocumentKind = "passport"
	DrivingLicence  DocumentKind = "driving-licence"
	InsurancePolicy DocumentKind = "insurance-policy"
	OtherDocument   DocumentKind = "other"
)

// germanAlphabet is what the numbers of German identity cards and passports are
// made of: no vowels, and no letters that are taken for another one or for a digit.
const germanAlphabet = "0123456789CFGHJKLMNPRTVWXYZ"

// germanSerial is the length of those numbers without their check digit.
const germanSerial = 9

// NormaliseDocumentNumber is the spelling of a document's number that look-ups
// compare, for a document of this kind from this issuer (a country's two
// letters, or empty where it is no state).
//
// From the numbers of German identity cards and passports it also drops what the
// machine-readable zone adds to the nine characters printed above: the check
// digit, if it is right, and the nationality D. A card is so found by either.
func NormaliseDocumentNumber(kind DocumentKind, issuer, s string) string {
	s = DocumentNumber.Normalise(s)
	if !german(kind, issuer) {
		return s
	}
	if rest, cut := strings.CutSuffix(s, "D"); cut && germanLength(rest) && inGermanAlphabet(rest) {
		s = rest
	}
	if len(s) == germanSerial+1 && inGermanAlphabet(s) && s[germanSerial] == icaoDigit(s[:germanSerial]) {
		s = s[:germanSerial]
	}
	return s
}

// CheckDocumentNumber checks a document's number, typed or normalised, for a
// document of this kind from this issuer (a country's two letters, or empty
// where it is no state).
//
// Numbers of German identity cards and passports have nine characters of their
// own alphabet, and their check digit (ICAO Doc 9303-3, 4.9: weights 7, 3, 1) must
// match where it is given; provisional identity cards have a letter and seven
// digits. All others keep the rules of [DocumentNumber].
func CheckDocumentNumber(kind DocumentKind, issuer, s string) *Problem {
	if p := DocumentNumber.Check(s); p != nil || !german(kind, issuer) {
		return p
	}
	s = NormaliseDocumentNumber(kind, issuer, s)
	if kind == IdentityCard && len(s) == 8 && isUpper(s[0]) && allDigits(s[1:]) {
		return nil
	}
	switch {
	case !inGermanAlphabet(s):
		return problem("document-number.alphabet", "the number of a German identity card or passport holds digits and the letters "+
			"C F G H J K L M N P R T V W X Y Z; what looks like an O is a zero")
	case !germanLength(s):
		return problem("document-number.german-length", "the number of a German identity card or passport has 9 characters, or 10 with its check digit")
	case len(s) == germanSerial+1: // normalisation drops a check digit that is right
		return problem("document-number.checksum", "the check digit does not match the rest of the document number")
	}
	return nil
}

func german(kind DocumentKind, issuer string) bool {
	return (kind == IdentityCard || kind == Passport) && Country.Normalise(issuer) == "DE"
}

func germanLength(s string) bool { return len(s) == germanSerial || len(s) == germanSerial+1 }

func inGermanAlphabet(s string) bool {
	return every(s, func(c byte) bool { return strings.IndexByte(germanAlphabet, c) >= 0 })
}

// icaoDigit is the check digit of s by ICAO Doc 9303-3, 4.9: the sum of the
// characters' values (A is 10, Z is 35, the filler < is 0), weighted 7, 3, 1 and
// again, by its last digit. It finds every wrong digit; a letter taken for one ten
// or twenty places further on it can't find.
func icaoDigit(s string) byte {
	sum := 0
	for i := range len(s) {
		value := 0
		switch c := s[i]; {
		case isDigit(c):
			value = int(c - '0')
		case isUpper(c):
			value = int(c-'A') + 10
		}
		sum += value * [...]int{7, 3, 1}[i%3]
	}
	return byte('0' + sum%10)
}
