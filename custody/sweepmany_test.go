package custody

import (
	"context"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// ended are customers whose contract ends today.
func (w *world) ended(ctx context.Context, t testing.TB, c *Custodian, n int) (names []resource.Customer) {
	t.Helper()
	s := custodytest.NewSpecimens(90)
	for range n {
		name := w.newCustomer()
		if _, err := c.Enrol(ctx, name, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
			t.Fatal(err)
		}
		drafts := []Draft{{Field: "a", Kind: "sim_card", Values: s.Artefact("sim_card")}, {Field: "b", Kind: "bike", Values: s.Artefact("bike")}}
		if _, err := c.Register(ctx, name, drafts, Request{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Terminate(ctx, name, today(c), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// sweepAtOnce has several custodians sweep at once, and adds their reports up.
func (w *world) sweepAtOnce(t *testing.T, n int, log Recorder, options ...func(*Config)) (sum SweepReport) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range n {
		c := w.server(t, append(options, logged(t))...)
		all.Go(func() {
			<-begin
			report, err := c.Sweep(t.Context(), SweepOptions{Recorder: log})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			sum.Erased += report.Erased
			sum.Shed += report.Shed
			sum.Resumed += report.Resumed
			sum.Settled += report.Settled
			sum.Removed += report.Removed
			sum.Failures += report.Failures
			sum.OldestDue = earlier(sum.OldestDue, report.OldestDue)
		})
	}
	close(begin)
	all.Wait()
	return sum
}

const (
	sweepsAtOnce = 4
	dueAtOnce    = 30
)

// TestManySweepsEraseOnce: what several sweeps find due at once is erased by one of
// them each.
func TestManySweepsEraseOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, log := t.Context(), w.server(t), &book{}
		names := w.ended(ctx, t, c, dueAtOnce)
		if got, want := w.sweepAtOnce(t, sweepsAtOnce, log), (SweepReport{Erased: dueAtOnce}); got != want {
			t.Errorf("together they did %+v, want %+v", got, want)
		}
		if n := log.actions()[sweepAction]; n != dueAtOnce || len(log.events) != dueAtOnce {
			t.Errorf("on record are %v", log.actions())
		}
		if receipts := w.names(ctx, t, w.institute+"/receipts/"); len(receipts) != dueAtOnce {
			t.Errorf("%d receipts, want %d", len(receipts), dueAtOnce)
		}
		for _, prefix := range []string{dueDays(w.institute), w.institute + rotationDossiers, intents(w.institute), "index/"} {
			if left := w.names(ctx, t, prefix); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		}
		for _, name := range names {
			if got := w.describe(ctx, t, name); got != gone {
				t.Errorf("%s is not erased", name)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// dated is a store whose clock is the world's, as if it were moved forward together
// with those of the servers.
type dated struct {
	blobstore.Driver
	now func() time.Time

	mu sync.Mutex
	at map[string]time.Time
}

func (d *dated) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	info, err := d.Driver.Put(ctx, name, body, size, cond)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.at[name] = d.now()
	}
	return info, err
}

// date gives an object the time of its last write.
func (d *dated) date(info blobstore.Info) blobstore.Info {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, known := d.at[info.Name]; known {
		info.Modified = at
	}
	return info
}

func (d *dated) Stat(ctx context.Context, name string) (blobstore.Info, error) {
	info, err := d.Driver.Stat(ctx, name)
	return d.date(info), err
}

func (d *dated) List(ctx context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		for info, err := range d.Driver.List(ctx, prefix) {
			if !yield(d.date(info), err) {
				return
			}
		}
	}
}

// TestManySweepsShedOnce: of what is shed, several sweeps give each key one new
// version, and end the old one once.
func TestManySweepsShedOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, log := t.Context(), &book{}
		now := time.Now() // it stands still, however slow the machine is
		w.blobs = &dated{Driver: w.blobs, now: func() time.Time { return now }, at: map[string]time.Time{}}
		lasting := func(cfg *Config) {
			cfg.Now, cfg.Institutes[0].Retention = func() time.Time { return now }, retention.Defaults()
		}
		c := w.server(t, lasting)
		names := w.ended(ctx, t, c, dueAtOnce)
		if got, want := w.sweepAtOnce(t, sweepsAtOnce, log, lasting), (SweepReport{Shed: dueAtOnce}); got != want {
			t.Errorf("together they did %+v, want %+v", got, want)
		}
		if got := log.actions(); got[shedAction] != dueAtOnce || got[rotateAction] != dueAtOnce || len(log.events) != 2*dueAtOnce {
			t.Errorf("on record are %v", got)
		}
		if got := w.sweepAtOnce(t, sweepsAtOnce, log, lasting); got != (SweepReport{}) || len(log.events) != 2*dueAtOnce {
			t.Errorf("at once again they did %+v, on record are %v", got, log.actions())
		}
		now = now.Add(2 * time.Minute)
		if got := w.sweepAtOnce(t, sweepsAtOnce, log, lasting); got != (SweepReport{}) {
			t.Errorf("later they did %+v", got)
		}
		if got := log.actions(); got[retireAction] != dueAtOnce || len(log.events) != 3*dueAtOnce {
			t.Errorf("on record are %v", got)
		}
		for _, name := range names {
			d, err := c.viewAt(ctx, name, w.secret.key.place(name), needs{doing: keeping})
			if err != nil || d.stored.GetShedDate() != "" || len(d.compartments()) > 0 || len(d.stored.GetArtefacts()) != 2 {
				t.Fatalf("%v, %v", err, d)
			}
			if info, err := c.keys.Info(ctx, d.key.Name); err != nil || info.LatestVersion != 2 || info.OldestVersion != 2 {
				t.Errorf("the key has %+v, %v", info, err)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestSweepPassesOverWhatIsTaken: a mark that another sweep took is left to it for
// the lease, and to whoever comes after that.
func TestSweepPassesOverWhatIsTaken(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		w.ended(ctx, t, c, 1)
		mark := w.names(ctx, t, dueDays(w.institute))[0]
		if _, err := c.store.Put(ctx, mark, []byte(newID()), blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{}) {
			t.Errorf("taken, and another sweep did %+v, %v", got, err)
		}
		w.clock.advance(2 * defaultLease)
		if got, err := c.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{Erased: 1}) {
			t.Errorf("a minute later a sweep did %+v, %v", got, err)
		}
	})
}

// TestSweepGivesBackWhatFails: what one sweep could not do the next one tries at
// once, and until then it counts as overdue.
func TestSweepGivesBackWhatFails(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		lasting := func(cfg *Config) { cfg.Institutes[0].Retention = retention.Defaults() }
		w.ended(ctx, t, c, 1)
		denied := func(_ context.Context, call custodytest.Call) custodytest.Fate {
			if call.Op == "vault.rotate" || call.Op == "vault.destroy" {
				return custodytest.Refuse
			}
			return custodytest.Pass
		}
		broken := w.server(t, lasting, w.scripted(denied))
		day := retention.Day(today(c))
		if got, err := broken.Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{Shed: 1, Failures: 1, OldestDue: day}) {
			t.Errorf("with keys that can't be rotated a sweep did %+v, %v", got, err)
		}
		if info, err := c.store.Stat(ctx, w.names(ctx, t, dueDays(w.institute))[0]); err != nil || info.Size != 0 {
			t.Errorf("the mark is still taken: %+v, %v", info, err)
		}
		w.clock.advance(2 * time.Minute)
		log := &book{}
		if got, err := w.server(t, lasting).Sweep(ctx, SweepOptions{Recorder: log}); err != nil || got != (SweepReport{}) || log.actions()[rotateAction] != 1 {
			t.Errorf("the next one did %+v, %v, and on record is %v", got, err, log.actions())
		}
	})
}

