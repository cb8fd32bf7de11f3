package format

// imeiBody is the length of what identifies a device: eight digits of type
// allocation code and six of serial number (3GPP TS 23.003, 6.2).
const imeiBody = 14

// normaliseIMEI gives the 15 digits of an IMEI, also for an IMEISV: its last two
// digits say which software version the device runs, so that the same device
// would not be found again after an update. The check digit is computed then,
// as 3GPP TS 23.003 annex B says, over the 14 digits that both share.
func normaliseIMEI(s string) string {
	s = without(s, func(r rune) bool { return isSpace(r) || isHyphen(r) || r == '/' || r == '.' })
	if len(s) == imeiBody+2 && allDigits(s) {
		return s[:imeiBody] + string(luhnDigit(s[:imeiBody]))
	}
	return s
}

func checkIMEI(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("imei.digits", "an IMEI consists of digits")
	case len(s) != imeiBody+1:
		return problem("imei.length", "an IMEI has 15 digits, or 16 with the software version")
	case !luhnValid(s):
		return problem("imei.luhn", "the last digit does not match the rest of the IMEI")
	}
	return nil
}
