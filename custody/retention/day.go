package retention

import (
	"errors"
	"sort"
	"time"
)

// Day is a day of the Gregorian calendar, YYYY-MM-DD (ISO 8601), in the years
// 0001 to 9999. Days compare as strings do, and so do names that hold them at
// the same place.
//
// The empty Day is none. It compares as earlier than every day, so ask for it
// before asking whether a day has come. A string that is no day counts as none.
type Day string

// The ends of the calendar. What would lie beyond one of them is that day.
const (
	firstDay Day = "0001-01-01"
	lastDay  Day = "9999-12-31"
)

// mostDays is more than the calendar has.
const mostDays = 10_000 * 366

var errDay = errors.New("must be a day of the calendar, YYYY-MM-DD, in the years 0001 to 9999")

// ParseDay reads a day, written exactly as ISO 8601 has it. The error says what a
// day looks like, and does not repeat s.
func ParseDay(s string) (Day, error) {
	if _, ok := Day(s).date(); !ok {
		return "", errDay
	}
	return Day(s), nil
}

// DayOf is the day that it is in the zone at t; none for the zero time.
func DayOf(t time.Time, zone *time.Location) Day {
	if t.IsZero() {
		return ""
	}
	return dayOf(t.In(zone))
}

// dayOf is the day that t shows.
func dayOf(t time.Time) Day {
	switch year := t.Year(); {
	case year < 1:
		return firstDay
	case year > 9999:
		return lastDay
	}
	return Day(t.Format(time.DateOnly))
}

// AddDays is the day n days later, or earlier where n is negative, and at most
// 9999-12-31. None stays none.
func (d Day) AddDays(n int) Day {
	date, ok := d.date()
	if !ok {
		return ""
	}
	return dayOf(date.AddDate(0, 0, within(n, mostDays)))
}

// Add is the day on which a period ends that begins with d's end: first the years
// and months, to the day of the same number, or the last of its month where that
// one has no such day (§ 188(2), (3) BGB: 31 January and a month is the last of
// February); then the days. It is at most 9999-12-31. None stays none.
func (d Day) Add(p Period) Day {
	date, ok := d.date()
	if !ok {
		return ""
	}
	year, month, day := date.Date()
	months := int(month) + 12*within(p.Years, mostDays) + within(p.Months, mostDays)
	// The 0th of a month is the last of the one before.
	last := time.Date(year, time.Month(months+1), 0, 0, 0, 0, 0, time.UTC)
	end := last.AddDate(0, 0, min(day, last.Day())-last.Day())
	return dayOf(end).AddDays(p.Days)
}

// Begins is the instant at which the day begins in the zone: midnight, or where
// clocks skip midnight, the instant at which they do. A day that the zone left out
// begins with the one after it; one that began twice, because clocks were set back
// over midnight, at one of the two. For none it is the zero time.
func (d Day) Begins(zone *time.Location) time.Time {
	midnight, ok := d.date()
	if !ok {
		return time.Time{}
	}
	// No clock is off UTC by more than this. Between, the first second is sought at
	// which the clock shows midnight or later: time.Date does not promise which
	// instant it gives where midnight is skipped, and time.Time.ZoneBounds may end a
	// stretch before it began (Go 1.26, on 31 December of leap years).
	const most = 36 * time.Hour
	at := func(n int) time.Time { return midnight.Add(time.Duration(n)*time.Second - most).In(zone) }
	return at(sort.Search(int(2*most/time.Second), func(n int) bool {
		_, offset := at(n).Zone()
		return !at(n).Add(time.Duration(offset) * time.Second).Before(midnight)
	}))
}

// date is the midnight of the day in UTC, and false for what is no day.
func (d Day) date() (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	return t, err == nil && t.Year() >= 1 && t.Format(time.DateOnly) == string(d)
}

// within is n, or the bound of -most and most that it lies beyond.
func within(n, most int) int { return max(-most, min(n, most)) }
