package blobstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
)

// fakeArchive does what its functions say.
type fakeArchive struct {
	create   func(ctx context.Context, name string, data []byte) error
	versions func(ctx context.Context, prefix string) iter.Seq2[Version, error]
	read     func(ctx context.Context, name, id string, most int64) ([]byte, error)
	other    error // of all other calls
}

func (d *fakeArchive) Create(ctx context.Context, name string, data []byte) error {
	return d.create(ctx, name, data)
}

func (d *fakeArchive) Versions(ctx context.Context, prefix string) iter.Seq2[Version, error] {
	return d.versions(ctx, prefix)
}

func (d *fakeArchive) Read(ctx context.Context, name, id string, most int64) ([]byte, error) {
	return d.read(ctx, name, id, most)
}

func (d *fakeArchive) Prepare(context.Context) error { return d.other }
func (d *fakeArchive) Ping(context.Context) error    { return d.other }
func (d *fakeArchive) Close() error                  { return d.other }

func TestArchiveBoundsRequestsInFlight(t *testing.T) {
	t.Parallel()
	for call, do := range map[string]func(context.Context, *Archive) error{
		"Create": func(ctx context.Context, a *Archive) error { return a.Create(ctx, "a", nil) },
		"Read":   func(ctx context.Context, a *Archive) error { _, err := a.Read(ctx, "a", "1"); return err },
		"Versions": func(ctx context.Context, a *Archive) error {
			for _, err := range a.Versions(ctx, "") {
				return err
			}
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &blocking{proceed: make(chan struct{})}
			a := NewArchive(&fakeArchive{
				create: func(context.Context, string, []byte) error { b.wait(); return ErrConflict },
				read:   func(context.Context, string, string, int64) ([]byte, error) { b.wait(); return nil, ErrNotFound },
				versions: func(context.Context, string) iter.Seq2[Version, error] {
					return func(yield func(Version, error) bool) { b.wait(); yield(Version{}, nil) }
				},
			}, WithArchiveLimits(Limits{Reads: 3, Writes: 3}))
			for range 10 {
				go func() { _ = do(t.Context(), a) }()
			}
			synctest.Wait()
			if b.now != 3 {
				t.Errorf("%s: %d at once, want 3", call, b.now)
			}
			// Who waits for a place waits as long as its context lasts.
			ctx, cancel := context.WithCancel(t.Context())
			waiting := make(chan error, 1)
			go func() { waiting <- do(ctx, a) }()
			synctest.Wait()
			cancel()
			if err := <-waiting; !errors.Is(err, context.Canceled) {
				t.Errorf("%s that gave up waiting: %v", call, err)
			}
			for range 10 {
				b.proceed <- struct{}{}
				synctest.Wait()
			}
			if b.now != 0 || b.max != 3 {
				t.Errorf("%s: %d left, at most %d at once", call, b.now, b.max)
			}
		})
	}
}

// A loop over versions may use the archive even if only one reader is allowed.
func TestArchiveHoldsNoPlaceInALoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := NewArchive(&fakeArchive{
			versions: func(context.Context, string) iter.Seq2[Version, error] {
				return func(yield func(Version, error) bool) {
					_ = yield(Version{ID: "1"}, nil) && yield(Version{ID: "2"}, nil)
				}
			},
			read: func(context.Context, string, string, int64) ([]byte, error) { return nil, nil },
		}, WithArchiveLimits(Limits{Reads: 1}))
		for v, err := range a.Versions(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Read(t.Context(), "a", v.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestArchiveKeepsTheDriversErrors(t *testing.T) {
	t.Parallel()
	for _, want := range []error{ErrNotFound, ErrConflict, ErrUnavailable, ErrTooLarge, context.DeadlineExceeded} {
		inner := fmt.Errorf("%w: more about it", want)
		a := NewArchive(&fakeArchive{
			create:   func(context.Context, string, []byte) error { return inner },
			read:     func(context.Context, string, string, int64) ([]byte, error) { return nil, inner },
			versions: func(context.Context, string) iter.Seq2[Version, error] { return fails(inner) },
			other:    inner,
		})
		_, readErr := a.Read(t.Context(), "a", "1")
		errs := []error{a.Create(t.Context(), "a", nil), readErr, a.Prepare(t.Context()), a.Ping(t.Context()), a.Close()}
		for _, err := range a.Versions(t.Context(), "") {
			errs = append(errs, err)
		}
		if len(errs) != 6 {
			t.Fatalf("%d errors", len(errs))
		}
		for _, err := range errs {
			if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "blobstore: ") {
				t.Errorf("%v, want %v", err, want)
			}
		}
	}
}

func fails(err error) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) { yield(Version{}, err) }
}
