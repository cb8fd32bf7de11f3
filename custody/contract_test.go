package custody

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// TestDaysBeginInTheInstitutesTimeZone looks at a contract's state around the
// midnight at which it ends, in summer, in winter, and on the days on which the
// clocks change.
func TestDaysBeginInTheInstitutesTimeZone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		day    string
		begins string // in UTC
	}{
		"winter":              {"2027-01-01", "2026-12-31T23:00:00Z"},
		"summer":              {"2027-07-01", "2027-06-30T22:00:00Z"},
		"clocks go forward":   {"2027-03-28", "2027-03-27T23:00:00Z"},
		"the day after that":  {"2027-03-29", "2027-03-28T22:00:00Z"},
		"clocks go back":      {"2027-10-31", "2027-10-30T22:00:00Z"},
		"the day after those": {"2027-11-01", "2027-10-31T23:00:00Z"},
		"leap day":            {"2028-02-29", "2028-02-28T23:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begins, err := time.Parse(time.RFC3339, c.begins)
			if err != nil {
				t.Fatal(err)
			}
			d := pure(t, noon)
			if err := d.terminate(c.day, "moved", "r1"); err != nil {
				t.Fatal(err)
			}
			for _, at := range []struct {
				when time.Time
				want State
			}{
				{noon, Terminating}, {begins.Add(-time.Nanosecond), Terminating}, {begins, Ended}, {begins.Add(time.Hour), Ended},
			} {
				d.now = at.when
				if got := d.State(); got != at.want {
					t.Errorf("at %v the state is %d, want %d", at.when, got, at.want)
				}
			}
			// The last moment for a termination "today" is the day's own last one.
			eve := pure(t, begins.Add(-time.Nanosecond))
			yesterday := begins.Add(-time.Nanosecond).In(eve.institute.Location).Format(time.DateOnly)
			if err := eve.terminate(yesterday, "", "r"); err != nil || eve.State() != Ended {
				t.Errorf("today, a nanosecond before midnight: %v, state %d", err, eve.State())
			}
			eve = pure(t, begins)
			breaks(t, eve.terminate(yesterday, "", "r"), "effective_date", "effective-date.past")
		})
	}
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	// What a change writes beside the rule's effect: the mark of the next day.
	marked := func(d *Dossier) string {
		d.made, d.removed = nil, nil
		d.remark(random(10))
		return strings.Join(d.made, " ") + " - " + strings.Join(d.removed, " ")
	}

	t.Run("later", func(t *testing.T) {
		d := pure(t, noon)
		if err := d.terminate("2027-01-01", "moved", "r1"); err != nil {
			t.Fatal(err)
		}
		if got := d.contract(); got != (Contract{State: Terminating, EffectiveDate: "2027-01-01", Reason: "moved"}) {
			t.Errorf("contract %+v", got)
		}
		want := "musterbank/due/2027-01-01/" + d.place.pseudonym + "."
		if marks := marked(d); len(d.made) != 1 || !strings.HasPrefix(marks, want) || len(d.removed) != 0 {
			t.Errorf("marks %s, want %s", marks, want)
		}
		if d.customer().ETag != "r1" {
			t.Error("the customer's etag stays the same")
		}
	})
	t.Run("today ends at once", func(t *testing.T) {
		d := pure(t, noon)
		if err := d.terminate("2026-11-21", "", "r1"); err != nil || d.State() != Ended {
			t.Errorf("%v, state %d", err, d.State())
		}
		refusal(t, d.terminate("2026-11-22", "", "r2"), fault.Precondition, ReasonContractEnded)
		refusal(t, d.cancelTermination("r2"), fault.Precondition, ReasonContractEnded)
	})
	t.Run("again", func(t *testing.T) {
		d := pure(t, noon)
		if err := d.terminate("2027-01-01", "", "r1"); err != nil {
			t.Fatal(err)
		}
		marked(d)
		first := d.made
		if err := d.terminate("2027-01-01", "", "r2"); err != nil {
			t.Fatal(err)
		}
		if marks := marked(d); marks != " - " {
			t.Errorf("marks %s: the day is the same", marks)
		}
		if err := d.terminate("2027-02-01", "", "r3"); err != nil {
			t.Fatal(err)
		}
		if marks := marked(d); len(d.made) != 1 || !slices.Equal(d.removed, first) {
			t.Errorf("marks %s: the day has moved", marks)
		}
	})
	t.Run("refused", func(t *testing.T) {
		d := pure(t, noon)
		d.frozen(t, func() {
			breaks(t, d.terminate("2026-11-20", "", "r"), "effective_date", "effective-date.past")
			refusal(t, d.cancelTermination("r"), fault.Precondition, ReasonContractRuns)
		})
	})
	t.Run("cancel", func(t *testing.T) {
		d := pure(t, noon)
		if err := d.terminate("2027-01-01", "", "r1"); err != nil {
			t.Fatal(err)
		}
		marked(d)
		first := d.made
		if err := d.cancelTermination("r2"); err != nil || d.State() != Active || d.contract() != (Contract{}) {
			t.Errorf("%v, contract %+v", err, d.contract())
		}
		if marks := marked(d); len(d.made) != 0 || !slices.Equal(d.removed, first) || d.customer().ETag != "r2" {
			t.Errorf("marks %s, etag %s", marks, d.customer().ETag)
		}
	})
}

