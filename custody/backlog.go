package custody

import (
	"context"
	"path"
	"time"
)

// Backlog is what waits for a sweep.
type Backlog struct {
	// Due are dossiers of which something is due by the calendar.
	Due int
	// Erasing are erasures that were begun and have not ended.
	Erasing int
	// BrokenOff are changes whose traces are old enough to be settled, and keys that
	// were made for nothing.
	BrokenOff int
	// OldestDue is the beginning of the day since when something is due, the longest
	// ago, in its institute's time zone; zero where nothing is.
	OldestDue time.Time
}

// Backlog counts what waits for a sweep, each kind up to atMost for an institute:
// it lists names and opens nothing, so that it costs little where all is in order.
// Grace is that of [SweepOptions].
func (c *Custodian) Backlog(ctx context.Context, grace time.Duration, atMost int) (Backlog, error) {
	if grace == 0 {
		grace = PendingGrace
	}
	var b Backlog
	for id, institute := range c.institutes {
		today := c.now().In(institute.Location).Format(time.DateOnly)
		due := func(name string, _ time.Time) bool {
			date := path.Base(path.Dir(name))
			if day, err := time.ParseInLocation(time.DateOnly, date, institute.Location); err == nil && date <= today &&
				(b.OldestDue.IsZero() || day.Before(b.OldestDue)) {
				b.OldestDue = day
			}
			return date <= today
		}
		old := func(_ string, modified time.Time) bool { return c.now().Sub(modified) >= grace }
		every := func(string, time.Time) bool { return true }
		for _, kind := range []struct {
			prefix string
			counts func(name string, modified time.Time) bool
			sorted bool // what comes after one that does not count does not count either
			to     *int
		}{
			{dueDays(id), due, true, &b.Due},
			{intents(id), every, false, &b.Erasing},
			{pendings(id), old, false, &b.BrokenOff},
			{unusedKeys(id), every, false, &b.BrokenOff},
		} {
			seen := 0
			for info, err := range c.store.List(ctx, kind.prefix) {
				if err != nil {
					return Backlog{}, backend(err)
				}
				counts := kind.counts(info.Name, info.Modified)
				if counts {
					*kind.to++
				}
				if seen++; seen >= atMost || kind.sorted && !counts {
					break
				}
			}
		}
	}
	return b, nil
}
