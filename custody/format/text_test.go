package format

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	t.Parallel()
	checkExamples(t, Name,
		same("Erika Mustermann", "Ng", "Ó", "Jean-Luc d'Arc", "Karl-Theodor Maria Nikolaus von und zu Guttenberg", "O’Neill", "O´Neill", "O`Neill",
			"Þórður Ólafsson", "Nguyễn Thị Minh Khai", "Ștefan Țepeș", "李小龍", "山田・太郎", "Ольга Иванова-Петрова",
			"محمد بن سلمان", "علی\u200cرضا", "ශ්\u200dරී", "யாழினி", "ᠴᠢᠩᠭᠢᠰ", "\u1820\u180b\u1835\u180e\u1820", "葛\U000e0100城", "נֻעָה", "ʻAulani", "ǃXóõ", "A:son", "Nicolas 3rd",
			"MUSTER/ERIKA", "Müller & Söhne (GbR)", "X Æ A-12", "Martín Rubio i Pi·l", "ß", "Dr. med. Erika M.",
			strings.Repeat("ä", 200)),
		[]example{
			good("  Erika \u00a0 Mustermann ", "Erika Mustermann"),
			good("Mu\u0308ller", "Müller"), // composed
		},
		broken("name.length", "", "   ", strings.Repeat("ä", 201)),
		broken("name.letters", "-", "123", ". .", "'"),
		broken("name.characters", "<b>Erika</b>", "Erika@example", "=cmd", "Erika 😀", "Erika; drop", "a|b", `a\b`, "100 %", "5 €", "a\"b", "™"))
}

func TestTextFilenameLogin(t *testing.T) {
	t.Parallel()
	checkExamples(t, Text, same("rot, 28\" <neu> 100 % 👍", "x", strings.Repeat("x", 1000)),
		[]example{good(" a  b ", "a b")},
		broken("text.length", "", " \n ", strings.Repeat("x", 1001)))
	checkExamples(t, Filename, same("Rechnung (1).pdf", ".hidden", "Personalausweis Vorderseite.heic", "身份证.png", "a..b"),
		broken("filename.characters", "../etc/passwd", "a/b", `a\b`, "C:x", "a*", "a?", `"a"`, "<a>", "a|b"),
		broken("filename.dots", ".", "..", "...", "a."),
		broken("filename.length", "", strings.Repeat("x", 201), strings.Repeat("語", 90)))
	checkExamples(t, Login, same("erika-1964", "MüllerX", "erika@example.org"),
		broken("login.length", "", strings.Repeat("x", 101)),
		broken("login.characters", "erika mustermann", "a\u3000b"))
}

func TestReason(t *testing.T) {
	t.Parallel()
	checkExamples(t, Reason, same("contract ended in 2026", "Art. 17(1)(a) GDPR", "§ 20 PAuswG, file 12345", "x", strings.Repeat("x", 200)),
		broken("reason.length", "", strings.Repeat("x", 201)),
		broken("reason.personal", "asked by erika@example.org", "card 4111111111111111", "card 4111 1111 1111 1111", "call 0171/123-4567",
			"DE89 3704 0044 0532 0130 00", "number 123456", "call 0171\u20131\u20132", "الرقم ٤١١١١١"))
}

// What no value of any format may hold.
func TestCharacters(t *testing.T) {
	t.Parallel()
	zalgo := "a" + strings.Repeat("\u0301", 9)
	for rule, values := range map[string][]string{
		"masked":   {"••••", "411111••••••1111", "••••1234", "Erika •", "•"},
		"encoding": {"a\xffb", "\xc3", "a\ufffdb", "a\ue000", "a\ufdd0", "a\U0010ffff", "\xed\xa0\x80", "\xc0\x80"},
		"control": {"a\x00b", "a\tb", "a\nb", "a\r\nb", "a\x1bb", "a\x7fb", "a\u0080b", "a\u0085b", "a\u2028b",
			"\x00", "\x00a", "a\x00"},
		"invisible": {"a\u200bb", "a\u200db", "a\u200cb", "\u202eabc", "a\u2066b", "a\u200e", "\u061ca", "a\u00adb", "\ufeffa", "a\u2060b",
			"a\u3164b", "a\u115fb", "a\u034fb", "a\ufe0f", "a\u2800b", "a\U000e0041b", "علی\u200c\u200cرضا", "葛\U000e0100\U000e0101"},
		"marks": {zalgo, "e" + strings.Repeat("\u0337\u0489", 5)},
	} {
		for _, f := range Known() {
			checkExamples(t, f, broken(rule, values...))
		}
		for _, v := range values {
			if got := ruleOf(CheckDocumentNumber(IdentityCard, "DE", v)); got != rule {
				t.Errorf("CheckDocumentNumber(%q) broke %q, want %q", v, got, rule)
			}
			if got := ruleOf(CheckPostalCode("DE", v)); got != rule {
				t.Errorf("CheckPostalCode(%q) broke %q, want %q", v, got, rule)
			}
		}
	}
}
