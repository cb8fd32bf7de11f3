package audit

import (
	"cmp"
	"slices"
	"time"
)

// Report is what [Reader.Verify] found.
type Report struct {
	// AsOf is the moment for which heads had to be up to date.
	AsOf time.Time
	// Chains are those of which there are segments in the time that was checked, in
	// the order of their ids, which is that of their first days.
	Chains []Chain
	// Findings are what is wrong, in the same order: of each chain the first broken
	// segment, and no more than one finding of each other kind.
	Findings []Finding
	// WrongKeys says that no seal in the log is by any of the given keys: they are
	// another deployment's, rather than every segment changed.
	WrongKeys bool
}

// Intact says that nothing is wrong.
func (r Report) Intact() bool { return len(r.Findings) == 0 }

// Chain is one run of one server.
type Chain struct {
	ID     string
	Server string
	// Segments and Events are how many were checked.
	Segments, Events int64
	// First and Last are the times of the first and the last of the segments or
	// events that were checked.
	First, Last time.Time
	// Closed says that the chain is over for good.
	Closed bool
}

// Finding is something that is wrong.
type Finding struct {
	Kind FindingKind
	// Chain is the chain's id; empty for an object that is no segment.
	Chain string
	// Number is the number of the first segment that is missing, changed or out of
	// its place; zero where the finding is about none.
	Number int64
	// Segment is the object at which it shows.
	Segment string
	// Problem says what is wrong, in a sentence without names.
	Problem string
}

// FindingKind is what sort of thing is wrong.
type FindingKind string

// The kinds.
const (
	// Broken is a segment that is changed, missing, or not in its place.
	Broken FindingKind = "broken"
	// Unclosed is a chain of which nobody has said for some minutes how far it
	// goes, and which was not closed: its server stands still, or its end, or the
	// newest head, was removed.
	Unclosed FindingKind = "unclosed"
	// Hidden is a segment that somebody tried to remove. It is there.
	Hidden FindingKind = "hidden"
	// Foreign is an object that lies among the segments and is none: whoever put it
	// there could write to the store and not sign.
	Foreign FindingKind = "foreign"
	// Overwritten is a segment that somebody tried to replace. It is there.
	Overwritten FindingKind = "overwritten"
)

func (r *Report) sort() {
	slices.SortFunc(r.Chains, func(a, b Chain) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Segment, b.Segment))
	})
}
