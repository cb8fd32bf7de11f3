package format

// checkIBAN checks country, length, structure and check digits, in this order,
// so that the problem names what to look at first.
//
// ISO 13616-1 forms the check digits by ISO/IEC 7064 MOD 97-10: they find every
// single wrong character and nearly every transposition.
func checkIBAN(s string) *Problem {
	if !allUpperOrDigits(s) {
		return problem("iban.characters", "an IBAN consists of the letters A to Z and digits")
	}
	if len(s) < 2 {
		return ibanCountry()
	}
	bban := bbanStructure(s[:2])
	if bban == "" {
		return ibanCountry()
	}
	switch length, fits := matchStructure(bban, s[min(4, len(s)):]); {
	case len(s) != 4+length:
		return problem("iban.length", "the IBANs of this country have another length")
	case !fits || !allDigits(s[2:4]):
		return problem("iban.structure", "a letter stands where this country's IBANs have a digit, or the other way round")
	}
	// 00, 01 and 99 leave the right remainder for some accounts, but the rule that
	// computes check digits gives only 02 to 98.
	if check := s[2:4]; check < "02" || check > "98" || mod97(s[4:]+s[:4]) != 1 {
		return problem("iban.checksum", "the check digits do not match the rest of the IBAN")
	}
	return nil
}

func ibanCountry() *Problem {
	return problem("iban.country", "an IBAN begins with the letters of a country that has IBANs")
}

// matchStructure compares s with a structure such as "4a6n8c", which says how
// many characters of which kind follow one another: n digits, a letters, c
// either. It gives the structure's whole length and whether s fits.
func matchStructure(structure, s string) (length int, fits bool) {
	fits = true
	for count, i := 0, 0; i < len(structure); i++ {
		kind := structure[i]
		if isDigit(kind) {
			count = 10*count + int(kind-'0')
			continue
		}
		for ; count > 0; count-- {
			fits = fits && length < len(s) && ofKind(kind, s[length])
			length++
		}
	}
	return length, fits && length == len(s)
}

func ofKind(kind, c byte) bool {
	switch kind {
	case 'n':
		return isDigit(c)
	case 'a':
		return isUpper(c)
	default:
		return isDigit(c) || isUpper(c)
	}
}

// mod97 is the remainder by 97 of s read as a number in which A is 10 and Z is 35.
func mod97(s string) int {
	rest := 0
	for i := range len(s) {
		if c := s[i]; isDigit(c) {
			rest = (10*rest + int(c-'0')) % 97
		} else {
			rest = (100*rest + int(c-'A') + 10) % 97
		}
	}
	return rest
}
