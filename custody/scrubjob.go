package custody

import (
	"context"
	"errors"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// scrubJob is a scrub as it lies in the store while it goes on: how far it is, and
// what it has found. It is authenticated like that of a rotation: who can merely
// write the store can't have a scrub pass over what he damaged.
type scrubJob struct {
	Begun   time.Time   `json:"begun_time"`
	Saved   time.Time   `json:"save_time"`
	NoScans bool        `json:"no_scans"`
	Last    string      `json:"last"` // the dossier up to which all have been looked at
	Report  ScrubReport `json:"report"`
}

// begin goes on with the same scrub that was stopped, or begins one. Only one that
// was stopped within the last seven days is gone on with: else what it found of the
// first dossiers says little about them.
func (s *scrub) begin(ctx context.Context) error {
	now := s.c.now().UTC()
	fresh := scrubJob{Begun: now, NoScans: s.options.NoScans, Report: ScrubReport{Problems: map[string]int{}, Failures: map[string]int{}}}
	var there scrubJob
	etag, err := s.c.loadJob(ctx, s.object(), &there)
	switch {
	case errors.Is(err, blobstore.ErrNotFound):
	case fault.KindOf(err) == fault.Corrupt:
		s.etag = etag
	case err != nil:
		return err
	default:
		s.etag = etag
		if !s.options.Restart && there.NoScans == s.options.NoScans && now.Sub(there.Saved) < jobLife {
			s.job, s.resumed = there, there.Begun
			if s.job.Report.Problems == nil {
				s.job.Report.Problems = map[string]int{}
			}
			if s.job.Report.Failures == nil {
				s.job.Report.Failures = map[string]int{}
			}
			return nil
		}
	}
	s.job = fresh
	return s.remember(ctx)
}

// object names the job.
func (s *scrub) object() string {
	if s.options.Institute == "" {
		return "system/jobs/scrub"
	}
	return "system/jobs/scrub." + s.options.Institute
}

// remember stores how far it is, unless another scrub is at the same.
func (s *scrub) remember(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanup)
	defer cancel()
	s.job.Saved = s.c.now().UTC()
	condition := blobstore.IfAbsent()
	if s.etag != "" {
		condition = blobstore.IfMatch(s.etag)
	}
	etag, err := s.c.storeJob(ctx, s.object(), s.job, condition)
	if errors.Is(err, blobstore.ErrConflict) {
		return fault.New(fault.Aborted, ReasonContention, "another scrub is at the same; wait for its end")
	}
	if err == nil {
		s.etag = etag
	}
	return err
}

// finish ends the job. Where something could not be looked at it is over too: the
// next scrub looks at everything again.
func (s *scrub) finish(ctx context.Context) error { return s.c.store.Delete(ctx, s.object()) }
