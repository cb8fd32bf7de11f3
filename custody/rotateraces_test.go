package custody

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestRotateWhileServing rotates customers time and again while servers read,
// change, reveal, upload and download. Nobody may notice.
func TestRotateWhileServing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := w.fixture(ctx, t)
		var rounds atomic.Int64
		group, gctx := errgroup.WithContext(ctx)
		rotated := make(chan struct{})
		serve := func(name string, call func(*Custodian, int) error) {
			c := w.server(t)
			group.Go(func() error {
				for i := 0; ; i++ {
					select {
					case <-rotated:
						return nil
					default:
					}
					// Other changes of the same customer may come first too often.
					if err := call(c, i); err != nil && fault.ReasonOf(err) != ReasonContention {
						return fmt.Errorf("%s: %w", name, err)
					}
					rounds.Add(1)
				}
			})
		}
		serve("reading", func(c *Custodian, _ int) error { _, err := c.Customer(gctx, f.customer); return err })
		serve("revealing", func(c *Custodian, _ int) error { _, err := c.Reveal(gctx, f.sim, nil); return err })
		serve("downloading", func(c *Custodian, _ int) error {
			_, content, err := c.OpenScan(gctx, f.scan)
			if err != nil {
				return err
			}
			defer content.Close()
			n, err := io.Copy(io.Discard, content)
			if err == nil && n != 40_000 {
				err = fmt.Errorf("%d bytes", n)
			}
			return err
		})
		serve("changing", func(c *Custodian, i int) error {
			_, err := c.UpdateArtefact(gctx, f.sim, "sim_card", Update{
				Values: field.Values{"sim_card.puk": fmt.Sprintf("%08d", i)}, Paths: []string{"sim_card.puk"}, Request: request("x"),
			})
			return err
		})
		serve("uploading", func(c *Custodian, i int) error {
			s, err := addPDF(gctx, c, f.document, custodytest.NewSpecimens(uint64(i)).PDF(30_000), request(fmt.Sprint(i)))
			if err != nil {
				return err
			}
			return c.DeleteScan(gctx, s.Name, request(fmt.Sprint("delete ", i)))
		})
		group.Go(func() error {
			defer close(rotated)
			c := w.server(t, logged(t))
			for range 12 {
				report, err := c.Rotate(gctx, RotateOptions{Institute: w.institute, Recorder: &book{}})
				switch {
				case err != nil:
					return err
				case report.Failures[ReasonContention] == report.Total, report.Done == report.Total:
				default:
					return fmt.Errorf("%+v", report)
				}
			}
			return nil
		})
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if rounds.Load() < 5 {
			t.Errorf("only %d calls beside 12 rotations", rounds.Load())
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestDownloadOverRotation reads a scan that is replaced half way, twice, and
// one that is deleted half way.
func TestDownloadOverRotation(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		pdf := custodytest.NewSpecimens(9).PDF(3 << 20)
		scan, err := addPDF(ctx, c, f.document, pdf, request("large"))
		if err != nil {
			t.Fatal(err)
		}
		_, content, err := c.OpenScan(ctx, scan.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		var got []byte
		for range 2 {
			part := make([]byte, 1<<20)
			if _, err := io.ReadFull(content, part); err != nil {
				t.Fatal(err)
			}
			got = append(got, part...)
			w.rotate(ctx, t, c, RotateOptions{Customer: f.customer, Recorder: &book{}})
		}
		rest, err := io.ReadAll(content)
		if err != nil || string(append(got, rest...)) != string(pdf) {
			t.Errorf("%d and %d of %d bytes: %v", len(got), len(rest), len(pdf), err)
		}
	})
}

