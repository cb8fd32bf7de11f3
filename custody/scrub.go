package custody

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/custody/fault"
)

// A scrub looks at everything that is stored for customers, at a set rate and
// beside servers that go on: that it is there, opens, and is what it was. What lies
// at rest is read by nobody for years; this is how damage is found while backups
// still have what was damaged. It is also how changed retention rules reach dossiers
// that nobody changes: it has them marked anew.
//
// scrub.go walks over the dossiers, scrubone.go looks at one of them and what belongs
// to it, scrubjob.go lets a scrub go on where an earlier one stopped.

// ScrubOptions say what a scrub looks at and how fast.
type ScrubOptions struct {
	// Institute is the only one whose dossiers are looked at; all where empty.
	Institute string
	// NoScans reads of scans no more than their beginning and size, for an identity
	// that may not open them.
	NoScans bool
	// Rate bounds how many dossiers are begun in a second; no bound where zero. Four
	// are under way at once.
	Rate int
	// Restart begins anew where an earlier scrub could be gone on with.
	Restart bool
	// Progress, where given, hears of every dossier that is through.
	Progress func(done, total int)
}

// What a scrub finds wrong.
const (
	ProblemDossier     = "dossier-corrupt"     // the dossier does not authenticate, or can't be read
	ProblemKey         = "key-gone"            // a dossier whose key is destroyed, and nobody is erasing it
	ProblemCompartment = "compartment-foreign" // a secret that names another key than the customer's, or is cut
	ProblemScan        = "scan-corrupt"        // a scan that does not authenticate, or has another size
	ProblemDiffers     = "scan-differs"        // a scan that opens and is not what the dossier says
	ProblemNoScan      = "scan-missing"        // the dossier refers to a scan that is not there
	ProblemNoPointer   = "pointer-missing"     // an artefact is not found by its number
	ProblemNoMark      = "mark-missing"        // no sweep would have found what is due; it is marked anew
)

// ScrubProblem is something that a scrub found wrong, by its place. Whose it is can
// only be told by who knows the customer's number.
type ScrubProblem struct {
	Institute string `json:"institute"`
	Pseudonym string `json:"pseudonym"`
	What      string `json:"problem"` // one of the constants
}

// ScrubReport says what a scrub looked at and what it found. It counts over all
// parts of a scrub that was stopped and gone on with.
type ScrubReport struct {
	Total    int            // dossiers that there were when it began, or was gone on with
	Done     int            // dossiers that were looked at, with what belongs to them
	Scans    int            // scans that were read, or with NoScans measured
	Bytes    int64          // how many bytes of scans were read
	Remarked int            // dossiers that got another mark, because the rules changed or it was missing
	Skipped  int            // customers who are being erased, or gone
	Problems map[string]int // what is wrong, by kind
	Found    []ScrubProblem // the first thousand of them, in the order of the places
	Failures map[string]int // dossiers that could not be looked at now, by reason
	Resumed  time.Time      // when the scrub was begun that this one went on with
}

// Wrong is how many things are wrong.
func (r ScrubReport) Wrong() int { return total(r.Problems) }

// Failed is how many dossiers could not be looked at.
func (r ScrubReport) Failed() int { return total(r.Failures) }