func TestCheckReason(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct{ optional, required string }{
		"":                       {"", "required"},
		"   ":                    {"", "required"},
		"moved to Köln":          {},
		"see erika@bank.de":      {"reason.personal", "reason.personal"},
		"IBAN DE89 3704 0044":    {"reason.personal", "reason.personal"},
		strings.Repeat("x", 201): {"reason.length", "reason.length"},
	} {
		for required, want := range map[bool]string{false: c.optional, true: c.required} {
			got := ""
			if found := checkReason(reason, required); len(found) > 0 {
				got = found[0].Rule
			}
			if got != want {
				t.Errorf("%q (required %v) breaks %q, want %q", reason, required, got, want)
			}
		}
	}
}

func TestSetServices(t *testing.T) {
	t.Parallel()
	d := pure(t, noon)
	sim, bike, document := d.having(t, "sim_card"), d.having(t, "bike"), d.having(t, "document")
	document.Scans = []*storagev1.Scan{{Id: "s1"}, {Id: "s2"}}
	staying := d.satellitesOf(bike)
	going := slices.Concat(d.satellitesOf(sim), d.satellitesOf(document))
	left := []string{"SERVICE_BIKE_PROTECTION", "SERVICE_DEVICE_INSURANCE"}

	d.frozen(t, func() {
		refusal(t, d.setServices(left, "", "r1"), fault.Precondition, ReasonETagRequired)
		refusal(t, d.setServices(left, "stale", "r1"), fault.Aborted, ReasonStaleETag)
	})
	if err := d.setServices(left, "r0", "r1"); err != nil {
		t.Fatal(err)
	}
	if len(d.stored.GetArtefacts()) != 1 || d.stored.GetArtefacts()[0] != bike {
		t.Errorf("what is left: %v", d.stored.GetArtefacts())
	}
	if !slices.Equal(d.removed, going) || len(d.made) > 0 || !slices.Equal(d.satellites(), staying) {
		t.Errorf("removed %v, want %v; staying %v, want %v", d.removed, going, d.satellites(), staying)
	}
	if got := d.customer(); got.ETag != "r1" || !slices.Equal(got.Services, left) {
		t.Errorf("customer %+v", got)
	}
	refusal(t, d.register("a", "r", Draft{Field: "artefact", Kind: "sim_card"}), fault.Precondition, ReasonServiceNotBooked)

	d.removed = nil
	if err := d.setServices(append(left, "SERVICE_SIM_CARD_PROTECTION"), "", "r2"); err != nil {
		t.Errorf("booking one more needs no etag: %v", err)
	}
	if len(d.removed) > 0 || len(d.stored.GetArtefacts()) != 1 {
		t.Error("booking one more removed something")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	d := pure(t, noon)
	sim, document := d.having(t, "sim_card"), d.having(t, "document")
	document.Scans = []*storagev1.Scan{{Id: "s1"}, {Id: "s2"}}
	d.frozen(t, func() {
		refusal(t, d.deleteArtefact("nope", ""), fault.NotFound, ReasonArtefactNotFound)
		refusal(t, d.deleteArtefact(sim.GetId(), "stale"), fault.Aborted, ReasonStaleETag)
		refusal(t, d.deleteScan("nope", "s1", "r"), fault.NotFound, ReasonArtefactNotFound)
		refusal(t, d.deleteScan(document.GetId(), "nope", "r"), fault.NotFound, ReasonScanNotFound)
		refusal(t, d.deleteScan(sim.GetId(), "s1", "r"), fault.NotFound, ReasonScanNotFound)
	})
	if err := d.deleteScan(document.GetId(), "s1", "r5"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.removed, []string{d.place.scan("s1")}) || len(document.GetScans()) != 1 || document.GetRecord().GetRevision() != "r5" {
		t.Errorf("removed %v, left %v", d.removed, document.GetScans())
	}
	d.removed = nil
	want := d.satellitesOf(document)
	if err := d.deleteArtefact(document.GetId(), "r5"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.removed, want) || len(d.stored.GetArtefacts()) != 1 {
		t.Errorf("removed %v, want %v", d.removed, want)
	}
}

func TestLinkScan(t *testing.T) {
	t.Parallel()
	d := pure(t, noon)
	document := d.having(t, "document")
	for i := range d.limits.Scans {
		if err := d.linkScan(document.GetId(), "r", &storagev1.Scan{Id: newID()}); err != nil {
			t.Fatalf("scan %d: %v", i, err)
		}
	}
	d.frozen(t, func() {
		refusal(t, d.linkScan(document.GetId(), "r", &storagev1.Scan{}), fault.Exhausted, ReasonTooMany)
		refusal(t, d.linkScan("nope", "r", &storagev1.Scan{}), fault.NotFound, ReasonArtefactNotFound)
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	d := pure(t, noon)
	if _, done, err := d.replay("x", []byte("f")); done || err != nil {
		t.Errorf("an unknown request: %v, %v", done, err)
	}
	d.remember("x", []byte("f"), []string{"a1"})
	if results, done, err := d.replay("x", []byte("f")); !done || err != nil || !slices.Equal(results, []string{"a1"}) {
		t.Errorf("the same request: %v, %v, %v", results, done, err)
	}
	_, done, err := d.replay("x", []byte("g"))
	if done {
		t.Error("another request under the same id is taken for done")
	}
	refusal(t, err, fault.Invalid, ReasonRequestIDReused)
	for i := range requestsKept {
		if _, done, _ := d.replay("x", []byte("f")); !done {
			t.Fatalf("forgotten after %d others", i)
		}
		d.remember(newID(), []byte("f"), nil)
	}
	if _, done, _ := d.replay("x", []byte("f")); done || len(d.stored.GetRequests()) != requestsKept {
		t.Errorf("%d requests are kept, want %d", len(d.stored.GetRequests()), requestsKept)
	}
}
