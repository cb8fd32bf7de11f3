package audit

import (
	"container/heap"
	"encoding/json"
	"fmt"

	"github.com/wertfach/wertfach/audit/segment"
)

// cursors merge the events of several segments: a heap, the earliest event first.
type cursors []*cursor

// cursor is at an event of a segment.
type cursor struct {
	chain string
	lines [][]byte // the event's line and those after it
	event Event
	at    position
}

// add adds the events of a segment.
func (c *cursors) add(s *segment.Segment) error {
	if len(s.Lines) == 0 {
		return nil
	}
	cur := &cursor{chain: s.Header.Chain, lines: s.Lines, at: position{number: s.Header.FirstEvent}}
	if err := cur.decode(); err != nil {
		return err
	}
	heap.Push(c, cur)
	return nil
}

// first is the earliest event, and where it is.
func (c cursors) first() (Event, position) { return c[0].event, c[0].at }

// advance goes on to the event after the earliest.
func (c *cursors) advance() error {
	cur := (*c)[0]
	if cur.lines = cur.lines[1:]; len(cur.lines) == 0 {
		heap.Pop(c)
		return nil
	}
	cur.at.number++
	if err := cur.decode(); err != nil {
		return err
	}
	heap.Fix(c, 0)
	return nil
}

func (c *cursor) decode() error {
	c.event = Event{}
	if err := json.Unmarshal(c.lines[0], &c.event); err != nil {
		return fmt.Errorf("%w: an event of chain %s can't be read", ErrBroken, c.chain)
	}
	c.at.time, c.at.chain = c.event.Time, c.chain
	return nil
}

// Len, Less, Swap, Push and Pop are for the heap.
func (c cursors) Len() int { return len(c) }

// Less says which event is earlier.
func (c cursors) Less(i, j int) bool { return c[i].at.compare(c[j].at) < 0 }

// Swap swaps two.
func (c cursors) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

// Push adds one.
func (c *cursors) Push(x any) { *c = append(*c, x.(*cursor)) }

// Pop removes the last.
func (c *cursors) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
