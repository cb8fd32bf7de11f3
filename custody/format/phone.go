package format

import "strings"

// normaliseMSISDN gives the international notation of ITU-T E.123, "+" and
// digits. A number that begins with one 0 is a German one; 00 stands for "+";
// the "(0)" that people put after a country code is dropped, but not where
// the zero is dialled from abroad too (Italy, San Marino). A number with neither
// stays as it is and is refused: its country would be a guess.
func normaliseMSISDN(s string) string {
	s = without(s, func(r rune) bool { return isSpace(r) || isHyphen(r) || r == '/' || r == '.' })
	if rest, international := strings.CutPrefix(s, "00"); international {
		s = "+" + rest
	}
	if strings.HasPrefix(s, "+") && !strings.HasPrefix(s, "+39") && !strings.HasPrefix(s, "+378") {
		s = strings.Replace(s, "(0)", "", 1)
	}
	s = without(s, func(r rune) bool { return r == '(' || r == ')' })
	if rest, international := strings.CutPrefix(s, "00"); international {
		s = "+" + rest
	}
	if rest, national := strings.CutPrefix(s, "0"); national {
		s = "+49" + rest
	}
	if rest, doubled := strings.CutPrefix(s, "+490"); doubled && rest != "" && rest[0] != '0' {
		s = "+49" + rest
	}
	return s
}

// checkMSISDN checks a telephone number by ITU-T E.164: a country code that is
// assigned, and at most 15 digits with it. Only where the length is fixed and
// customers are many is it checked further: German mobile numbers have 10 or 11
// digits after the country code (those with 15x always 11), North American ones 10.
func checkMSISDN(s string) *Problem {
	digits, international := strings.CutPrefix(s, "+")
	switch {
	case !allDigits(digits):
		return problem("msisdn.digits", "a telephone number consists of digits after an optional +")
	case !international:
		return problem("msisdn.prefix", "a telephone number begins with + and the country code, or with 0 for Germany")
	case callingCode(digits) == 0:
		return problem("msisdn.country", "the country code of this telephone number is not assigned")
	case len(digits) < 7 || len(digits) > 15 || !nationalLength(digits):
		return problem("msisdn.length", "this telephone number has too few or too many digits")
	}
	return nil
}

func nationalLength(digits string) bool {
	n := len(digits)
	switch {
	case strings.HasPrefix(digits, "4915"):
		return n == 13
	case strings.HasPrefix(digits, "4916"), strings.HasPrefix(digits, "4917"):
		return n == 12 || n == 13
	case digits[0] == '1':
		return n == 11
	}
	return true
}

// callingCode is the length of the country code that the digits begin with, or
// 0 where none is assigned. No code is the beginning of another one.
func callingCode(digits string) int {
	for n := 1; n <= 3 && n < len(digits); n++ {
		if inList(callingCodes, digits[:n]) {
			return n
		}
	}
	return 0
}

// callingCodes are the country codes that ITU-T has assigned under E.164, those
// of networks and services without a country included.
const callingCodes = " 1 7 " +
	"20 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 " +
	"240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 " +
	"267 268 269 27 290 291 297 298 299 30 31 32 33 34 350 351 352 353 354 355 356 357 358 359 36 370 371 372 " +
	"373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 39 40 41 420 421 423 43 44 45 46 47 48 49 " +
	"500 501 502 503 504 505 506 507 508 509 51 52 53 54 55 56 57 58 590 591 592 593 594 595 596 597 598 599 " +
	"60 61 62 63 64 65 66 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 " +
	"800 808 81 82 84 850 852 853 855 856 86 870 878 880 881 882 883 886 90 91 92 93 94 95 960 961 962 963 964 " +
	"965 966 967 968 970 971 972 973 974 975 976 977 979 98 992 993 994 995 996 998 "

// inList tells whether code stands in a list of codes set off by spaces.
func inList(list, code string) bool {
	return code != "" && !strings.Contains(code, " ") && strings.Contains(list, " "+code+" ")
}
