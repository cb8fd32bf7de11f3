package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// scrubbed is what came of one dossier.
type scrubbed struct {
	problems []string
	scans    int
	bytes    int64
	remarked bool
	skipped  bool
	failed   string // why it could not be looked at

	etag string // of the dossier that was looked at
	lost string // the mark that is missing
	off  bool   // its mark is not the one that the rules ask for
}

// one looks at a dossier and what belongs to it. Servers go on changing it
// meanwhile, so what seems wrong counts only where the dossier is still the same
// afterwards.
func (s *scrub) one(ctx context.Context, p place) (*scrubbed, error) {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return &scrubbed{}, err
		}
		out, err := s.look(ctx, p)
		if err != nil || out.skipped {
			return out, err
		}
		if len(out.problems) > 0 {
			info, err := s.c.store.Stat(ctx, p.dossier())
			if errors.Is(err, blobstore.ErrNotFound) {
				return &scrubbed{skipped: true}, nil
			}
			if err != nil {
				return out, err
			}
			if info.ETag != out.etag {
				continue
			}
			for _, what := range out.problems {
				s.c.log.LogAttrs(ctx, slog.LevelWarn, "a scrub found damage", slog.String("institute", p.institute),
					slog.String("pseudonym", p.pseudonym), slog.String("problem", what))
			}
		}
		if out.off || out.lost != "" {
			out.remarked, err = s.remark(ctx, p, out.lost)
		}
		return out, err
	}
	return &scrubbed{}, contention()
}

// look looks at a dossier once.
func (s *scrub) look(ctx context.Context, p place) (*scrubbed, error) {
	out := &scrubbed{}
	data, info, err := s.c.store.Get(ctx, p.dossier())
	if errors.Is(err, blobstore.ErrNotFound) || err == nil && string(data) == lostDossier {
		out.skipped = true // erased meanwhile, or being erased
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.etag = info.ETag
	d, err := s.c.open(ctx, p.somebody(), p, sealedDossier{data: data, etag: info.ETag}, needs{anyState: true})
	switch kind := fault.KindOf(backend(err)); {
	case err == nil && d.stored.GetErasing():
		out.skipped = true
		return out, nil
	case err == nil:
	case kind == fault.NotFound:
		return out, s.withoutKey(ctx, p, out)
	case kind == fault.Corrupt:
		out.problems = append(out.problems, ProblemDossier)
		return out, nil
	default:
		return out, err
	}
	for _, comp := range d.compartments() {
		if h, err := seal.ParseHeader(comp.GetSealed()); err != nil || h.KeyName != d.key.Name {
			out.problems = append(out.problems, ProblemCompartment)
		}
	}
	for _, a := range d.allArtefacts() {
		for _, scan := range a.GetScans() {
			if err := s.scan(ctx, d, scan, out); err != nil {
				return out, err
			}
		}
	}
	return out, s.satellites(ctx, d, out)
}

// withoutKey says whether a dossier whose key is gone is being erased.
func (s *scrub) withoutKey(ctx context.Context, p place, out *scrubbed) error {
	_, _, err := s.c.store.Get(ctx, p.intent())
	switch {
	case err == nil:
		out.skipped = true
	case errors.Is(err, blobstore.ErrNotFound):
		out.problems = append(out.problems, ProblemKey)
	default:
		return err
	}
	return nil
}

// scan reads a scan to its end, a segment after the other, and compares it with
// what the dossier says.
func (s *scrub) scan(ctx context.Context, d *Dossier, stored *storagev1.Scan, out *scrubbed) error {
	out.scans++
	check := s.scanContent
	if s.options.NoScans {
		check = s.scanSize
	}
	what, err := check(ctx, d, stored, out)
	switch {
	case errors.Is(err, blobstore.ErrNotFound):
		what = ProblemNoScan
	case fault.KindOf(backend(err)) == fault.Corrupt:
		what = ProblemScan
	case err != nil:
		return err
	}
	if what != "" {
		out.problems = append(out.problems, what)
	}
	return nil
}

func (s *scrub) scanContent(ctx context.Context, d *Dossier, stored *storagev1.Scan, out *scrubbed) (what string, err error) {
	sealed, err := openReplaceable(ctx, s.c.store, d.place.scan(stored.GetId()))
	if err != nil {
		return "", err
	}
	defer sealed.Close()
	content, err := s.c.openScan(ctx, d, stored.GetId(), sealed)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.Copy(hash, content)
	out.bytes += n
	if err == nil && (n != stored.GetSizeBytes() || !bytes.Equal(hash.Sum(nil), stored.GetSha256())) {
		what = ProblemDiffers
	}
	return what, err
}

// scanSize compares a scan's size and the key that it names, and opens nothing.
func (s *scrub) scanSize(ctx context.Context, d *Dossier, stored *storagev1.Scan, _ *scrubbed) (what string, err error) {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return "", err
		}
		sealed, info, err := s.c.store.Open(ctx, d.place.scan(stored.GetId()))
		if err != nil {
			return "", err
		}
		header, err := seal.ReadHeader(sealed)
		_ = sealed.Close() // in the middle of it
		if errors.Is(err, blobstore.ErrConflict) {
			continue // just wrapped anew
		}
		if err == nil && (header.KeyName != d.key.Name || info.Size != seal.StreamSize(header, stored.GetSizeBytes())) {
			what = ProblemScan
		}
		return what, err
	}
	return "", contention()
}

// satellites looks whether pointers and marks are there, and are what they should be.
func (s *scrub) satellites(ctx context.Context, d *Dossier, out *scrubbed) error {
	for _, a := range d.allArtefacts() {
		for _, name := range d.pointersOf(a) {
			there, err := s.c.listed(ctx, name)
			if err != nil {
				return err
			}
			if !there {
				out.problems = append(out.problems, ProblemNoPointer)
			}
		}
	}
	for _, name := range d.marks() {
		there, err := s.c.listed(ctx, name)
		if err != nil {
			return err
		}
		if !there {
			out.problems = append(out.problems, ProblemNoMark)
			out.lost = name
		}
	}
	out.off = !d.marked()
	return nil
}

// listed says whether an object is there, by its name in a list: no identity may
// read pointers.
func (c *Custodian) listed(ctx context.Context, name string) (bool, error) {
	for info, err := range c.store.List(ctx, name) {
		return err == nil && info.Name == name, err
	}
	return false, nil
}

// remark has a dossier marked by the rules of today, and where its mark is missing
// gives it another one.
func (s *scrub) remark(ctx context.Context, p place, lost string) (changed bool, err error) {
	_, _, err = s.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		changed = !d.marked()
		if lost != "" && slices.Contains(d.marks(), lost) {
			d.stored.Due, changed = nil, true
		}
		if !changed {
			return nil, errUnchanged
		}
		d.size += markGrowth // also a dossier at the limit
		return nil, nil
	})
	if reason := fault.ReasonOf(err); reason == ReasonBeingErased || reason == ReasonCustomerNotFound {
		return false, nil // nothing is to be marked any more
	}
	return changed && err == nil, err
}