// TestRetireOld gives old versions up once nothing is left under them, and not while
// an upload may need one. The next sweep destroys what was given up.
func TestRetireOld(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, log := t.Context(), w.server(t), &book{}
		f, busy := w.fixture(ctx, t), w.fixture(ctx, t)
		p := c.secret.place(f.customer)
		backup, _, err := c.store.Get(ctx, p.dossier())
		if err != nil {
			t.Fatal(err)
		}
		note := c.secret.place(busy.customer).newTrail()
		if err := c.takeNote(ctx, note, c.secret.place(busy.customer).scan(newID())); err != nil {
			t.Fatal(err)
		}
		options := RotateOptions{Institute: w.institute, RetireOld: true, Grace: time.Nanosecond, Recorder: log}
		report := w.rotate(ctx, t, c, options)
		if report.Total != 2 || report.Done != 2 || report.Rotated != 2 || report.Retired != 1 || report.Deferred != 1 {
			t.Errorf("%+v", report)
		}
		if got := log.actions(); got["keys/Rotate"] != 2 || len(got) != 1 {
			t.Errorf("recorded %v", got)
		}
		if again := w.rotate(ctx, t, c, RotateOptions{Institute: w.institute, RewrapOnly: true, RetireOld: true, Grace: time.Nanosecond, Recorder: log}); again.Retired != 0 {
			t.Errorf("given up once more: %+v", again)
		}
		if info := w.versions(ctx, t, c, f.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 1}) {
			t.Errorf("the operator destroyed something: %+v", info)
		}
		sweep := func() {
			t.Helper()
			if report, err := c.Sweep(ctx, SweepOptions{Grace: -1, Recorder: log}); err != nil || report.Failures+report.Shed+report.Erased > 0 {
				t.Errorf("sweep: %v, %+v", err, report)
			}
		}
		sweep()
		if got := log.actions(); got["keys/Rotate"] != 2 || got["keys/Retire"] != 1 || len(got) != 2 {
			t.Errorf("recorded %v", got)
		}
		if info := w.versions(ctx, t, c, f.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 2}) {
			t.Errorf("%+v", info)
		}
		if info := w.versions(ctx, t, c, busy.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 1}) {
			t.Errorf("while there is an upload: %+v", info)
		}
		c.tidy(ctx, note.note, nil)
		w.mustBeWhole(ctx, t)
		options.RewrapOnly = true
		if report = w.rotate(ctx, t, c, options); report.Retired != 1 || report.Rotated+report.Deferred != 0 {
			t.Errorf("after the upload: %+v", report)
		}
		sweep()
		if info := w.versions(ctx, t, c, busy.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 2}) {
			t.Errorf("after the upload: %+v", info)
		}
		if d := w.opened(ctx, t, f.customer); d.stored.GetShedDate() != "" || d.stored.GetOldestVersion() != 0 {
			t.Errorf("a sweep is still to do something: %q", d.stored.GetShedDate())
		}
		w.mustBeWhole(ctx, t)
		// A dossier out of a backup does not open any more: that is the price.
		if _, err := c.store.Put(ctx, p.dossier(), backup, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Customer(ctx, f.customer); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("out of a backup: %v", err)
		}
	})
}

// TestForgedJob puts a forged, a damaged and an old job into the store: nobody
// is taken for rotated because of it.
func TestForgedJob(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		object := jobObject(w.institute)
		options := RotateOptions{Institute: w.institute, Recorder: &book{}}
		w.rotate(ctx, t, c, options)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		old := rotationJob{ID: d.stored.GetRotation(), Begun: w.clock.now().Add(-jobLife), object: object}
		elsewhere := old
		elsewhere.object, elsewhere.Begun = jobObject(""), w.clock.now()
		for version, put := range []func() error{
			func() error { return c.writeJob(ctx, old, blobstore.Condition{}) },
			func() error {
				_, err := c.store.Put(ctx, object, []byte("garbage"), blobstore.Condition{})
				return err
			},
			func() error {
				if err := c.writeJob(ctx, elsewhere, blobstore.Condition{}); err != nil {
					return err
				}
				moved, _, err := c.store.Get(ctx, elsewhere.object)
				if err == nil {
					_, err = c.store.Put(ctx, object, moved, blobstore.Condition{})
				}
				return err
			},
		} {
			if err := put(); err != nil {
				t.Fatal(err)
			}
			if report := w.rotate(ctx, t, c, options); report.Rotated != 1 || !report.Resumed.IsZero() {
				t.Errorf("%+v", report)
			}
			if info := w.versions(ctx, t, c, f.customer); info.LatestVersion != version+3 {
				t.Errorf("%+v", info)
			}
		}
	})
}

