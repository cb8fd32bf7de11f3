package format

// checkBIC checks a business identifier code by ISO 9362:2022: four characters
// for the business party, two letters for the country, two characters for the
// place and, optionally, three for a branch. There is no check digit.
func checkBIC(s string) *Problem {
	switch {
	case !allUpperOrDigits(s):
		return problem("bic.characters", "a BIC consists of the letters A to Z and digits")
	case len(s) != 8 && len(s) != 11:
		return problem("bic.length", "a BIC has 8 or 11 characters")
	case !isCountry(s[4:6]):
		return problem("bic.country", "the fifth and sixth characters of a BIC are a country's letters")
	}
	return nil
}
