package retention

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Period is a length of time as the law and contracts count it: in years, months
// and days of the calendar, none of them negative, altogether at most 100 years. A
// year is 12 months; a month has no fixed number of days. The zero Period is no
// time.
type Period struct{ Years, Months, Days int }

// The longest period is either of these, or a part of each that together make one.
const (
	mostPeriodMonths = 1200
	mostPeriodDays   = 36525
)

var (
	errPeriod  = errors.New("must be a period such as P3Y, P1Y6M, P2W or P0D, in whole numbers, of at most 100 years")
	periodForm = regexp.MustCompile(`^P(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})D)?$`)
	weeksForm  = regexp.MustCompile(`^P(\d{1,5})W$`)
)

// ParsePeriod reads a duration of ISO 8601 in whole years, months and days, "P3Y"
// or "P1Y6M", or in weeks alone, "P2W". There are no times of day in it, no signs
// and no fractions. The error says what a period looks like and does not repeat s.
func ParsePeriod(s string) (Period, error) {
	var p Period
	if m := weeksForm.FindStringSubmatch(s); m != nil {
		p.Days = 7 * number(m[1])
	} else if m := periodForm.FindStringSubmatch(s); m != nil && s != "P" {
		p = Period{Years: number(m[1]), Months: number(m[2]), Days: number(m[3])}
	} else {
		return Period{}, errPeriod
	}
	if err := p.check(); err != nil {
		return Period{}, err
	}
	return p, nil
}

// number is the value of at most five digits, and 0 without any.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// check is an error for what ParsePeriod does not give. Each part is looked at
// alone first, so that none of them can overflow.
func (p Period) check() error {
	switch {
	case p.Years < 0 || p.Months < 0 || p.Days < 0,
		p.Years > mostPeriodMonths/12 || p.Months > mostPeriodMonths || p.Days > mostPeriodDays,
		(12*p.Years+p.Months)*mostPeriodDays+p.Days*mostPeriodMonths > mostPeriodMonths*mostPeriodDays:
		return errPeriod
	}
	return nil
}

// String is the period in ISO 8601, without the parts that are zero: "P1Y6M", and
// "P0D" for no time. Weeks are days: "P14D".
func (p Period) String() string {
	var b strings.Builder
	b.WriteString("P")
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "Y"}, {p.Months, "M"}, {p.Days, "D"}} {
		if part.n != 0 {
			fmt.Fprintf(&b, "%d%s", part.n, part.unit)
		}
	}
	if b.Len() == 1 {
		return "P0D"
	}
	return b.String()
}

// IsZero says whether the period is no time.
func (p Period) IsZero() bool { return p == Period{} }

// UnmarshalText reads what [ParsePeriod] reads.
func (p *Period) UnmarshalText(text []byte) error {
	parsed, err := ParsePeriod(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// MarshalText writes what [Period.String] gives. It is an error where the period
// is negative or too long.
func (p Period) MarshalText() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}
