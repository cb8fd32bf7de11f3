package retention

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones below, wherever the tests run

	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// drawDay draws days of which many are the last of a month or a year.
func drawDay(t *rapid.T) Day {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) Day { return firstDay.AddDays(rapid.IntRange(0, 3652058).Draw(t, "days")) }),
		rapid.SampledFrom([]Day{"2024-02-29", "2023-02-28", "2000-02-29", "1900-02-28", "2026-12-31", "2027-01-01", "2026-01-31", firstDay, lastDay}),
	).Draw(t, "day")
}

func TestParseDay(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0001-01-01", "2024-02-29", "2000-02-29", "2026-12-31", "9999-12-31"} {
		if d, err := ParseDay(s); err != nil || d != Day(s) {
			t.Errorf("%s: got %q, %v", s, d, err)
		}
	}
	for _, s := range notDays {
		if d, err := ParseDay(s); err == nil || d != "" || err.Error() != errDay.Error() {
			t.Errorf("%q: got %q, %v", s, d, err)
		}
		d := Day(s)
		if d.AddDays(1) != "" || d.Add(Period{Years: 1}) != "" || !d.Begins(time.UTC).IsZero() {
			t.Errorf("%q counts as a day", s)
		}
	}
}

var notDays = []string{
	"", "0000-01-01", "2023-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-1-1", "26-01-01", "10000-01-01",
	"20260101", "2026-W01-1", "2026-001", "2026-01-01T00:00:00Z", " 2026-01-01", "2026-01-01\n", "2026-01-0١", "-001-01-01", "01.01.2026",
}

func TestDayOf(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	for at, want := range map[time.Time]Day{
		time.Date(2026, 6, 30, 21, 59, 59, 999_999_999, time.UTC): "2026-06-30",
		time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC):             "2026-07-01",
		time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC):            "2027-01-01",
		time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC):              lastDay,
		time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC):                 firstDay,
		{}: "",
	} {
		if got := DayOf(at, berlin); got != want {
			t.Errorf("%v: got %s, want %s", at, got, want)
		}
	}
}

func TestAddDays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		day  Day
		n    int
		want Day
	}{
		{"2024-02-28", 1, "2024-02-29"},
		{"2023-02-28", 1, "2023-03-01"},
		{"2026-12-31", 1, "2027-01-01"},
		{"2027-01-01", -1, "2026-12-31"},
		{"2026-01-01", 0, "2026-01-01"},
		{"9999-12-31", 1, lastDay},
		{"2026-01-01", 1 << 62, lastDay},
		{"2026-01-01", -1 << 62, firstDay},
	} {
		if got := test.day.AddDays(test.n); got != test.want {
			t.Errorf("%s and %d days: got %s, want %s", test.day, test.n, got, test.want)
		}
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		day    Day
		period string
		want   Day
	}{
		{"2026-06-30", "P0D", "2026-06-30"},
		{"2024-02-29", "P1Y", "2025-02-28"},
		{"2024-02-29", "P4Y", "2028-02-29"},
		{"2023-02-28", "P1Y", "2024-02-28"}, // the day of the same number, not the month's last
		{"2026-01-31", "P1M", "2026-02-28"}, // § 188(3) BGB
		{"2024-01-31", "P1M", "2024-02-29"},
		{"2026-03-31", "P6M", "2026-09-30"},
		{"2026-08-31", "P1Y6M", "2028-02-29"}, // together, not a year first
		{"2024-02-29", "P1Y1M", "2025-03-29"}, // clamped once, at the end
		{"2026-11-15", "P2M", "2027-01-15"},
		{"2026-12-31", "P12M", "2027-12-31"},
		{"2026-01-31", "P1M1D", "2026-03-01"}, // days last
		{"2026-12-20", "P2W", "2027-01-03"},
		{"9990-01-01", "P10Y", lastDay},
		{"9999-12-31", "P1D", lastDay},
	} {
		p, err := ParsePeriod(test.period)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.day.Add(p); got != test.want {
			t.Errorf("%s and %s: got %s, want %s", test.day, test.period, got, test.want)
		}
	}
	for _, p := range []Period{{Years: 1 << 62}, {Months: 1 << 62}, {Days: 1 << 62}, {1 << 62, 1 << 62, 1 << 62}} {
		if got := Day("2026-01-01").Add(p); got != lastDay {
			t.Errorf("%v: got %s", p, got)
		}
	}
	if got := Day("2026-01-01").Add(Period{Years: -1 << 62}); got != firstDay {
		t.Errorf("got %s", got)
	}
}

