package custody

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/vault"
)

// book is an audit log in memory.
type book struct {
	mu     sync.Mutex
	events []audit.Event
	full   int   // how many events it takes; all where zero
	away   error // what Ready says
}

func (b *book) Ready(_ context.Context, d audit.Durability) error {
	if d != audit.Locked {
		return errors.New("not asked for the locked store")
	}
	return b.away
}

func (b *book) Record(_ context.Context, e audit.Event, d audit.Durability) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d != audit.Locked || b.full > 0 && len(b.events) == b.full {
		return errors.New("the audit log can't be written")
	}
	b.events = append(b.events, e)
	return nil
}

// actions counts the events by their action.
func (b *book) actions() map[string]int {
	counts := map[string]int{}
	for _, e := range b.events {
		counts[e.Action]++
	}
	return counts
}

// versions are those of a customer's key.
func (w *world) versions(ctx context.Context, t testing.TB, c *Custodian, name resource.Customer) vault.Info {
	t.Helper()
	d, err := c.view(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.keys.Info(ctx, d.key.Name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wrapped are all wrapped data keys of a customer, by where they lie.
func wrapped(ctx context.Context, t testing.TB, c *Custodian, name resource.Customer) map[string]string {
	t.Helper()
	d, err := c.view(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"dossier": string(d.key.Wrapped)}
	for i, comp := range d.compartments() {
		h, err := seal.ParseHeader(comp.GetSealed())
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("compartment %d", i)] = string(h.Wrapped)
	}
	for _, a := range d.stored.GetArtefacts() {
		for _, s := range a.GetScans() {
			sealed, err := openReplaceable(ctx, c.store, d.place.scan(s.GetId()))
			if err != nil {
				t.Fatal(err)
			}
			h, err := sealed.readHeader()
			if err := errors.Join(err, sealed.Close()); err != nil {
				t.Fatal(err)
			}
			all[s.GetId()] = string(h.Wrapped)
		}
	}
	return all
}

func (w *world) rotate(ctx context.Context, t testing.TB, c *Custodian, o RotateOptions) RotateReport {
	t.Helper()
	report, err := c.Rotate(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestRotate rotates a customer: every data key changes its wrapping and nothing
// else changes, and what is done is on record.
func TestRotate(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t, logged(t))
		f, untouched := w.fixture(ctx, t), w.fixture(ctx, t)
		state, keys, others := w.state(ctx, t, f), wrapped(ctx, t, c, f.customer), wrapped(ctx, t, c, untouched.customer)
		log := &book{}
		report := w.rotate(ctx, t, c, RotateOptions{Customer: f.customer, Recorder: log, Principal: "operator"})
		distinct := len(slices.Compact(slices.Sorted(maps.Values(keys))))
		if report.Total != 1 || report.Done != 1 || report.Rotated != 1 || report.Rewrapped != distinct || report.Failed()+report.Retired != 0 {
			t.Errorf("%d data keys, report %+v", distinct, report)
		}
		if info := w.versions(ctx, t, c, f.customer); info != (vault.Info{LatestVersion: 2, OldestVersion: 1}) {
			t.Errorf("%+v", info)
		}
		for at, now := range wrapped(ctx, t, c, f.customer) {
			if now == keys[at] {
				t.Errorf("%s is wrapped as before", at)
			}
		}
		if got := w.state(ctx, t, f); got != state {
			t.Errorf("the customer changed:\n%s\nwas\n%s", got, state)
		}
		if !maps.Equal(wrapped(ctx, t, c, untouched.customer), others) {
			t.Error("another customer was rotated too")
		}
		w.mustBeWhole(ctx, t)

		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		if len(log.events) != 1 {
			t.Fatalf("%d events", len(log.events))
		}
		want := audit.Event{
			ID: log.events[0].ID, Action: "keys/Rotate", Principal: "operator", Institute: w.institute,
			Subject: d.stored.GetSubjectId(), Code: "OK",
		}
		if asJSON(t, log.events[0]) != asJSON(t, want) || want.ID == "" {
			t.Errorf("recorded %s", asJSON(t, log.events[0]))
		}

		// Once more, without a new version, there is nothing to do.
		keys = wrapped(ctx, t, c, f.customer)
		report = w.rotate(ctx, t, c, RotateOptions{Customer: f.customer, RewrapOnly: true, Recorder: log})
		if report.Rotated+report.Rewrapped != 0 || report.Done != 1 || len(log.events) != 1 || !maps.Equal(keys, wrapped(ctx, t, c, f.customer)) {
			t.Errorf("nothing was to be done: %+v, %d events", report, len(log.events))
		}
	})
}

// TestRewrapOnly brings under the newest version what somebody else rotated.
func TestRewrapOnly(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, log := t.Context(), w.server(t), &book{}
		f := w.fixture(ctx, t)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.keys.Rotate(ctx, d.key.Name); err != nil {
			t.Fatal(err)
		}
		report := w.rotate(ctx, t, c, RotateOptions{Institute: w.institute, RewrapOnly: true, Recorder: log})
		if report.Done != 1 || report.Rotated != 0 || report.Rewrapped == 0 || log.actions()["keys/Rewrap"] != 1 || len(log.events) != 1 {
			t.Errorf("%+v, %v", report, log.actions())
		}
		if err := c.keys.Retire(ctx, d.key.Name, 2); err != nil {
			t.Fatal(err)
		}
		w.mustBeWhole(ctx, t) // so nothing was left under the first version
	})
}