// TestRotateRefuses asks for what there is not.
func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c, log := t.Context(), w.server(t), &book{}
	gone := w.newCustomer()
	abroad := resource.Customer{Institute: resource.Institute{ID: "elsewhere"}, ID: "1"}
	for name, test := range map[string]struct {
		options RotateOptions
		want    string
	}{
		"no customer":          {RotateOptions{Customer: gone, Recorder: log}, ReasonCustomerNotFound},
		"no such institute":    {RotateOptions{Institute: "elsewhere", Recorder: log}, ReasonInstituteNotFound},
		"customer of none":     {RotateOptions{Customer: abroad, Recorder: log}, ReasonCustomerNotFound},
		"nothing to record in": {RotateOptions{}, "INTERNAL"},
	} {
		if _, err := c.Rotate(ctx, test.options); fault.ReasonOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Rotate(ended, RotateOptions{Recorder: log}); err == nil {
		t.Error("no error though the context had ended")
	}
	if len(log.events) != 0 {
		t.Errorf("recorded %v", log.actions())
	}
}

// TestRetireAfterAFailure: whom the first pass could not rotate the second one
// does, and leaves his old version for the next rotation.
func TestRetireAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, f := t.Context(), []*fixture{}
	for range 2 {
		f = append(f, w.fixture(ctx, t))
	}
	var rotations atomic.Int64
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Op == "vault.rotate" && rotations.Add(1) == 1 {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	log := &book{}
	report := w.rotate(ctx, t, c, RotateOptions{Recorder: log, RetireOld: true, Grace: time.Nanosecond})
	if report.Done != 2 || report.Rotated != 2 || report.Retired != 1 || report.Deferred != 1 || report.Failed() != 0 {
		t.Errorf("%+v", report)
	}
	failed := 0
	for _, e := range log.events {
		if e.Code == "UNAVAILABLE" && e.Reason == ReasonUnavailable {
			failed++
		}
	}
	if failed != 1 || len(log.events) != 3 {
		t.Errorf("%d of %d events are of a failure", failed, len(log.events))
	}
	for _, one := range f {
		if info := w.versions(ctx, t, c, one.customer); info.LatestVersion != 2 {
			t.Errorf("%+v", info)
		}
	}
	w.mustBeWhole(ctx, t)
}

// TestRotateAtTheLimit rotates a dossier that is larger than it may be by now.
func TestRotateAtTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t, limited(Limits{DossierBytes: 10}))
	f := w.fixture(ctx, t)
	report := w.rotate(ctx, t, c, RotateOptions{Customer: f.customer, Recorder: &book{}})
	index := w.rotateIndex(ctx, t, c, hasty(&book{}))
	if report.Done != 1 || !index.Complete {
		t.Errorf("%+v, %+v", report, index)
	}
	w.mustBeWhole(ctx, t)
}

// TestRotateEndsInAnOutage gives up where the keeper of keys stays away, instead
// of failing for each customer in turn.
func TestRotateEndsInAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx := t.Context()
	const customers = outage + 2*rotateAtOnce
	for range customers {
		w.fixture(ctx, t)
	}
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Op == "vault.rotate" {
			return custodytest.Refuse
		}
		return custodytest.Pass
	}))
	report, err := c.Rotate(ctx, RotateOptions{Recorder: &book{}})
	if fault.ReasonOf(err) != ReasonUnavailable || report.Failed() < outage || report.Failed() >= customers {
		t.Errorf("%+v, %v", report, err)
	}
	report = w.rotate(ctx, t, w.server(t), RotateOptions{Recorder: &book{}})
	if report.Resumed.IsZero() || report.Rotated != customers || report.Done != customers {
		t.Errorf("when it is back: %+v", report)
	}
}
