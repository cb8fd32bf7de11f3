package format

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDate(t *testing.T) {
	t.Parallel()
	checkExamples(t, Date, same("2024-02-29", "2000-02-29", "1800-01-01", "2200-12-31", "1964-08-12"),
		[]example{good("29.02.2024", "2024-02-29"), good("1.3.1970", "1970-03-01"), good("12. 8. 1964", "1964-08-12")},
		broken("date.calendar", "2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00", "31.04.2024"),
		broken("date.range", "1799-12-31", "2201-01-01", "0204-02-29"),
		broken("date.format", "", "20240229", "2024-2-29", "24-02-29", "29.02.24", "02/29/2024", "2024-02-29T00:00:00Z",
			"2024–02–29x", "１964-08-12", "1.2.3.2024", "001.2.2024"))
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1800, 1, 1+rapid.IntRange(0, 146000).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		if p := Date.Check(day.Format(time.DateOnly)); p != nil {
			t.Fatalf("%v: %s", day, p.Rule)
		}
		if got := Date.Normalise(day.Format("2.1.2006")); got != day.Format(time.DateOnly) {
			t.Fatalf("%v normalises to %s", day, got)
		}
	})
}

func TestPostalCode(t *testing.T) {
	t.Parallel()
	checkExamples(t, PostalCode, same("10115", "SW1A 1AA", "1010", "00-950", "D02 AF30", "FIQQ 1ZZ", "75008"),
		[]example{good(" sw1a  1aa ", "SW1A 1AA")},
		broken("postal-code.length", "1", "1234567890123"),
		broken("postal-code.characters", "", "10115!", "１0115", "Ä123"))
	for _, c := range []struct{ country, code, rule string }{
		{"DE", "10115", ""}, {"de", " 01067 ", ""}, {"DE", "99998", ""},
		{"DE", "1011", "postal-code.german"}, {"DE", "101155", "postal-code.german"}, {"DE", "1011A", "postal-code.german"},
		{"DE", "00999", "postal-code.german"}, {"DE", "D-10115", "postal-code.german"}, {"DE", "", "postal-code.characters"},
		{"AT", "1010", ""}, {"GB", "SW1A 1AA", ""}, {"", "1010", ""}, {"ZZ", "1010", ""}, {"AT", "1010?", "postal-code.characters"},
	} {
		if got := ruleOf(CheckPostalCode(c.country, c.code)); got != c.rule {
			t.Errorf("CheckPostalCode(%q, %q) broke %q, want %q", c.country, c.code, got, c.rule)
		}
	}
}

func TestCountry(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(countries)
	if len(codes) != 250 { // ISO 3166-1 assigns 249; XK beside
		t.Errorf("%d countries", len(codes))
	}
	checkExamples(t, Country, same(codes...), []example{good(" de ", "DE")},
		broken("country.unknown", "", "D", "DEU", "ZZ", "UK", "EU", "DD", "AN", "SU", "YU", "276", "  ", "E ", "ДЕ"))
}

func TestAmountAndCurrency(t *testing.T) {
	t.Parallel()
	checkExamples(t, Amount, same("0.00", "1299.00", "0.05", "999999999999.99"),
		[]example{
			good("1299", "1299.00"), good("1299.5", "1299.50"), good("1299,50", "1299.50"), good("1 299,50", "1299.50"),
			good("007", "7.00"), good("000", "0.00"),
		},
		broken("amount.format", "", "-1", "+1", "1.234,56", "1,234.56", "1.234", "12.345", "1e3", ".5", "5.", "1'299", "EUR 5", "٥"),
		broken("amount.range", "1000000000000", "1000000000000.00"))
	codes := strings.Fields(currencies)
	if len(codes) != 157 { // 155 of list one, and two that the euro replaced
		t.Errorf("%d currencies", len(codes))
	}
	checkExamples(t, Currency, same(codes...), []example{good("eur", "EUR")},
		broken("currency.unknown", "", "EU", "EURO", "XXX", "XAU", "XTS", "DEM", "€", "E R"))
}

func TestSerialNumbers(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{Serial, FrameNumber, Sticker, DocumentNumber} {
		checkExamples(t, f, same("WBK123456A", "ABC", "123"),
			[]example{good("wbk 123-456/a", "WBK123456A"), good("WBK.123_456:A", "WBK123456A")},
			broken(string(f)+".length", "", "-", "A", strings.Repeat("A", 51)),
			broken(string(f)+".characters", "ABC#1", "ÄBC1", "ABC<script>", "АВС123"))
	}
	if p := Serial.Check("A1"); p != nil {
		t.Errorf("a serial number of two characters broke %s", p.Rule)
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	checkExamples(t, Email,
		same("erika.mustermann@example.org", "a@b.de", "first+tag@sub.example.co.uk", "o'neill@example.org", "büro@müller.example",
			"用户@例子.广告", "x@xn--mller-kva.example", "_x-y.z@example.org"),
		[]example{good(" Erika.Mustermann@Example.ORG ", "erika.mustermann@example.org")},
		broken("email.format", "x", "@example.org", "a@", "a@@example.org", "Erika <erika@example.org>", "<erika@example.org>",
			`"erika m"@example.org`, "erika m@example.org", ".a@example.org", "a..b@example.org", "a.@example.org",
			"a@example.org (Erika)", "a,b@example.org", strings.Repeat("a", 65)+"@example.org"),
		broken("email.domain", "a@localhost", "a@127.0.0.1", "a@[127.0.0.1]", "a@-x.example", "a@x-.example", "a@exa_mple.org",
			"a@"+strings.Repeat("a", 64)+".org"),
		broken("email.length", "", "a@"+strings.Repeat("a.", 130)+"org"))
}
