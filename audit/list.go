package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// What is read of the log for one page, at most: then it ends, and leads on.
const (
	pageSegments = 2000
	pageBytes    = 32 << 20
)

// List gives a page of events. It reads the segments of the minutes that are asked
// for, each verified by its seal, and no others; of the segments of a minute it
// holds those that overlap. What does not verify is left out, and the page says so.
// The error wraps [ErrToken], or [ErrBroken] where a segment that verifies can't be
// read.
func (r *Reader) List(ctx context.Context, q Query) (Page, error) {
	start, err := q.start()
	if err != nil {
		return Page{}, err
	}
	if q.Size < 1 || q.From.IsZero() {
		return Page{}, errors.New("a page of the audit log needs a size and a beginning")
	}
	keys, err := r.keys(ctx)
	if err != nil {
		return Page{}, err
	}
	l := &listing{q: q, start: start, at: start, keys: keys, segments: r.Segments, held: map[string][]object{}}
	return l.run(ctx)
}

// listing makes a page. Names come in the order in which segments begin, so an
// event can be given out as soon as the next segment begins after it.
type listing struct {
	q         Query
	start, at position // where the page began, and the last event looked at
	keys      segment.Keys
	segments  Source
	open      cursors
	held      map[string][]object // of each chain what begins before start, the newest last
	page      Page
	full      bool
	read      int   // segments
	size      int64 // bytes of them
}

// object is a segment in the listing.
type object struct {
	segment.Name
	version blobstore.Version
}

func (l *listing) run(ctx context.Context) (Page, error) {
	for o, err := range l.objects(ctx) {
		if err != nil {
			return Page{}, fmt.Errorf("listing the audit log: %w", err)
		}
		if !o.Time.Before(l.q.To) {
			break
		}
		// All of a segment is before start if its successor in the chain begins
		// before; names have the time cut to milliseconds.
		if !o.Time.Add(time.Millisecond).After(l.start.time) {
			l.held[o.Chain] = append(l.held[o.Chain], o)
			continue
		}
		if err := l.openHeld(ctx); err != nil {
			return Page{}, err
		}
		if err := l.drain(&o.Time); err != nil || l.full {
			return l.page, err
		}
		if (l.read >= pageSegments || l.size >= pageBytes) && o.Time.After(l.start.time) {
			l.page.Next = l.q.token(position{time: o.Time})
			return l.page, nil
		}
		if _, err := l.begin(ctx, o); err != nil {
			return Page{}, err
		}
	}
	if err := l.openHeld(ctx); err != nil {
		return Page{}, err
	}
	return l.page, l.drain(nil)
}

// objects are the segments from the minute of the start on, of each the version
// that was written first.
func (l *listing) objects(ctx context.Context) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		for prefix := range prefixes(l.start.time, l.q.To) {
			before := ""
			for v, err := range l.segments.Versions(ctx, prefix) {
				if err != nil {
					yield(object{}, err)
					return
				}
				name, ok := segment.ParseName(v.Name)
				if !ok || v.Name == before {
					continue
				}
				before = v.Name
				if !yield(object{name, v}, nil) {
					return
				}
			}
		}
	}
}

// prefixes cover the time in few lists: minutes to the next full hour, hours to
// the next full day, then days.
func prefixes(from, to time.Time) iter.Seq[string] {
	return func(yield func(string) bool) {
		next := from.UTC().Truncate(time.Minute)
		for next.Before(to) {
			prefix, step := segment.Minute(next), time.Minute
			switch {
			case next.Equal(next.Truncate(24 * time.Hour)):
				prefix, step = segment.Day(next), 24*time.Hour
			case next.Equal(next.Truncate(time.Hour)):
				prefix, step = segment.Hour(next), time.Hour
			}
			if !yield(prefix) {
				return
			}
			next = next.Add(step)
		}
	}
}

// openHeld begins with the newest segment of each chain that is one: what only has
// a segment's name must not stand before it.
func (l *listing) openHeld(ctx context.Context) error {
	for chain, objects := range l.held {
		for _, o := range slices.Backward(objects) {
			ok, err := l.begin(ctx, o)
			if err != nil {
				return err
			}
			if ok {
				break
			}
		}
		delete(l.held, chain)
	}
	return nil
}

// begin reads a segment and adds its events to those that are merged. It says
// whether it is one.
func (l *listing) begin(ctx context.Context, o object) (ok bool, err error) {
	file, err := l.segments.Read(ctx, o.version.Name, o.version.ID)
	if errors.Is(err, blobstore.ErrTooLarge) || errors.Is(err, blobstore.ErrNotFound) {
		l.page.Damaged = true
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the audit log: %w", err)
	}
	l.read++
	l.size += int64(len(file))
	s, err := segment.Open(file, l.keys)
	if err == nil && s.Header.Object() != o.version.Name {
		err = errors.New("it lies under a name that is not its own")
	}
	if err != nil {
		// Whoever can write to the store can put something there that is no
		// segment. That must not hide all the others.
		l.page.Damaged = true
		return false, nil
	}
	return true, l.open.add(s)
}

// drain looks at all events before a time, or at all there are, in their order,
// until the page is full.
func (l *listing) drain(before *time.Time) error {
	for len(l.open) > 0 {
		e, at := l.open.first()
		if before != nil && !at.time.Before(*before) {
			return nil
		}
		if !at.time.Before(l.q.To) {
			l.open = nil
			return nil
		}
		if at.compare(l.start) > 0 {
			if l.full = len(l.page.Events) == l.q.Size; l.full {
				l.page.Next = l.q.token(l.at)
				return nil
			}
			if l.q.matches(e) {
				l.page.Events = append(l.page.Events, e)
			}
			l.at = at
		}
		if err := l.open.advance(); err != nil {
			return err
		}
	}
	return nil
}
