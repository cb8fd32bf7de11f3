package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// headAge is how old the newest head of a chain that is not closed may be, and how
// young a chain without a head.
const headAge = 5 * time.Minute

// Verify checks the log: every signature, every link, every end. From the zero time
// it begins with the first segment; else with the day of from, taking each
// chain's first segment of that day for good. Heads are to be up to date as of
// asOf. What is wrong stands in the report; the error is for what could not be
// read. It goes through the log once and holds one segment at a time, beside
// some words for each chain.
func (r *Reader) Verify(ctx context.Context, from, asOf time.Time) (Report, error) {
	v, err := r.verifier(ctx, from)
	if err != nil {
		return Report{}, err
	}
	// Heads come first: what they count was in the locked store before.
	if err := v.readHeads(ctx, r.Heads); err != nil {
		return Report{}, err
	}
	for _, prefix := range days(v.from, asOf) {
		if err := v.read(ctx, r.Segments, prefix); err != nil {
			return Report{}, err
		}
	}
	if err := v.readInventory(r.Segments); err != nil {
		return Report{}, err
	}
	return v.report(asOf), nil
}

// readInventory reads what a downloaded log says that it holds.
func (v *verifier) readInventory(segments Source) error {
	downloaded, ok := segments.(interface{ Inventory() ([]byte, error) })
	if !ok {
		return nil
	}
	file, err := downloaded.Inventory()
	if err != nil {
		return err
	}
	i, err := segment.OpenInventory(file, v.keys)
	v.unsealed(err)
	if err != nil {
		v.strange = append(v.strange, Finding{Kind: Broken, Segment: folderInventory, Problem: "the inventory does not verify: " + err.Error()})
		return nil
	}
	if v.only == "" {
		v.inventory = i.Chains
		for _, object := range i.Foreign {
			v.stranger(object)
		}
	}
	return nil
}

// days are the prefixes of the days to be looked at. Clocks may be ahead.
func days(from, to time.Time) []string {
	if from.IsZero() {
		return []string{segment.Folder}
	}
	var out []string
	for day := from; !day.After(to.Add(48 * time.Hour)); day = day.Add(24 * time.Hour) {
		out = append(out, segment.Day(day))
	}
	return out
}

// verifier goes through a log.
type verifier struct {
	from     time.Time
	keys     segment.Keys
	only     string // the chain to look at; all where empty
	chains   map[string]*chainCheck
	heads    map[string]segment.Head
	badHeads map[string]error
	// inventory has the last segments of the chains that were downloaded.
	inventory map[string]int64
	strange   []Finding // objects that are no segments
	// Whether there are seals by keys that were given, and by others.
	ours, others bool
}

// unsealed notes what came of opening a sealed file.
func (v *verifier) unsealed(err error) {
	v.ours = v.ours || err == nil
	v.others = v.others || errors.Is(err, segment.ErrKey)
}

func (r *Reader) verifier(ctx context.Context, from time.Time) (*verifier, error) {
	keys, err := r.keys(ctx)
	if err != nil {
		return nil, err
	}
	if !from.IsZero() {
		from = from.UTC().Truncate(24 * time.Hour)
	}
	return &verifier{
		from: from, keys: keys, chains: map[string]*chainCheck{},
		heads: map[string]segment.Head{}, badHeads: map[string]error{},
	}, nil
}

func (v *verifier) readHeads(ctx context.Context, heads Heads) error {
	for h, err := range heads.Heads(ctx) {
		if err != nil {
			return fmt.Errorf("reading the heads of the audit log: %w", err)
		}
		head, err := segment.OpenHead(h.File, v.keys)
		v.unsealed(err)
		if err == nil && head.Chain != h.Chain {
			err = errors.New("it is the head of another chain")
		}
		if err != nil {
			v.badHeads[h.Chain] = err
			continue
		}
		v.heads[h.Chain] = head
	}
	return nil
}

// read checks the segments below a prefix.
func (v *verifier) read(ctx context.Context, segments Source, prefix string) error {
	wanted := func(name segment.Name) bool { return v.only == "" || name.Chain == v.only }
	for r, err := range ahead(ctx, segments, prefix, wanted) {
		if err != nil {
			return fmt.Errorf("listing the audit log: %w", err)
		}
		object := r.version.Name
		switch {
		case !r.ok:
			if r.first && v.only == "" {
				v.stranger(object)
			}
			continue
		case !wanted(r.name):
			continue
		}
		c := v.chain(r.name.Chain)
		switch {
		case r.version.Hidden:
			c.note(Finding{Kind: Hidden, Number: r.name.Number, Segment: object, Problem: "somebody tried to remove the segment; it is there"})
		case !r.first:
			c.note(Finding{Kind: Overwritten, Number: r.name.Number, Segment: object, Problem: "somebody tried to replace the segment; it is there"})
		}
		switch {
		case !r.first || c.broken:
		case errors.Is(r.err, blobstore.ErrNotFound), errors.Is(r.err, blobstore.ErrTooLarge):
			c.suspect(Finding{Number: r.name.Number, Segment: object, Problem: "the segment can't be read: it is gone or too large"})
		case r.err != nil:
			return fmt.Errorf("reading the audit log: %w", r.err)
		default:
			v.check(c, r.name, object, r.file)
		}
	}
	return nil
}

// maxStrange bounds how many objects are named that are no segments.
const maxStrange = 100

// stranger notes an object that is no segment.
func (v *verifier) stranger(object string) {
	if len(v.strange) < maxStrange {
		v.strange = append(v.strange, Finding{Kind: Foreign, Segment: object, Problem: "an object that is no segment"})
	}
}

func (v *verifier) chain(id string) *chainCheck {
	c, ok := v.chains[id]
	if !ok {
		c = &chainCheck{Chain: Chain{ID: id}, found: map[FindingKind]Finding{}}
		v.chains[id] = c
	}
	return c
}