func TestBegins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone string
		day  Day
		want string // RFC 3339, with the zone's offset
	}{
		{"UTC", "2026-06-30", "2026-06-30T00:00:00Z"},
		{"UTC", firstDay, "0001-01-01T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00"}, // clocks go forward at 02:00
		{"Europe/Berlin", "2026-03-30", "2026-03-30T00:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00"}, // and back at 03:00
		{"Europe/Berlin", "2026-10-26", "2026-10-26T00:00:00+01:00"},
		{"Europe/Berlin", "2056-12-31", "2056-12-31T00:00:00+01:00"}, // a year's 366th day
		{"Europe/Berlin", "2057-01-01", "2057-01-01T00:00:00+01:00"},
		{"Europe/Berlin", lastDay, "9999-12-31T00:00:00+01:00"},
		{"America/Santiago", "2024-09-07", "2024-09-07T00:00:00-04:00"},
		{"America/Santiago", "2024-09-08", "2024-09-08T01:00:00-03:00"}, // has no midnight
		{"America/Santiago", "2024-04-07", "2024-04-07T00:00:00-04:00"}, // 24:00 became 23:00 of the day before
		{"Asia/Beirut", "2024-03-31", "2024-03-31T01:00:00+03:00"},      // has no midnight
		{"America/Havana", "2024-11-03", "2024-11-03T00:00:00-04:00"},   // has two, as 01:00 became 00:00
		{"America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-03:30"}, // began twice, as 00:01 became 23:01
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"},     // was left out at the date line
		{"Pacific/Kiritimati", "2026-01-01", "2026-01-01T00:00:00+14:00"},
	} {
		if got := test.day.Begins(zone(t, test.zone)).Format(time.RFC3339); got != test.want {
			t.Errorf("%s in %s: got %s, want %s", test.day, test.zone, got, test.want)
		}
	}
}

// Every instant lies between its day's begin and the next day's.
func TestBeginsAndDayOf(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "America/Havana", "Pacific/Kiritimati", "Asia/Kathmandu", "Africa/Casablanca"}
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(rt, rapid.SampledFrom(zones).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(time.Date(1990, 1, 1, 0, 0, 0, 0, z).Unix(), time.Date(2090, 1, 1, 0, 0, 0, 0, z).Unix()).Draw(rt, "seconds"), 0)
		day := DayOf(at, z)
		begins, ends := day.Begins(z), day.AddDays(1).Begins(z)
		if at.Before(begins) || !at.Before(ends) {
			rt.Fatalf("%v is in %s, which lasts from %v to %v", at, day, begins, ends)
		}
		if DayOf(begins, z) != day || DayOf(begins.Add(-1), z) != day.AddDays(-1) {
			rt.Fatalf("%s does not begin at %v", day, begins)
		}
	})
}

func TestAddProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day, p, q := drawDay(t), drawPeriod(t), drawPeriod(t)
		end := day.Add(p)
		if _, err := ParseDay(string(end)); err != nil {
			t.Fatalf("%s and %s is %q", day, p, end)
		}
		if end < day || p.Days > 0 && end == day && day != lastDay {
			t.Fatalf("%s and %s is %s", day, p, end)
		}
		if next := day.AddDays(1); next.Add(p) < end {
			t.Fatalf("%s later by %s than %s", end, p, next)
		}
		if longer := (Period{p.Years + q.Years, p.Months + q.Months, p.Days + q.Days}); day.Add(longer) < end {
			t.Fatalf("%s is a shorter time than %s from %s", longer, p, day)
		}
		if date, _ := day.date(); date.Day() <= 28 {
			if want := dayOf(date.AddDate(p.Years, p.Months, p.Days)); end != want {
				t.Fatalf("%s and %s: got %s, want %s", day, p, end, want)
			}
		}
	})
}

func FuzzParseDay(f *testing.F) {
	for _, s := range notDays {
		f.Add(s)
	}
	for _, s := range []string{"0001-01-01", "2024-02-29", "9999-12-31", "2026-06-30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDay(s)
		if err != nil {
			if d != "" || err.Error() != errDay.Error() {
				t.Fatalf("%q: got %q, %v", s, d, err)
			}
			return
		}
		if string(d) != s || d < firstDay || d > lastDay || DayOf(d.Begins(time.UTC).Add(time.Hour), time.UTC) != d {
			t.Fatalf("%q passes as a day: %q", s, d)
		}
	})
}
