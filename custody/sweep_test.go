package custody

import (
	"slices"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestSweepAtTheContractsEnd sweeps just before and just after the midnight at
// which a contract ends.
func TestSweepAtTheContractsEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		berlin, err := time.LoadLocation(defaultZone)
		if err != nil {
			t.Fatal(err)
		}
		var now time.Time
		c := w.server(t, func(cfg *Config) { cfg.Now = func() time.Time { return now } })
		now = time.Date(2027, 3, 27, 15, 0, 0, 0, berlin)
		f, later := w.fixture(ctx, t), w.fixture(ctx, t)
		for name, day := range map[*fixture]string{f: "2027-03-28", later: "2027-03-29"} {
			if _, err := c.Terminate(ctx, name.customer, day, "moved", Request{}); err != nil {
				t.Fatal(err)
			}
		}
		midnight := time.Date(2027, 3, 28, 0, 0, 0, 0, berlin)
		for _, s := range []struct {
			at   time.Time
			want SweepReport
		}{
			{midnight.Add(-time.Millisecond), SweepReport{}},
			{midnight, SweepReport{Erased: 1}},
			{midnight, SweepReport{}},
			{midnight.Add(23*time.Hour - time.Millisecond), SweepReport{}}, // the clocks go forward
			{midnight.Add(23 * time.Hour), SweepReport{Erased: 1}},
		} {
			now = s.at
			if got, err := c.Sweep(ctx, SweepOptions{}); err != nil || got != s.want {
				t.Errorf("at %v: %v, %+v, want %+v", s.at, err, got, s.want)
			}
		}
		for _, f := range []*fixture{f, later} {
			out, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
			if err != nil || out.Statement.Policy != PolicyRetention || out.Statement.Reason != "moved" {
				t.Errorf("%v, %+v", err, out.Statement)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestEndedContractGivesNothingOut tries everything between the end of the
// contract and the sweep.
func TestEndedContractGivesNothingOut(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		customer, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{})
		if err != nil || customer.Contract.State != Ended {
			t.Fatal(err, customer.Contract)
		}
		_, err = c.Reveal(ctx, f.sim, nil)
		refusal(t, err, fault.Precondition, ReasonContractEnded)
		_, err = readScan(ctx, c, f.scan)
		refusal(t, err, fault.Precondition, ReasonContractEnded)
		_, err = addPDF(ctx, c, f.document, custodytest.NewSpecimens(60).PDF(100), Request{})
		refusal(t, err, fault.Precondition, ReasonContractEnded)
		_, _, err = c.Artefacts(ctx, f.customer, Page{Size: 9})
		refusal(t, err, fault.Precondition, ReasonContractEnded)
		officer := ForRestricted(ctx, "LEGAL_CLAIM")
		if list, _, err := c.Artefacts(officer, f.customer, Page{Size: 9}); err != nil || len(list) != 3 {
			t.Errorf("listing for a purpose: %v, %d", err, len(list))
		}
		if _, err := readScan(officer, c, f.scan); err != nil {
			t.Errorf("reading a scan for a purpose: %v", err)
		}
		_, err = c.Reveal(officer, f.sim, nil)
		refusal(t, err, fault.Precondition, ReasonContractEnded)
		refusal(t, c.DeleteArtefact(officer, f.bike, "", Request{}), fault.Precondition, ReasonContractEnded)
		w.mustBeWhole(ctx, t)
	})
}

// TestSweepBesideATermination sweeps after the mark of a termination is written
// and before the dossier is.
func TestSweepBesideATermination(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c := w.server(t, w.before("store.put", w.secret.key.place(f.customer).dossier(), func() {
			if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
				t.Errorf("sweep: %v, %+v", err, report)
			}
		}))
		if _, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		w.mustBeWhole(ctx, t)
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{Erased: 1}) {
			t.Errorf("the contract has ended, and the sweep does not see it: %v, %+v", err, report)
		}
	})
}

// TestSweepSparesWhoStays has a server whose clock is behind cancel a termination
// while the sweep is about to erase.
func TestSweepSparesWhoStays(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		tomorrow := w.clock.now().Add(26 * time.Hour)
		behind := w.server(t)
		day := tomorrow.In(time.UTC).Format(time.DateOnly)
		if _, err := behind.Terminate(ctx, f.customer, day, "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		ahead := w.server(t, func(cfg *Config) {
			cfg.Now = func() time.Time { return tomorrow.Add(24 * time.Hour) }
		}, w.before("store.put", w.secret.key.place(f.customer).intent(), func() {
			if _, err := behind.CancelTermination(ctx, f.customer, Request{}); err != nil {
				t.Error(err)
			}
		}))
		if report, err := ahead.Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
			t.Errorf("sweep: %v, %+v", err, report)
		}
		if got := w.describe(ctx, t, f.customer); got == gone {
			t.Error("who took back the termination is erased")
		}
		w.mustBeWhole(ctx, t)
	})
}

// TestSweepLeavesYoungNotes sweeps while a change is under way.
func TestSweepLeavesYoungNotes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		c := w.server(t, w.before("store.put", w.secret.key.place(f.customer).dossier(), func() {
			if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
				t.Errorf("sweep: %v, %+v", err, report)
			}
		}))
		if _, err := addPDF(ctx, c, f.document, custodytest.NewSpecimens(61).PDF(100), Request{}); err != nil {
			t.Fatal(err)
		}
		w.mustBeWhole(ctx, t)

		broken := w.server(t, limited(Limits{Scans: 20}), w.scripted(onlyFirst(6)))
		if _, err := addPDF(ctx, broken, f.document, custodytest.NewSpecimens(62).PDF(100), Request{}); err == nil {
			t.Fatal("it should have broken off")
		}
		if names := w.names(ctx, t, pendings(w.institute)); len(names) != 1 {
			t.Fatalf("notes %q, want one", names)
		}
		before := w.names(ctx, t, "")
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report != (SweepReport{}) {
			t.Errorf("sweep: %v, %+v", err, report)
		}
		if !slices.Equal(w.names(ctx, t, ""), before) {
			t.Error("a sweep took what a change may still need")
		}
		w.clock.advance(PendingGrace + time.Minute)
		if report, err := w.server(t).Sweep(ctx, SweepOptions{}); err != nil || report.Settled != 1 || report.Failures != 0 {
			t.Errorf("sweep: %v, %+v", err, report)
		}
		w.mustBeWhole(ctx, t)
	})
}
