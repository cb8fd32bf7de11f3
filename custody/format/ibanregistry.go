package format

// bbanStructure is the structure of what follows the check digits in an IBAN
// with this country code, or "" for a country that has no IBANs: see
// [matchStructure] for the notation.
//
// The facts are those of the IBAN registry that SWIFT keeps for ISO 13616,
// release 102 of June 2026, 89 codes. Neighbouring fields of one kind are joined,
// because only lengths and kinds are checked. Territories that use another
// country's code (the French overseas departments, the Channel Islands) have
// none of their own there, and countries that only announced IBANs are absent.
func bbanStructure(country string) string {
	switch country {
	case "NO":
		return "11n"
	case "BE":
		return "12n"
	case "DK", "FI", "FO", "GL", "SD":
		return "14n"
	case "FK":
		return "2a12n"
	case "NL":
		return "4a10n"
	case "MK":
		return "3n10c2n"
	case "SI":
		return "15n"
	case "AT", "BA", "EE", "LT", "MN", "XK":
		return "16n"
	case "KZ", "LU":
		return "3n13c"
	case "CH", "LI":
		return "5n12c"
	case "HR":
		return "17n"
	case "LV":
		return "4a13c"
	case "CR", "DE", "ME", "RS", "VA":
		return "18n"
	case "BG":
		return "4a6n8c"
	case "BH":
		return "4a14c"
	case "GB", "IE":
		return "4a14n"
	case "GE":
		return "2a16n"
	case "AE", "IL", "SO", "TL":
		return "19n"
	case "GI":
		return "4a15c"
	case "IQ":
		return "4a15n"
	case "OM":
		return "3n16c"
	case "AD":
		return "8n12c"
	case "CZ", "ES", "SE", "SK", "TN":
		return "20n"
	case "MD":
		return "20c"
	case "PK", "RO":
		return "4a16c"
	case "SA":
		return "2n18c"
	case "VG":
		return "4a16n"
	case "LY", "PT", "ST":
		return "21n"
	case "IS":
		return "22n"
	case "TR":
		return "6n16c"
	case "BI", "DJ", "MR":
		return "23n"
	case "FR", "MC":
		return "10n11c2n"
	case "GR":
		return "7n16c"
	case "IT", "SM":
		return "1a10n12c"
	case "AL", "CY":
		return "8n16c"
	case "AZ":
		return "4a20c"
	case "BY":
		return "4c4n16c"
	case "DO":
		return "4c20n"
	case "GT":
		return "24c"
	case "HN", "NI", "SV":
		return "4a20n"
	case "HU", "PL":
		return "24n"
	case "LB":
		return "4n20c"
	case "BR":
		return "23n1a1c"
	case "EG":
		return "25n"
	case "PS", "QA":
		return "4a21c"
	case "UA":
		return "6n19c"
	case "JO", "YE":
		return "4a4n18c"
	case "KW":
		return "4a22c"
	case "MU":
		return "4a19n3a"
	case "MT":
		return "4a5n18c"
	case "SC":
		return "4a20n3a"
	case "LC":
		return "4a24c"
	case "RU":
		return "14n15c"
	}
	return ""
}
