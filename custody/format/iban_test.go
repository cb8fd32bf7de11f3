package format

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIBAN(t *testing.T) {
	t.Parallel()
	checkExamples(t, IBAN, []example{
		good("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
		good(" de89 3704 0044 0532 0130 00\n", "DE89370400440532013000"),
		good("de89-3704-0044-0532-0130-00", "DE89370400440532013000"),
		good("GB29\u00a0NWBK\u202f6016\u20091331\u00a09268\u00a019", "GB29NWBK60161331926819"), // copied from a document
		good("BI42 10000 10001 00003320451 81", "BI4210000100010000332045181"),                 // the registry's print format
		good("LY83 002 048 000020100120361", "LY83002048000020100120361"),
		// Published by banks and validators beside the registry's own.
		good("DE02 1203 0000 0000 2020 51", "DE02120300000000202051"),
		good("DE88 1009 0000 1234 5678 92", "DE88100900001234567892"),
		good("GB33 BUKB 2020 1555 5555 55", "GB33BUKB20201555555555"),
		good("GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
		// Invalid, as validators publish them for testing. The first two are so only
		// by British bank and account checks, which ISO 13616 leaves to the bank.
		good("GB02BARC20201530093451", "GB02BARC20201530093451"),
		good("GB68CITI18500483515538", "GB68CITI18500483515538"),
		bad("iban.checksum", "GB94BARC20201530093459"),
		bad("iban.length", "GB96BARC202015300934591"),
		bad("iban.structure", "GB12BARC20201530093A59"),
		bad("iban.structure", "GB78BARCO0201530093459"),
		bad("iban.structure", "GB2LABBY09012857201707"),
		bad("iban.checksum", "GB01BARC20714583608387"),
		bad("iban.checksum", "GB00HLFX11016111455365"),
		bad("iban.country", "US64SVBKUS6S3300958879"),
		bad("iban.checksum", "DE89370400440532013001"),
		bad("iban.checksum", "DE98370400440532013000"), // digits exchanged
		bad("iban.length", "DE8937040044053201300"),
		bad("iban.length", "DE"),
		bad("iban.length", "DE89"),
		bad("iban.country", "D"),
		bad("iban.country", "89370400440532013000"),
		bad("iban.country", "UK29NWBK60161331926819"),
		bad("iban.characters", ""),
		bad("iban.characters", "DE89_3704"),
		bad("iban.characters", "DЕ89370400440532013000"), // a Cyrillic letter
		bad("iban.characters", "DE８9370400440532013000"), // a wide digit
	})
}

// Check digits that are right by the remainder but can't be computed: each is 97
// away from a valid pair.
func TestIBANCheckDigitsOutOfRange(t *testing.T) {
	t.Parallel()
	found := 0
	for account := range 1000 {
		bban := fmt.Sprintf("3704004405320130%02d", account)
		if len(bban) != 18 {
			continue
		}
		for _, check := range []string{"00", "01", "99"} {
			if mod97(bban+"DE"+check) != 1 {
				continue
			}
			found++
			if got := ruleOf(IBAN.Check("DE" + check + bban)); got != "iban.checksum" {
				t.Errorf("check digits %s broke %q", check, got)
			}
		}
	}
	if found == 0 {
		t.Fatal("no account found whose remainder allows them")
	}
}

// MOD 97-10 finds each single wrong digit, wherever it is.
func TestIBANFindsEveryWrongDigit(t *testing.T) {
	t.Parallel()
	for _, c := range ibanRegistry {
		s := c.example
		for i := range len(s) {
			for d := byte('0'); d <= '9' && isDigit(s[i]); d++ {
				if d == s[i] {
					continue
				}
				if IBAN.Check(s[:i]+string(d)+s[i+1:]) == nil {
					t.Errorf("%s with digit %d changed to %c passes", s, i, d)
				}
			}
		}
	}
}

// Any account can be given check digits, and then passes; and with one digit
// changed it does not.
func TestIBANGenerated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(ibanRegistry).Draw(t, "country").example[:2]
		bban := drawStructure(t, bbanStructure(country))
		check := fmt.Sprintf("%02d", 98-mod97(bban+country+"00"))
		iban := country + check + bban
		if p := IBAN.Check(iban); p != nil {
			t.Fatalf("%s: %s", iban, p.Rule)
		}
		i := rapid.IntRange(2, len(iban)-1).Draw(t, "position")
		if isDigit(iban[i]) {
			wrong := otherDigit(t, iban[i])
			if IBAN.Check(iban[:i]+string(wrong)+iban[i+1:]) == nil {
				t.Fatalf("%s passes with digit %d changed to %c", iban, i, wrong)
			}
		}
	})
}

func drawStructure(t *rapid.T, structure string) string {
	alphabets := map[rune]string{'n': "0123456789", 'a': "ABCXYZ", 'c': "0123456789ABCXYZ"}
	var b strings.Builder
	for _, kind := range kinds(structure) {
		b.WriteByte(rapid.SampledFrom([]byte(alphabets[kind])).Draw(t, "character"))
	}
	return b.String()
}

func otherDigit(t *rapid.T, c byte) byte {
	return '0' + (c-'0'+byte(rapid.IntRange(1, 9).Draw(t, "step")))%10
}

func TestBIC(t *testing.T) {
	t.Parallel()
	checkExamples(t, BIC,
		same("DEUTDEFF", "DEUTDEFFXXX", "DEUTDEFF500", "COBADEFFXXX", "BELADEBEXXX", "NEDSZAJJXXX",
			"DABAIE2D", "UNCRITMM", "DSBACNBXSHA", "BYLADEM1001", "NCBVXKPR"),
		[]example{good("deut de ff", "DEUTDEFF"), good("COBADEFF XXX", "COBADEFFXXX")},
		broken("bic.length", "DEUTDEF", "DEUTDEFFX", "DEUTDEFFXX", "DEUTDEFFXXXX"),
		broken("bic.country", "DEUT00FF", "DEUTZZFF", "DEUTUKFF"),
		broken("bic.characters", "", "DEUT/DEFF", "DÉUTDEFF"))
}
