package custody

import (
	"context"
	"errors"

	"github.com/wertfach/wertfach/blobstore"
)

// Any number of sweeps work at once. So that no two do the same, a sweep takes the
// mark of what it is going to erase or shed: it writes something random into it, on
// condition that nobody else did since it was listed. A mark that is taken was
// written a moment ago and is not empty; the others pass over it. Who took one and
// died holds it no longer than the lease of an erasure.
//
// That spares work, and nothing relies on it: two who work at one dossier after all,
// because one was slow or a clock is off, erase it once by its intent, and shed it
// once by the condition of its write.

// taken says whether another sweep is at what the mark stands for.
func (s *sweep) taken(mark blobstore.Info) bool {
	return mark.Size > 0 && s.c.now().Sub(mark.Modified) < s.c.lease
}

// take takes the mark; false where somebody else did, or it is gone.
func (s *sweep) take(ctx context.Context, mark blobstore.Info) (claim blobstore.Info, mine bool, err error) {
	claim, err = s.c.store.Put(ctx, mark.Name, []byte(newID()), blobstore.IfMatch(mark.ETag))
	if errors.Is(err, blobstore.ErrConflict) {
		return claim, false, nil
	}
	return claim, err == nil, err
}

// release gives back a mark that stands for something that is still to be done. It
// may be gone, or somebody else's by now; where it fails the claim ends by itself.
func (s *sweep) release(ctx context.Context, claim blobstore.Info) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	_, err := s.c.store.Put(ctx, claim.Name, nil, blobstore.IfMatch(claim.ETag))
	if !errors.Is(err, blobstore.ErrConflict) {
		s.c.warn(ctx, "giving back what a sweep had taken", err)
	}
}

// alone does something to what a mark stands for while no other sweep does. Where one
// is ahead it does nothing.
func (s *sweep) alone(ctx context.Context, mark blobstore.Info, do func() error) error {
	if s.taken(mark) {
		return nil
	}
	claim, mine, err := s.take(ctx, mark)
	if err != nil || !mine {
		return err
	}
	if err := do(); !errors.Is(err, errMarkGone) {
		s.release(ctx, claim)
		return err
	}
	return nil
}

// errMarkGone is what has been done with the mark gone, so that there is nothing to
// give back.
var errMarkGone = errors.New("done, and the mark is gone")

// resting says whether nobody has written a dossier for so long that whoever began
// to shed it must have broken off.
func (s *sweep) resting(dossier blobstore.Info) bool {
	return s.options.Grace < 0 || s.c.now().Sub(dossier.Modified) >= max(s.c.lease, defaultGrace)
}
