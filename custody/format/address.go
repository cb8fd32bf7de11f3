package format

// normalisePostalCode keeps the hyphens and single spaces of foreign codes,
// which belong to them, and raises letters.
func normalisePostalCode(s string) string { return upper(line(s)) }

// checkPostalCode checks what holds in every country.
func checkPostalCode(s string) *Problem {
	if !every(s, func(c byte) bool { return isDigit(c) || isUpper(c) || c == ' ' || c == '-' }) {
		return problem("postal-code.characters", "a postal code consists of letters A to Z, digits, spaces and hyphens")
	}
	if len(s) < 2 || len(s) > 12 {
		return problem("postal-code.length", "a postal code has 2 to 12 characters")
	}
	return nil
}

// CheckPostalCode checks a postal code of the country (two letters of ISO
// 3166-1). German ones have five digits, of which the first two are never 00;
// all others keep the rules of [PostalCode]. An empty or unknown country is the
// problem of the country's own check, not of this one.
func CheckPostalCode(country, code string) *Problem {
	if p := PostalCode.Check(code); p != nil {
		return p
	}
	code = PostalCode.Normalise(code)
	if Country.Normalise(country) == "DE" && (len(code) != 5 || !allDigits(code) || code[:2] == "00") {
		return problem("postal-code.german", "a German postal code has five digits and does not begin with 00")
	}
	return nil
}

func checkCountry(s string) *Problem {
	if !isCountry(s) {
		return problem("country.unknown", "a country is given by its two letters of ISO 3166-1")
	}
	return nil
}

// isCountry tells whether s is one of the 249 codes that ISO 3166-1 assigns, or
// XK for Kosovo, which ISO leaves to its users and the EU, the IBAN registry and
// SWIFT use. Withdrawn and reserved codes (DD, AN, UK, EU) are none.
func isCountry(s string) bool { return len(s) == 2 && inList(countries, s) }

// countries are those codes, as of 2026. They are written down here because
// golang.org/x/text/language knows withdrawn ones and aliases as countries too.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ " +
	"BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG " +
	"EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU " +
	"ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV " +
	"LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU " +
	"NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN " +
	"SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI " +
	"VN VU WF WS XK YE YT ZA ZM ZW "