// TestRotateMany rotates an institute: who is being erased is left alone, who is
// damaged is counted, and the report is complete.
func TestRotateMany(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, log := t.Context(), w.server(t), &book{}
		var all []*fixture
		for range 6 {
			all = append(all, w.fixture(ctx, t))
		}
		erased, erasing, damaged := all[0], all[1], all[2]
		if _, err := erase(ctx, c, erased.customer, "asked for it", "", Request{}); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.change(ctx, erasing.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
			d.stored.Erasing = true
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		p := c.secret.place(damaged.customer)
		if _, err := c.store.Put(ctx, p.dossier(), []byte("garbage"), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		lost := w.newCustomer()
		if _, err := c.store.Put(ctx, c.secret.place(lost).dossier(), []byte(lostDossier), blobstore.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		var watched []int
		report := w.rotate(ctx, t, c, RotateOptions{
			Institute: w.institute, Recorder: log, Rate: 1000,
			Progress: func(done, total int) {
				if total != 6 {
					t.Errorf("%d of %d", done, total)
				}
				watched = append(watched, done)
			},
		})
		if report.Total != 6 || report.Done != 3 || report.Rotated != 3 || report.Skipped != 2 || !maps.Equal(report.Failures, map[string]int{ReasonCorrupt: 1}) {
			t.Errorf("%+v", report)
		}
		if !slices.Equal(watched, []int{1, 2, 3, 4, 5, 6}) || log.actions()["keys/Rotate"] != 3 {
			t.Errorf("watched %v, recorded %v", watched, log.actions())
		}
		for _, f := range all[3:] {
			if info := w.versions(ctx, t, c, f.customer); info.LatestVersion != 2 {
				t.Errorf("%+v", info)
			}
		}
		// With a failure the job stays, and the next one goes on with it.
		report = w.rotate(ctx, t, c, RotateOptions{Institute: w.institute, Recorder: log})
		if report.Resumed.IsZero() || report.Rotated != 0 || report.Done != 3 {
			t.Errorf("gone on with: %+v", report)
		}
	})
}

// TestRotationGoesOn breaks a rotation off after each event in turn; the next
// one rotates exactly who is left.
func TestRotationGoesOn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := []*fixture{w.fixture(ctx, t), w.fixture(ctx, t), w.fixture(ctx, t)}
		narrow := &book{full: 1}
		report, err := c.Rotate(ctx, RotateOptions{Institute: w.institute, Recorder: narrow})
		if fault.ReasonOf(err) != ReasonAudit || report.Done > 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		away := &book{away: errors.New("the audit log is away")}
		if report, err := c.Rotate(ctx, RotateOptions{Institute: w.institute, Recorder: away}); err == nil || report.Rotated > 0 {
			t.Errorf("without a log: %+v, %v", report, err)
		}
		marked := 0
		for _, one := range f {
			d, err := c.view(ctx, one.customer)
			if err != nil {
				t.Fatal(err)
			}
			if d.stored.GetRotation() != "" {
				marked++
			}
		}
		if marked > 1 {
			t.Errorf("%d are marked as rotated, and one event was recorded", marked)
		}
		w.clock.advance(jobLife - time.Hour)
		log := &book{}
		late := w.fixture(ctx, t) // enrolled after the rotation was begun
		report = w.rotate(ctx, t, c, RotateOptions{Institute: w.institute, Recorder: log})
		if report.Resumed.IsZero() || report.Done != 4 || report.Rotated != 3-marked {
			t.Errorf("gone on with: %+v", report)
		}
		if info := w.versions(ctx, t, c, late.customer); info.LatestVersion != 1 {
			t.Errorf("who was enrolled meanwhile: %+v", info)
		}
		if left := w.names(ctx, t, "system/jobs/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		w.mustBeWhole(ctx, t)
		report = w.rotate(ctx, t, c, RotateOptions{Institute: w.institute, Recorder: log})
		if !report.Resumed.IsZero() || report.Rotated != 4 {
			t.Errorf("a new one: %+v", report)
		}
	})
}
