package format

import (
	"testing"

	"pgregory.net/rapid"
)

// Check digits of published specimens: ICAO Doc 9303 parts 3 to 6, and the
// German passports and identity cards of Erika Mustermann.
func TestICAODigit(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]byte{
		"520727": '3', "AB2134<<<": '5', // Doc 9303-3, 4.9, both worked examples
		"L898902C3": '6', // Doc 9303-4, the passport of Utopia
		"D23145890": '7', // Doc 9303-5, the identity card of Utopia
		"740812":    '2', // her date of birth
		"C01X00T47": '8', // passport, 2007 and 2017
		"C01X0006H": '1', // passport, 2005
		"L01X00T47": '1', // identity card, 2021
		"LZ6311T47": '5', // identity card, 2019
		"T22000129": '3', // identity card, 2010
		"122000129": '7', // identity card, 1987
		"640812":    '5',
	} {
		if got := icaoDigit(field); got != want {
			t.Errorf("check digit of %s is %c, want %c", field, got, want)
		}
	}
}

func TestDocumentNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       DocumentKind
		issuer, in string
		want, rule string
	}{
		{IdentityCard, "DE", "L01X00T47", "L01X00T47", ""},
		{IdentityCard, "DE", "L01X00T471", "L01X00T47", ""},
		{IdentityCard, "de", "l01x 00t4 71", "L01X00T47", ""},
		{IdentityCard, "DE", "T220001293", "T22000129", ""},
		{IdentityCard, "DE", "LZ6311T475", "LZ6311T47", ""},
		{IdentityCard, "DE", "1220001297D", "122000129", ""}, // before 2010, as printed
		{IdentityCard, "DE", "B1234567", "B1234567", ""},     // provisional
		{Passport, "DE", "C01X00T47", "C01X00T47", ""},
		{Passport, "DE", "C01X00T478", "C01X00T47", ""},
		{Passport, "DE", "C01X00T478D", "C01X00T47", ""},
		{Passport, "DE", "C01X00T47D", "C01X00T47", ""},
		{Passport, "DE", "C01X0006H1", "C01X0006H", ""},

		{IdentityCard, "DE", "L01X00T472", "", "document-number.checksum"},
		{IdentityCard, "DE", "T220001294", "", "document-number.checksum"},
		{Passport, "DE", "C01X00T479", "", "document-number.checksum"},
		{Passport, "DE", "C01X00T479D", "", "document-number.checksum"},
		{Passport, "DE", "C01X00T47C", "", "document-number.checksum"},
		{IdentityCard, "DE", "LO1X00T47", "", "document-number.alphabet"}, // O for 0
		{Passport, "DE", "C01X00A47", "", "document-number.alphabet"},
		{Passport, "DE", "C01X00T47DD", "", "document-number.alphabet"},
		{Passport, "DE", "B1234567", "", "document-number.alphabet"},
		{IdentityCard, "DE", "L01X00T", "", "document-number.german-length"},
		{IdentityCard, "DE", "L01X00T4711", "", "document-number.german-length"},
		{IdentityCard, "DE", "L0", "", "document-number.length"},
		{IdentityCard, "DE", "", "", "document-number.length"},
		{IdentityCard, "DE", "L01X00T47!", "", "document-number.characters"},

		// Others, as they are.
		{Passport, "AT", "P1234567", "P1234567", ""},
		{Passport, "UT", "L898902C3", "L898902C3", ""},
		{IdentityCard, "", "D231458907", "D231458907", ""},
		{DrivingLicence, "DE", "B072RRE2I55", "B072RRE2I55", ""},
		{InsurancePolicy, "", "KV-123.456/78", "KV12345678", ""},
		{OtherDocument, "DE", "abc 123", "ABC123", ""},
		{"", "", "L01X00T472", "L01X00T472", ""},
		{Passport, "US", "12", "", "document-number.length"},
	} {
		p := CheckDocumentNumber(c.kind, c.issuer, c.in)
		if got := ruleOf(p); got != c.rule {
			t.Errorf("CheckDocumentNumber(%s, %q, %q) broke %q, want %q", c.kind, c.issuer, c.in, got, c.rule)
		}
		if got := NormaliseDocumentNumber(c.kind, c.issuer, c.in); c.rule == "" && got != c.want {
			t.Errorf("NormaliseDocumentNumber(%s, %q, %q) = %q, want %q", c.kind, c.issuer, c.in, got, c.want)
		}
	}
}

func TestGermanDocumentProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		serial := rapid.StringOfN(rapid.SampledFrom([]rune(germanAlphabet)), germanSerial, germanSerial, -1).Draw(t, "serial")
		kind := rapid.SampledFrom([]DocumentKind{IdentityCard, Passport}).Draw(t, "kind")
		full := serial + string(icaoDigit(serial))
		for _, s := range []string{serial, full, full + "D", serial + "D"} {
			if p := CheckDocumentNumber(kind, "DE", s); p != nil {
				t.Fatalf("%s: %s", s, p.Rule)
			}
			if got := NormaliseDocumentNumber(kind, "DE", s); got != serial {
				t.Fatalf("%s normalises to %s, want %s", s, got, serial)
			}
		}
		i := rapid.IntRange(0, len(full)-1).Draw(t, "position")
		if isDigit(full[i]) {
			wrong := full[:i] + string(otherDigit(t, full[i])) + full[i+1:]
			if got := ruleOf(CheckDocumentNumber(kind, "DE", wrong)); got != "document-number.checksum" {
				t.Fatalf("%s with a wrong digit, %s, broke %q", full, wrong, got)
			}
		}
	})
}
