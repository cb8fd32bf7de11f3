package format

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// oneForEachRule breaks every rule of the package once.
var oneForEachRule = []struct {
	format Format
	value  string
}{
	{"", "x"}, {Text, "•"}, {Text, "\xff"}, {Text, "\x00"}, {Text, "\u202e"}, {Text, "a" + strings.Repeat("\u0301", 9)},
	{IBAN, "!"}, {IBAN, "US00"}, {IBAN, "DE00"}, {IBAN, "DE8937040044053201300X"}, {IBAN, "DE00370400440532013000"},
	{BIC, "!"}, {BIC, "DEUTDEF"}, {BIC, "DEUTZZFF"}, {PAN, "x"}, {PAN, "4"}, {PAN, "4111111111111112"},
	{CardExpiry, "x"}, {CardExpiry, "1999-01"}, {CardVerificationCode, "x"}, {CardVerificationCode, "1"},
	{ICCID, "x"}, {ICCID, "8"}, {ICCID, "1111111111111111111"}, {ICCID, "8949222074451242067"},
	{IMEI, "x"}, {IMEI, "1"}, {IMEI, "111111111111111"}, {MSISDN, "x"}, {MSISDN, "1"}, {MSISDN, "+0"}, {MSISDN, "+491"},
	{PIN, "x"}, {PIN, "1"}, {PUK, "x"}, {PUK, "1"}, {PhonePassword, "x"}, {Date, "x"}, {Date, "2023-02-29"}, {Date, "1000-01-01"},
	{PostalCode, "!"}, {PostalCode, "1"}, {Country, "x"}, {Name, ""}, {Name, "1"}, {Name, "<"}, {Text, ""},
	{Email, ""}, {Email, "x"}, {Email, "a@b"}, {Serial, "!"}, {Serial, ""}, {FrameNumber, "!"}, {FrameNumber, ""},
	{Sticker, "!"}, {Sticker, ""}, {DocumentNumber, "!"}, {DocumentNumber, ""}, {Amount, "x"}, {Amount, "1000000000000"},
	{Currency, "x"}, {Filename, ""}, {Filename, "/"}, {Filename, "."}, {Login, ""}, {Login, "a b"}, {Reason, ""}, {Reason, "@"},
}

// everyProblem is one problem for each rule, by rule.
func everyProblem() map[string]Problem {
	all := map[string]Problem{}
	for _, c := range oneForEachRule {
		if p := c.format.Check(c.value); p != nil {
			all[p.Rule] = *p
		}
	}
	for _, p := range []*Problem{
		CheckPostalCode("DE", "123"),
		CheckDocumentNumber(Passport, "DE", "AAAAAAAAA"),
		CheckDocumentNumber(Passport, "DE", "111"),
		CheckDocumentNumber(Passport, "DE", "C01X00T479"),
	} {
		all[p.Rule] = *p
	}
	return all
}

// Each of the samples breaks a rule of its own, so that none is there in vain.
func TestEveryProblem(t *testing.T) {
	t.Parallel()
	if got, want := len(everyProblem()), len(oneForEachRule)+4; got != want {
		t.Errorf("%d rules broken by %d samples: %v", got, want, slices.Sorted(maps.Keys(everyProblem())))
	}
}

// FuzzCheck holds of every format and string: nothing panics, normalising is
// idempotent, and a problem is word for word one of those that another value gave,
// so that it can't repeat this one.
func FuzzCheck(f *testing.F) {
	for _, c := range oneForEachRule {
		f.Add(c.value)
	}
	for _, c := range ibanRegistry {
		f.Add(c.example)
	}
	for _, s := range testPANs {
		f.Add(s)
	}
	for _, s := range []string{
		"DE89 3704 0044 0532 0130 00", "05/28", "8949222074451242066F", "35-209900-176148-23", "+49 (0)171 1234567", "((0)0)0171",
		"Blaue-Donau 7", "29.2.2024", "SW1A 1AA", "علی\u200cرضا", "葛\U000e0100城", "Mu\u0308ller", "a@müller.example", "1 299,50",
		"C01X00T478D", "L01X00T471", "1-\n-", "\u0344\u0345", "İẞß", "\U00011935\U00011930", "\u1100\u1161\u11a8",
		"\xe6\xe60\u07c0{\xf6G\u037e;\xf5;",
	} {
		f.Add(s)
	}
	known := everyProblem()
	f.Fuzz(func(t *testing.T, s string) {
		accept := func(who string, p *Problem) {
			if p != nil && *p != known[p.Rule] {
				t.Fatalf("%s gives a problem of its own: %s: %s", who, p.Rule, p.Description)
			}
		}
		for _, format := range Known() {
			accept(string(format), format.Check(s))
			checkNormal(t, format, s)
			for _, m := range masks {
				m.Apply(format, s)
			}
		}
		for _, kind := range []DocumentKind{IdentityCard, Passport, OtherDocument} {
			for _, issuer := range []string{"DE", "AT"} {
				accept(string(kind), CheckDocumentNumber(kind, issuer, s))
				once := NormaliseDocumentNumber(kind, issuer, s)
				if twice := NormaliseDocumentNumber(kind, issuer, once); twice != once {
					t.Fatalf("%s: %q normalises to %q, and again to %q", kind, s, once, twice)
				}
				if CheckDocumentNumber(kind, issuer, s) == nil && CheckDocumentNumber(kind, issuer, once) != nil {
					t.Fatalf("%s: %q passes and its normal form %q does not", kind, s, once)
				}
			}
		}
		accept("postal code", CheckPostalCode("DE", s))
		accept("postal code", CheckPostalCode(s, "10115"))
	})
}
