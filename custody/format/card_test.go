package format

import (
	"testing"

	"pgregory.net/rapid"
)

// testPANs are numbers that card schemes and processors publish for testing.
var testPANs = []string{
	"4111111111111111", "4000000000000002", "4917300800000000", "4222222222222", // Visa, also of 13 digits
	"5555555555554444", "5105105105105100", "2223003122003222", // Mastercard, also of the 2 series
	"378282246310005", "371449635398431", // American Express, 15 digits
	"6011111111111117", "6011000990139424", // Discover
	"30569309025904", "38520000023237", "36227206271667", // Diners Club, 14 digits
	"3530111333300000", "3566002020360505", // JCB
	"6759649826438453", "501800000009", "6799990100000000019", // Maestro, also of 12 and 19 digits
	"6200000000000005", "6205500000000000004", // UnionPay, also of 19 digits
	"5019717010103742",                     // Dankort
	"6362970000457013", "6062826786276634", // Elo, Hipercard
	"9792030394440796", "2200000000000004", // Troy, Mir
	"135410014004955", // UATP, 15 digits
}

func TestPAN(t *testing.T) {
	t.Parallel()
	checkExamples(t, PAN, same(testPANs...),
		[]example{
			good("4111 1111 1111 1111", "4111111111111111"),
			good("4111-1111-1111-1111", "4111111111111111"),
			good("3782 822463 10005", "378282246310005"),
		},
		broken("pan.luhn", "4111111111111112", "4242424242424241", "5555555555554445", "378282246310006",
			"4111111111111", "79927398713710"),
		broken("pan.length", "79927398713", "41111111111", "41111111111111111111"),
		broken("pan.digits", "", "4111x1111y1111z", "４111111111111111", "4111/1111/1111/1111"))
}

// ISO/IEC 7812-1 and the textbooks' number.
func TestLuhn(t *testing.T) {
	t.Parallel()
	if !luhnValid("79927398713") {
		t.Error("79927398713 must pass")
	}
	for d := byte('0'); d <= '9'; d++ {
		if d != '3' && luhnValid("7992739871"+string(d)) {
			t.Errorf("7992739871%c must not pass", d)
		}
	}
	if luhnValid("") || luhnValid("0") {
		t.Error("a check digit needs digits before it")
	}
}

func TestLuhnProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{11,19}`).Draw(t, "body")
		s := body + string(luhnDigit(body))
		if !luhnValid(s) {
			t.Fatalf("%s does not pass", s)
		}
		i := rapid.IntRange(0, len(s)-1).Draw(t, "position")
		if wrong := s[:i] + string(otherDigit(t, s[i])) + s[i+1:]; luhnValid(wrong) {
			t.Fatalf("%s passes with digit %d changed: %s", s, i, wrong)
		}
		i = rapid.IntRange(0, len(s)-2).Draw(t, "transposed")
		if pair := s[i : i+2]; pair != "09" && pair != "90" && s[i] != s[i+1] {
			if luhnValid(s[:i] + string(s[i+1]) + string(s[i]) + s[i+2:]) {
				t.Fatalf("%s passes with digits %d and %d exchanged", s, i, i+1)
			}
		}
	})
}

func TestCardExpiry(t *testing.T) {
	t.Parallel()
	checkExamples(t, CardExpiry, same("2028-05", "2000-01", "2099-12"),
		[]example{
			good("05/28", "2028-05"), good("5/28", "2028-05"), good("05/2028", "2028-05"),
			good("12 / 30", "2030-12"), good("05-28", "2028-05"), good("05.2028", "2028-05"),
		},
		broken("card-expiry.format", "", "13/28", "00/28", "2028-13", "2028-5", "0528", "28/05/01", "May 28",
			"2028/05", "05/128", "2028-05-01", "05/", "/28", "0a/28"),
		broken("card-expiry.range", "1999-12", "2100-01", "05/1928"))
}

func TestCardVerificationCode(t *testing.T) {
	t.Parallel()
	checkExamples(t, CardVerificationCode, same("123", "000", "1234"),
		broken("card-verification-code.length", "12", "12345"),
		broken("card-verification-code.digits", "", "12a", "１23"))
}
