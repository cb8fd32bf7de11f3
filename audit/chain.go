package audit

import (
	"fmt"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// chainCheck is how far a chain was checked.
type chainCheck struct {
	Chain
	found  map[FindingKind]Finding
	broken bool // nothing more can be said of what comes

	next   segment.Header // what the next segment must follow
	object string         // the last segment
	after  *segment.Link  // what its first segment came after

	// suspects are objects that do not verify, by the numbers in their names. One
	// whose number another object has proves nothing against the chain: anybody who
	// can write to the store can put it there.
	suspects map[int64]Finding
}

// maxSuspects bounds how many are remembered of a chain.
const maxSuspects = 1000

// suspect notes an object that does not verify.
func (c *chainCheck) suspect(f Finding) {
	if c.suspects == nil {
		c.suspects = map[int64]Finding{}
	}
	if _, known := c.suspects[f.Number]; !known && len(c.suspects) < maxSuspects {
		c.suspects[f.Number] = f
	}
}

// lacks notes that the segment of that number is not there, or that what is there
// in its place does not verify.
func (c *chainCheck) lacks(number int64, object, problem string) {
	if f, ok := c.suspects[number]; ok {
		object, problem = f.Segment, f.Problem
		delete(c.suspects, number)
	}
	c.breaks(number, object, problem)
}

// settle says of the objects that do not verify what they are: segments that were
// changed, or foreign objects.
func (c *chainCheck) settle() {
	first := int64(0)
	for number := range c.suspects {
		if number >= max(c.next.Number, 1) && (first == 0 || number < first) {
			first = number
		}
	}
	if first > 0 && !c.broken && !c.Closed {
		c.lacks(first, "", "")
	}
	for number, f := range c.suspects {
		if c.broken && number >= c.next.Number {
			continue // of a part that can't be followed
		}
		f.Kind = Foreign
		c.note(f)
	}
}

// note keeps the finding with the lowest number of each kind.
func (c *chainCheck) note(f Finding) {
	f.Chain = c.ID
	if known, ok := c.found[f.Kind]; !ok || f.Number < known.Number {
		c.found[f.Kind] = f
	}
}

// breaks notes a broken segment, after which the chain can't be followed.
func (c *chainCheck) breaks(number int64, object, problem string) {
	c.note(Finding{Kind: Broken, Number: number, Segment: object, Problem: problem})
	c.broken = true
}

// begun says whether a segment of the chain was checked.
func (c *chainCheck) begun() bool { return c.Segments > 0 }

// check checks the next segment of a chain.
func (v *verifier) check(c *chainCheck, name segment.Name, object string, file []byte) {
	s, err := segment.Open(file, v.keys)
	v.unsealed(err)
	if err != nil {
		c.suspect(Finding{Number: name.Number, Segment: object, Problem: "the segment does not verify: " + err.Error()})
		return
	}
	if s.Header.Object() != object {
		// The segment whose place it is, or it itself, will be missed; that is
		// then the first broken one.
		c.note(Finding{Kind: Broken, Number: name.Number, Segment: object, Problem: "the segment lies under a name that is not its own"})
		return
	}
	number := s.Header.Number
	switch {
	case !c.begun():
		if problem := v.beginning(s.Header); problem != "" {
			first := int64(1)
			if !v.from.IsZero() {
				first = number - 1
			}
			c.lacks(first, object, problem)
			return
		}
		c.First, c.Server, c.after = s.Header.Time, s.Header.Server, s.Header.After
	case c.Closed:
		c.breaks(number, object, "the segment comes after the one that closed the chain")
		return
	case number > c.next.Number:
		c.lacks(c.next.Number, object, fmt.Sprintf("%s before it", missing(c.next.Number, number-1)))
		return
	case number < c.next.Number:
		c.breaks(number, object, "there is another segment of that number")
		return
	default:
		if err := s.Follows(c.next, c.Last); err != nil {
			c.breaks(number, object, "the segment does not follow the one before: "+err.Error())
			return
		}
	}
	if h, ok := v.heads[c.ID]; ok && h.Number == number && (h.Hash != s.Hash || h.Events != s.NextEvent()-1) {
		c.breaks(number, object, "the segment is another than the one that the head names")
		return
	}
	c.next, c.object, c.Last = s.Next(), object, s.Last
	c.Closed = s.Header.Kind == segment.Closed
	c.Segments++
	c.Events += int64(len(s.Lines))
}

// beginning says what is wrong with a segment as the first of a chain.
func (v *verifier) beginning(h segment.Header) string {
	switch {
	case h.Number == 1:
		return ""
	case v.from.IsZero(), !h.PreviousTime.Before(v.from):
		return missing(1, h.Number-1) + " before it"
	default:
		return ""
	}
}

func missing(first, last int64) string {
	if first == last {
		return fmt.Sprintf("segment %d is missing", first)
	}
	return fmt.Sprintf("segments up to %d are missing", last)
}

// report looks at the ends of all chains.
func (v *verifier) report(asOf time.Time) Report {
	for _, c := range v.chains {
		c.settle()
	}
	for id, err := range v.badHeads {
		v.chain(id).note(Finding{Kind: Broken, Segment: segment.HeadOf(id), Problem: "the head of the chain does not verify: " + err.Error()})
	}
	for id, h := range v.heads {
		v.ends(v.chain(id), h, asOf)
	}
	for id, last := range v.inventory {
		// After what closed a chain there is nothing of it: what was counted was foreign.
		if c := v.chain(id); !c.broken && !c.Closed && c.next.Number-1 < last {
			first := max(c.next.Number, 1)
			c.breaks(first, folderInventory, missing(first, last)+", which the inventory counts")
		}
	}
	for _, c := range v.chains {
		v.headless(c, asOf)
	}
	for _, c := range v.chains {
		v.linked(c)
	}
	r := Report{AsOf: asOf, Findings: v.strange, WrongKeys: v.others && !v.ours}
	for _, c := range v.chains {
		if c.begun() {
			r.Chains = append(r.Chains, c.Chain)
		}
		for _, f := range c.found {
			r.Findings = append(r.Findings, f)
		}
	}
	r.sort()
	return r
}

// ends checks a chain's end against its head.
func (v *verifier) ends(c *chainCheck, h segment.Head, asOf time.Time) {
	last := c.next.Number - 1
	switch {
	case c.broken:
	case !c.begun() && (v.from.IsZero() || !h.SegmentTime.Before(v.from)):
		c.breaks(1, segment.HeadOf(c.ID), "all segments that the head counts are missing")
		return
	case c.begun() && h.Number > last:
		c.breaks(last+1, c.object, missing(last+1, h.Number)+" after it, which the head counts")
		return
	case c.begun() && h.Closed && !c.Closed:
		c.breaks(last, c.object, "the head says that the chain is closed, and it is not")
		return
	}
	stale := h.Time.Before(asOf.Add(-headAge)) || c.begun() && h.Time.Before(c.Last.Add(-headAge))
	if !c.Closed && !h.Closed && stale {
		c.note(Finding{Kind: Unclosed, Number: h.Number, Segment: segment.HeadOf(c.ID), Problem: fmt.Sprintf(
			"the chain ended without being closed: the last sign of it is of %s, and there may have been more", h.Time.Format(time.RFC3339))})
	}
}

// headless notes a chain that is not closed and has no head. A young one may not
// have it yet.
func (v *verifier) headless(c *chainCheck, asOf time.Time) {
	_, headed := v.heads[c.ID]
	young := c.next.Number > 1 && c.First.After(asOf.Add(-headAge))
	if c.begun() && !c.broken && !headed && v.badHeads[c.ID] == nil && !c.Closed && !young {
		c.note(Finding{Kind: Broken, Number: c.next.Number, Segment: c.object, Problem: "the chain's head is missing, so its end can't be told"})
	}
}

// linked checks what a chain's first segment says of the chain before.
func (v *verifier) linked(c *chainCheck) {
	if c.after == nil || v.only != "" {
		return
	}
	before, head := v.chain(c.after.Chain), v.heads[c.after.Chain]
	switch {
	case before.broken:
	case before.begun() && before.next.Number <= c.after.Number:
		before.breaks(before.next.Number, before.object, missing(before.next.Number, c.after.Number)+" after it, after which another chain began")
	case before.begun() && before.next.Number == c.after.Number+1 && before.next.Previous != c.after.Hash:
		before.breaks(c.after.Number, before.object, "the segment is another than the one after which another chain began")
	case !before.begun() && head.Number < c.after.Number:
		before.breaks(1, c.object, "all segments of the chain are missing, after which another one began")
	}
}
