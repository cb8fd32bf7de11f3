package format

import (
	"strings"
	"testing"
)

func TestMSISDN(t *testing.T) {
	t.Parallel()
	checkExamples(t, MSISDN,
		same("+491711234567", "+4915112345678", "+4917612345678", "+493023125000", // numbers of the regulator's drama range
			"+12015550123", "+442079460958", "+33612345678", "+390612345678", "+3780549123456", "+6834000",
			"+88213300001", "+99361234567"),
		[]example{
			good("0171 1234567", "+491711234567"),
			good("0171/123 45-67", "+491711234567"),
			good("(0171) 123.45.67", "+491711234567"),
			good("(0)171 1234567", "+491711234567"),
			good("0049 171 1234567", "+491711234567"),
			good("+49 (0)171 1234567", "+491711234567"),
			good("0049 (0) 171 1234567", "+491711234567"),
			good("+49 0171 1234567", "+491711234567"),
			good("(+49) 171 1234567", "+491711234567"),
			good("+44 (0)20 7946 0958", "+442079460958"),
			good("+43 (0) 1 711 00 0", "+431711000"),
			good("+39 06 1234 5678", "+390612345678"),
			good("+39 (0)6 1234 5678", "+390612345678"), // dialled with its zero
		},
		broken("msisdn.digits", "", "+", "0171 ABCDEF", "tel:+491711234567", "+49 171 1234567 ext 5", "++491711234567"),
		broken("msisdn.prefix", "491711234567", "1711234567"),
		broken("msisdn.country", "+0491711234567", "+2101234567", "+99912345678", "00 0171 1234567", "+2"),
		broken("msisdn.length", "+49171123456", "+49171123456789", "+491511234567", "+1201555012", "+120155501234",
			"+4412345678901234", "+49123", "+4900171123456789"))
}

// No country code begins another, so that the first that fits is the right one.
func TestCallingCodes(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(callingCodes)
	for _, code := range codes {
		if !allDigits(code) || len(code) > 3 || code[0] == '0' {
			t.Errorf("%q is no country code", code)
		}
		for _, other := range codes {
			if code != other && strings.HasPrefix(other, code) {
				t.Errorf("%s begins %s", code, other)
			}
		}
		if got := callingCode(code + "123456"); got != len(code) {
			t.Errorf("callingCode(%s...) = %d", code, got)
		}
	}
}

func TestPhonePassword(t *testing.T) {
	t.Parallel()
	checkExamples(t, PhonePassword, same("sonnenblume", "1234", "чайка"),
		[]example{
			good("Blaue-Donau 7", "blauedonau7"),
			good("  Große Straße  ", "grossestrasse"),
			good("GROẞE Straße", "grossestrasse"),
			good("L'été!", "lété"),
			good("l'e\u0301te\u0301", "lété"),
		},
		broken("phone-password.length", "", "abc", "---- --", "a-b c", strings.Repeat("x", 65)))
	a, b := PhonePassword.Normalise("blaue donau 7"), PhonePassword.Normalise("Blaue-Donau 7")
	if a != b {
		t.Errorf("one password heard twice normalises to %q and %q", a, b)
	}
}