func total(counts map[string]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

const (
	scrubAtOnce = 4    // dossiers
	scrubBatch  = 100  // dossiers after which it is remembered how far it is
	mostFound   = 1000 // problems in a report
)

// Scrub looks at all dossiers and what belongs to them. What it can't look at is
// counted and logged, and it goes on; the error is for a scrub that broke off,
// because a back end stays away, another scrub is at the same, or the context ended.
// It is repeated to go on. The report is good in any case.
func (c *Custodian) Scrub(ctx context.Context, o ScrubOptions) (ScrubReport, error) {
	s := &scrub{c: c, options: o}
	err := s.run(ctx)
	report := s.job.Report.clone()
	report.Total, report.Resumed = s.total, s.resumed
	return report, backend(err)
}

type scrub struct {
	c       *Custodian
	options ScrubOptions
	job     scrubJob
	etag    string // of the job as it is stored
	resumed time.Time
	total   int
	away    atomic.Int64 // failures in a row because a back end is away

	mu      sync.Mutex
	through int // dossiers, for who watches
}

func (s *scrub) run(ctx context.Context) error {
	if one := s.options.Institute; one != "" && !s.c.Serves(one) {
		return instituteNotFound()
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.walk(ctx, "", func(place) error { s.total++; return nil }); err != nil {
		return err
	}
	s.through = s.job.Report.Done + s.job.Report.Skipped + s.job.Report.Failed()
	var batch []place
	next := time.Now()
	look := func() error {
		err := s.batch(ctx, batch, &next)
		batch = batch[:0]
		return err
	}
	err := s.walk(ctx, s.job.Last, func(p place) error {
		if batch = append(batch, p); len(batch) < scrubBatch {
			return nil
		}
		return look()
	})
	if err == nil {
		err = look()
	}
	if err != nil {
		return err
	}
	return s.finish(ctx)
}

// walk goes through the dossiers in the order of their names, from after the one that
// is given.
func (s *scrub) walk(ctx context.Context, after string, do func(place) error) error {
	for _, institute := range s.institutes() {
		for info, err := range s.c.store.List(ctx, institute+rotationDossiers) {
			if err != nil {
				return err
			}
			if info.Name <= after {
				continue
			}
			if err := do(place{institute: institute, pseudonym: path.Base(info.Name)}); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// institutes are those that are looked at, in the order of their dossiers' names.
func (s *scrub) institutes() []string {
	if s.options.Institute != "" {
		return []string{s.options.Institute}
	}
	return slices.SortedFunc(maps.Keys(s.c.institutes), func(a, b string) int {
		return strings.Compare(a+rotationDossiers, b+rotationDossiers)
	})
}

// batch looks at some dossiers, a few at once, and then remembers how far it is.
func (s *scrub) batch(ctx context.Context, places []place, next *time.Time) error {
	outcomes := make([]*scrubbed, len(places))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(scrubAtOnce)
	for i, p := range places {
		if s.options.Rate > 0 {
			if pause(gctx, time.Until(*next)) != nil {
				break
			}
			*next = time.Now().Add(time.Second / time.Duration(s.options.Rate))
		}
		group.Go(func() error {
			own, cancel := context.WithTimeout(gctx, customerTime)
			defer cancel()
			out, err := s.one(own, p)
			if gctx.Err() != nil {
				return gctx.Err() // what it says is not to be trusted
			}
			outcomes[i] = out
			s.step()
			return s.judge(ctx, p, out, err)
		})
	}
	err := cmp.Or(group.Wait(), ctx.Err())
	for i, out := range outcomes {
		if out == nil || err != nil && out.failed != "" {
			break // from here on it is to be done again
		}
		s.job.Last = places[i].dossier()
		s.job.Report.add(places[i], out)
	}
	return errors.Join(err, s.remember(context.WithoutCancel(ctx)))
}

// judge decides what it means that a dossier could not be looked at: it is counted,
// unless a back end stays away.
func (s *scrub) judge(ctx context.Context, p place, out *scrubbed, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = unavailable(err)
	}
	if err == nil {
		s.away.Store(0)
		return nil
	}
	err = backend(err)
	out.failed = cmp.Or(fault.ReasonOf(err), "INTERNAL")
	s.c.log.LogAttrs(ctx, slog.LevelWarn, "a dossier could not be looked at; repeat the scrub",
		slog.String("institute", p.institute), slog.String("pseudonym", p.pseudonym),
		slog.String("reason", out.failed), slog.Any("cause", fault.Cause(err)))
	if fault.KindOf(err) == fault.Unavailable && s.away.Add(1) >= outage {
		return err
	}
	return nil
}

// step tells who watches that one more is through.
func (s *scrub) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.through++; s.options.Progress != nil {
		s.options.Progress(min(s.through, s.total), s.total)
	}
}

// clone is a copy that no later part of the scrub changes.
func (r ScrubReport) clone() ScrubReport {
	r.Problems, r.Failures, r.Found = maps.Clone(r.Problems), maps.Clone(r.Failures), slices.Clone(r.Found)
	return r
}

// add adds what came of one dossier.
func (r *ScrubReport) add(p place, out *scrubbed) {
	r.Scans += out.scans
	r.Bytes += out.bytes
	switch {
	case out.failed != "":
		r.Failures[out.failed]++
		return
	case out.skipped:
		r.Skipped++
		return
	}
	r.Done++
	if out.remarked {
		r.Remarked++
	}
	for _, what := range out.problems {
		r.Problems[what]++
		if len(r.Found) < mostFound {
			r.Found = append(r.Found, ScrubProblem{p.institute, p.pseudonym, what})
		}
	}
}
