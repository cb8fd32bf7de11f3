package format

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkName accepts names in any script: letters with their marks, digits
// ("III" and "3rd" are names' parts), spaces, hyphens, apostrophes of every sort,
// and the punctuation of abbreviations and of a company that holds a card
// ("A:son", "Müller & Söhne (GbR)", "MUSTER/ERIKA"). What can only be markup, a
// formula, an address or a picture is refused.
func checkName(s string) *Problem {
	if n := utf8.RuneCountInString(s); n < 1 || n > 200 {
		return problem("name.length", "a name has 1 to 200 characters")
	}
	letters := false
	for _, r := range s {
		letters = letters || unicode.IsLetter(r)
		if strings.ContainsRune(`<>{}[]|\^~_=*%$#@;?"`, r) || unicode.IsSymbol(r) && !strings.ContainsRune("+`´", r) {
			return problem("name.characters", "a name consists of letters, marks, digits, spaces, hyphens, apostrophes and plain punctuation")
		}
	}
	if !letters {
		return problem("name.letters", "a name has at least one letter")
	}
	return nil
}

func checkText(s string) *Problem {
	if n := utf8.RuneCountInString(s); n < 1 || n > 1000 {
		return problem("text.length", "a text has 1 to 1000 characters")
	}
	return nil
}

// checkFilename accepts what is a file's name on every system that a scan may
// be saved on, and leads out of no folder there.
func checkFilename(s string) *Problem {
	switch n := utf8.RuneCountInString(s); {
	case n < 1 || n > 200 || len(s) > 255:
		return problem("filename.length", "a file name has 1 to 200 characters, at most 255 bytes")
	case strings.ContainsAny(s, `/\:*?"<>|`):
		return problem("filename.characters", `a file name holds none of / \ : * ? " < > |`)
	case strings.Trim(s, ".") == "" || strings.HasSuffix(s, "."):
		return problem("filename.dots", "a file name does not end with a dot")
	}
	return nil
}

// checkLogin accepts any login name without spaces; which ones exist is the
// institute's to know. Its case is kept, because some systems tell it apart.
func checkLogin(s string) *Problem {
	switch n := utf8.RuneCountInString(s); {
	case n < 1 || n > 100:
		return problem("login.length", "a login has 1 to 100 characters")
	case strings.ContainsFunc(s, isSpace):
		return problem("login.characters", "a login holds no spaces")
	}
	return nil
}