// unasked is an audit log that nobody may ask.
type unasked struct{ t *testing.T }

func (u unasked) Ready(context.Context, audit.Durability) error {
	u.t.Error("the audit log is asked")
	return nil
}

func (u unasked) Record(context.Context, audit.Event, audit.Durability) error {
	u.t.Error("something is recorded")
	return nil
}

// TestDrySweep counts what a sweep would do, and the sweep then does that.
func TestDrySweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.ended(ctx, t, w.server(t), 2) // by rules that keep nothing: all of it is due
		lasting := func(cfg *Config) { cfg.Institutes[0].Retention = retention.Defaults() }
		shed := w.server(t, lasting)
		held := w.ended(ctx, t, shed, 1)[0]
		if _, err := shed.Hold(ctx, held, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{}); err != nil {
			t.Fatal(err)
		}
		f := w.fixture(ctx, t)
		broken := w.server(t, w.scripted(onlyFirst(6)))
		if _, err := addPDF(ctx, broken, f.document, custodytest.NewSpecimens(62).PDF(100), Request{}); err == nil {
			t.Fatal("it should have broken off")
		}
		if _, err := shed.store.Put(ctx, dueDay(w.institute, "2026-01-01")+w.secret.key.place(f.customer).pseudonym+".orphan", nil, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		// A request that was confirmed and broke off, and one that has lapsed.
		for _, change := range []func(*storedRequest, *fixture){
			func(r *storedRequest, f *fixture) {
				r.ConfirmedBy, r.Confirmed, r.Revision = "officer-paul", w.clock.now(), f.etag
			},
			func(r *storedRequest, _ *fixture) { r.Requested = r.Requested.Add(-2 * ErasureLapse) },
		} {
			asked := w.fixture(ctx, t)
			p := w.secret.key.place(asked.customer)
			r, err := shed.readRequest(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			change(r, asked)
			if err := shed.writeRequest(ctx, p, r, blobstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.advance(PendingGrace + time.Minute)
		before := w.bytes(ctx, t)
		reads := func(_ context.Context, call custodytest.Call) custodytest.Fate {
			switch call.Op {
			case "store.open", "store.stat", "store.list", "vault.unwrap", "vault.info":
				return custodytest.Pass
			}
			t.Errorf("a dry run makes the call %s", call.Op)
			return custodytest.Refuse
		}
		var through, total int
		dry := SweepOptions{DryRun: true, Recorder: unasked{t}, Progress: func(done, of int) { through, total = done, of }}
		for name, rules := range map[string]func(*Config){"all": func(*Config) {}, "shed": lasting} {
			got, err := w.server(t, rules, w.scripted(reads)).Sweep(ctx, dry)
			if err != nil || got.Found == nil {
				t.Fatal(err, got)
			}
			found := got.Found.Classes
			got.Found = nil
			want := SweepReport{Resumed: 1, Settled: 1, Removed: 2, OldestDue: "2026-01-01"}
			if name == "all" {
				want.Erased = 2
			} else {
				want.Shed = 2
			}
			if got != want {
				t.Errorf("%s: found %+v, want %+v", name, got, want)
			}
			if secrets := found["secrets"]; secrets < 2 || name == "all" != (found["customer"] == 2) || name == "all" != (found["artefacts.bike"] == 2) {
				t.Errorf("%s: found %v", name, found)
			}
			if through != 4 || total != 4 {
				t.Errorf("%s: %d of %d are through", name, through, total)
			}
		}
		if after := w.bytes(ctx, t); after != before {
			t.Error("a dry run changed something")
		}
		if got, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || got != (SweepReport{Resumed: 1, Erased: 2, Settled: 1, Removed: 2}) {
			t.Errorf("in earnest: %+v, %v", got, err)
		}
	})
}

// bytes is everything that is stored, with the times of writing.
func (w *world) bytes(ctx context.Context, t testing.TB) string {
	t.Helper()
	out := ""
	for info, err := range blobstore.New(w.blobs).List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		out += info.Name + " " + info.ETag + " " + info.Modified.String() + "\n"
	}
	return out
}
