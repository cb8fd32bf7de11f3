package format

import (
	"strings"
	"time"
)

// normaliseDate turns the German notation, "29.2.2024" or "29.02.2024", into
// that of ISO 8601, "2024-02-29". Others are ambiguous and stay as they are.
func normaliseDate(s string) string {
	s = without(s, isSpace)
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[2]) != 4 {
		return s
	}
	for i, part := range parts {
		if !allDigits(part) || i < 2 && len(part) > 2 {
			return s
		}
	}
	day, month, year := parts[0], parts[1], parts[2]
	return year + "-" + twoDigits(month) + "-" + twoDigits(day)
}

func twoDigits(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// checkDate checks a day of the Gregorian calendar. The years keep slips like
// 0204 out and leave room for whom and what a bank knows. Days without
// a month or year, which some identity documents have, are refused.
func checkDate(s string) *Problem {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' ||
		!allDigits(s[:4]) || !allDigits(s[5:7]) || !allDigits(s[8:]) {
		return problem("date.format", "a date is a year, a month and a day, YYYY-MM-DD")
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return problem("date.calendar", "the calendar has no such day")
	}
	if s < "1800" || s > "2201" {
		return problem("date.range", "a date lies in the years 1800 to 2200")
	}
	return nil
}
