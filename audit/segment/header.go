package segment

import (
	"errors"
	"time"
)

// Format stands in the header of each segment.
const Format = "wertfach-audit/1"

// Kind is what a segment is for.
type Kind string

// The kinds. Only [Events] has lines between header and seal.
const (
	// Events holds events.
	Events Kind = "events"
	// Heartbeat shows that the locked store took a segment at that time.
	Heartbeat Kind = "heartbeat"
	// Closed is the last of its chain.
	Closed Kind = "closed"
)

// Header is the first line of a segment.
type Header struct {
	Format string `json:"format"`
	// Chain is the chain's id and Number the segment's place in it, from 1.
	Chain  string `json:"chain"`
	Number int64  `json:"segment"`
	Kind   Kind   `json:"kind"`
	// Time is that of the first event, or when a segment without events was made;
	// UTC, in microseconds. All events of a segment are of one minute.
	Time time.Time `json:"time"`
	// FirstEvent is the number in the chain of the first event, from 1; of a
	// segment without events, the number that the next event will have.
	FirstEvent int64 `json:"first_event"`
	// Previous is the SHA-256 of the segment before, all its bytes, in hexadecimal;
	// empty in the first. PreviousTime is the time in that one's header.
	Previous     string    `json:"previous"`
	PreviousTime time.Time `json:"previous_time,omitzero"`
	// After is in a chain's first segment the last one of the chain that the same
	// server had before, where it had one.
	After *Link `json:"after,omitempty"`
	// Server is which server wrote it, as its operator calls it.
	Server string `json:"server"`
}

// Link names a segment.
type Link struct {
	Chain  string `json:"chain"`
	Number int64  `json:"segment"`
	Hash   string `json:"sha256"`
}

// Object is the name of the segment in the locked store.
func (h Header) Object() string {
	return Name{Chain: h.Chain, Number: h.Number, Time: h.Time}.String()
}

// check is whether the header can be one.
func (h Header) check() error {
	switch {
	case h.Format != Format:
		return errors.New("it is no segment of a known format")
	case h.Kind != Events && h.Kind != Heartbeat && h.Kind != Closed:
		return errors.New("its header names no known kind")
	case !ValidChain(h.Chain) || h.Number < 1 || h.Number > maxNumber || h.FirstEvent < 1:
		return errors.New("its header names no chain or no number")
	case h.Time.Location() != time.UTC || !h.Time.Equal(Instant(h.Time)):
		return errors.New("the time in its header is not in UTC and microseconds")
	case h.Number == 1 && (h.Previous != "" || !h.PreviousTime.IsZero() || h.FirstEvent != 1):
		return errors.New("it is the first of its chain and names one before")
	case h.Number > 1 && (!validHash(h.Previous) || h.PreviousTime.IsZero() || h.After != nil):
		return errors.New("its header does not name the segment before")
	case h.Time.Before(h.PreviousTime):
		return errors.New("it is older than the segment before")
	}
	return nil
}

// Instant is a time as the log has it: UTC, in microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// SameMinute says whether events of these times may lie in one segment.
func SameMinute(a, b time.Time) bool {
	return a.UTC().Truncate(time.Minute).Equal(b.UTC().Truncate(time.Minute))
}
