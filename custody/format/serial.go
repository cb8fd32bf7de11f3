package format

import "strings"

// normaliseNumber is for numbers that makers stamp and print as they like: in
// upper case, without what separates groups. The letter O and the digit 0 stay
// apart, since some makers use both.
func normaliseNumber(s string) string {
	return upper(without(s, func(r rune) bool {
		return isSpace(r) || isHyphen(r) || strings.ContainsRune("./_:", r)
	}))
}

func checkSerial(s string) *Problem {
	return checkNumber(Serial, s, 2, 50,
		"a serial number consists of letters A to Z, digits and separators",
		"a serial number has 2 to 50 letters and digits")
}

func checkFrameNumber(s string) *Problem {
	return checkNumber(FrameNumber, s, 3, 30,
		"a frame number consists of letters A to Z, digits and separators",
		"a frame number has 3 to 30 letters and digits")
}

func checkSticker(s string) *Problem {
	return checkNumber(Sticker, s, 3, 30,
		"a sticker number consists of letters A to Z, digits and separators",
		"a sticker number has 3 to 30 letters and digits")
}

func checkDocumentNumber(s string) *Problem {
	return checkNumber(DocumentNumber, s, 3, 40,
		"a document number consists of letters A to Z, digits and separators",
		"a document number has 3 to 40 letters and digits")
}

func checkNumber(f Format, s string, least, most int, characters, length string) *Problem {
	switch {
	case s != "" && !allUpperOrDigits(s):
		return problem(string(f)+".characters", characters)
	case len(s) < least || len(s) > most:
		return problem(string(f)+".length", length)
	}
	return nil
}
