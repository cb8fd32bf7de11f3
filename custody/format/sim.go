package format

import "strings"

// normaliseICCID also drops the filler "F" with which a SIM card's memory pads
// a number of 19 digits to ten bytes (3GPP TS 31.102, EF ICCID), and which
// reading tools show.
func normaliseICCID(s string) string {
	s = compactUpper(s)
	if len(s) == 20 && allDigits(s[:19]) {
		s = strings.TrimSuffix(s, "F")
	}
	return s
}

// checkICCID checks a SIM card's number. ITU-T E.118 allows 19 digits, the last
// of them a Luhn check digit over the 18 before; many operators print 20, 19 and
// a check digit. Both lengths count the check digit, and a number without it is
// refused: 19 digits cannot be told from 20 that lost their last one otherwise.
// Every one begins with 89, the industry identifier of telecommunications.
func checkICCID(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("iccid.digits", "a SIM card number consists of digits")
	case len(s) != 19 && len(s) != 20:
		return problem("iccid.length", "a SIM card number has 19 or 20 digits")
	case !strings.HasPrefix(s, "89"):
		return problem("iccid.prefix", "a SIM card number begins with 89")
	case !luhnValid(s):
		return problem("iccid.luhn", "the last digit does not match the rest of the SIM card number")
	}
	return nil
}

// checkPIN checks a SIM card's PIN or PIN2 (3GPP TS 31.101: 4 to 8 digits).
func checkPIN(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("pin.digits", "a PIN consists of digits")
	case len(s) < 4 || len(s) > 8:
		return problem("pin.length", "a PIN has 4 to 8 digits")
	}
	return nil
}

// checkPUK checks a SIM card's PUK or PUK2 (3GPP TS 31.101: 8 digits).
func checkPUK(s string) *Problem {
	switch {
	case !allDigits(s):
		return problem("puk.digits", "a PUK consists of digits")
	case len(s) != 8:
		return problem("puk.length", "a PUK has 8 digits")
	}
	return nil
}
