package custody

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
)

// life is one customer over the years: what happens, and on which days which
// class of data must be gone.
type life struct {
	name     string
	enrolled string
	ends     string                  // the first day without contract, or ""
	events   map[string]func() error // by day
	gone     map[string]string       // class by the first day without it
	kept     []span                  // in the place of gone, where things come and go
	customer resource.Customer
}

// span is how long something is kept: from a day until before another one, or for good.
type span struct{ class, from, to string }

// TestFortyYears sweeps every day of forty years over customers in every state,
// half an hour after midnight and half an hour before, and looks on each of those
// occasions at what is left of each. The days are chosen around leap days, the ends
// of years and the changes of the clocks.
func TestFortyYears(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	berlin, err := time.LoadLocation(defaultZone)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 1, 1, 0, 30, 0, 0, berlin)
	rules := retention.Defaults().With(
		retention.Rule{Class: "artefacts.sim_card", Anchor: retention.ContractEnd, Alignment: retention.EndOfNextYear, Basis: "§ 95(3) TKG old"},
		retention.Rule{Class: "artefacts.bike", Anchor: retention.ContractEnd, Period: retention.Period{Months: 1}, Alignment: retention.Exact, Basis: "a month"},
		retention.Rule{Class: "artefacts.device", Anchor: retention.ContractEnd, Period: retention.Period{Years: 10}, Alignment: retention.EndOfYear, Basis: "books"},
	)
	c := w.server(t, func(cfg *Config) {
		cfg.Now = func() time.Time { return now }
		cfg.Institutes = []Institute{{ID: w.institute, Retention: rules}}
	})
	ctx := t.Context()
	places := func(l *life) place { return w.secret.key.place(l.customer) }
	held := func(l *life, hold HoldDraft) func() error {
		return func() error { _, err := c.Hold(ctx, l.customer, hold, Request{}); return err }
	}
	lives := []*life{
		{name: "stays", enrolled: "2027-01-01", gone: map[string]string{"disclosure": "2035-01-01"}},
		{name: "ends in the middle of a year", enrolled: "2027-01-01", ends: "2029-07-01", gone: map[string]string{
			"secrets": "2029-07-01", "bike": "2029-07-31", "sim_card": "2031-01-01", "document": "2033-01-01", "device": "2040-01-01", "all": "2040-01-01",
		}},
		{name: "ends with a year", enrolled: "2027-03-01", ends: "2030-01-01", gone: map[string]string{
			"secrets": "2030-01-01", "bike": "2030-02-01", "sim_card": "2031-01-01", "document": "2033-01-01", "device": "2040-01-01", "all": "2040-01-01",
		}},
		{name: "ends with the first day of a year", enrolled: "2027-03-01", ends: "2030-01-02", gone: map[string]string{
			"secrets": "2030-01-02", "bike": "2030-02-02", "sim_card": "2032-01-01", "document": "2034-01-01", "device": "2041-01-01", "all": "2041-01-01",
		}},
		{name: "ends with a leap day", enrolled: "2027-12-31", ends: "2028-03-01", gone: map[string]string{
			"secrets": "2028-03-01", "bike": "2028-03-30", "sim_card": "2030-01-01", "document": "2032-01-01", "device": "2039-01-01", "all": "2039-01-01",
		}},
		{name: "ends with the end of January before a leap day", enrolled: "2027-12-31", ends: "2028-02-01", gone: map[string]string{
			"secrets": "2028-02-01", "bike": "2028-03-01", "sim_card": "2030-01-01", "document": "2032-01-01", "device": "2039-01-01", "all": "2039-01-01",
		}},
		{name: "ends as the clocks go forward", enrolled: "2028-01-01", ends: "2028-03-26", gone: map[string]string{
			"secrets": "2028-03-26", "bike": "2028-04-26", "sim_card": "2030-01-01", "document": "2032-01-01", "device": "2039-01-01", "all": "2039-01-01",
		}},
		{name: "ends as the clocks go back", enrolled: "2028-01-01", ends: "2028-10-29", gone: map[string]string{
			"secrets": "2028-10-29", "bike": "2028-11-29", "sim_card": "2030-01-01", "document": "2032-01-01", "device": "2039-01-01", "all": "2039-01-01",
		}},
		{name: "takes it back", enrolled: "2027-02-01", ends: "2031-05-01"},
		{name: "restricted for two years", enrolled: "2027-02-01", ends: "2031-05-01", gone: map[string]string{
			"secrets": "2033-06-15", "bike": "2033-06-15", "sim_card": "2033-06-15", "document": "2035-01-01", "device": "2042-01-01", "all": "2042-01-01",
		}},
		{name: "held until the court has decided", enrolled: "2027-02-01", ends: "2031-05-01", gone: map[string]string{
			"secrets": "2043-02-02", "bike": "2043-02-02", "sim_card": "2043-02-02", "document": "2043-02-02", "device": "2043-02-02", "all": "2043-02-02",
		}},
		{name: "held until a day", enrolled: "2027-02-01", ends: "2031-05-01", gone: map[string]string{
			"secrets": "2036-02-29", "bike": "2036-02-29", "sim_card": "2036-02-29", "document": "2036-02-29", "device": "2042-01-01", "all": "2042-01-01",
		}},
		{name: "owes for thirty years", enrolled: "2027-02-01", ends: "2031-05-01", gone: map[string]string{
			"secrets": "2062-03-01", "bike": "2062-03-01", "sim_card": "2062-03-01", "document": "2062-03-01", "device": "2062-03-01", "all": "2062-03-01",
		}},
		{name: "comes back", enrolled: "2027-02-01", ends: "2029-07-01", kept: []span{
			{"all", "2027-02-01", ""}, {"secrets", "2027-02-01", "2029-07-01"}, {"bike", "2027-02-01", "2029-07-31"},
			{"sim_card", "2027-02-01", "2030-06-01"}, {"device", "2027-02-01", "2030-06-01"}, {"document", "2027-02-01", "2030-06-01"},
			{"former", "2030-06-01", "2040-01-01"}, {"former sim_card", "2030-06-01", "2031-01-01"},
			{"former document", "2030-06-01", "2033-01-01"}, {"former device", "2030-06-01", "2040-01-01"},
			{"secrets", "2030-06-01", ""}, {"bike", "2030-06-01", ""}, {"document", "2030-06-01", ""},
		}},
		{name: "was identified by a copy", enrolled: "2027-02-01", gone: map[string]string{"document": "2028-02-29"}},
	}
	on := func(name string) *life {
		return lives[slices.IndexFunc(lives, func(l *life) bool { return l.name == name })]
	}
	on("takes it back").events = map[string]func() error{"2031-04-30": func() error {
		_, err := c.CancelTermination(ctx, on("takes it back").customer, Request{})
		return err
	}}
	restricted := on("restricted for two years")
	restricted.events = map[string]func() error{
		"2031-01-31": func() error { _, err := c.Restrict(ctx, restricted.customer, "GROUND_UNLAWFUL", Request{}); return err },
		"2033-06-15": func() error { _, err := c.Lift(ctx, restricted.customer, now.Add(-time.Minute), Request{}); return err },
	}
	court := on("held until the court has decided")
	court.events = map[string]func() error{
		"2031-04-30": held(court, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/31"}),
		"2043-02-02": func() error {
			r, err := c.ExplainRetention(ctx, court.customer, "")
			if err == nil {
				_, err = c.Release(ctx, court.customer, r.Holds[0].ID, Request{})
			}
			return err
		},
	}
	on("held until a day").events = map[string]func() error{
		"2031-04-30": held(on("held until a day"), HoldDraft{Kind: "KIND_OFFICIAL_ORDER", Reason: "seized", Until: "2036-02-29"}),
	}
	on("owes for thirty years").events = map[string]func() error{
		"2031-02-28": held(on("owes for thirty years"), HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/31", Until: "2032-03-01"}),
		"2032-02-29": held(on("owes for thirty years"), HoldDraft{Kind: HoldTitled, Reason: "4 O 12/31"}),
	}
	on("stays").events = map[string]func() error{"2028-02-29": func() error {
		_, err := c.Disclose(ctx, on("stays").customer, DisclosureDraft{
			Recipient: "Versicherung Köln", Purpose: "PURPOSE_CLAIM", Classes: []string{string(retention.Customer)},
		}, Request{})
		return err
	}}
	returns := on("comes back")
	returns.events = map[string]func() error{"2030-06-01": func() error {
		s := custodytest.NewSpecimens(8)
		if _, err := c.Enrol(ctx, returns.customer, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services(), Returning: true}); err != nil {
			return err
		}
		_, err := c.Register(ctx, returns.customer, []Draft{
			{Field: "bike", Kind: "bike", Values: s.Artefact("bike")}, {Field: "document", Kind: "document", Values: s.Artefact("document")},
		}, Request{})
		return err
	}}
	identified := on("was identified by a copy")
	identified.events = map[string]func() error{"2028-02-29": func() error {
		list, _, err := c.Artefacts(ctx, identified.customer, Page{Size: 10})
		for _, a := range list {
			if err == nil && a.Kind == "document" {
				_, err = c.UpdateArtefact(ctx, a.Name, "document", Update{
					Values: field.Values{pathIdentificationOnly: "true", pathPurposeFulfilled: "2028-02-29"},
					Paths:  []string{pathIdentificationOnly, pathPurposeFulfilled},
				})
			}
		}
		return err
	}}

	enrol := func(l *life) {
		l.customer = w.newCustomer()
		s := custodytest.NewSpecimens(7)
		if _, err := c.Enrol(ctx, l.customer, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
			t.Fatal(err)
		}
		var drafts []Draft
		for _, kind := range []string{"sim_card", "bike", "device", "document"} {
			drafts = append(drafts, Draft{Field: kind, Kind: kind, Values: s.Artefact(kind)})
		}
		list, err := c.Register(ctx, l.customer, drafts, Request{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := addPDF(ctx, c, list[3].Name, s.PDF(100), Request{}); err != nil {
			t.Fatal(err)
		}
		if l.ends != "" {
			if _, err := c.Terminate(ctx, l.customer, l.ends, "moved", Request{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// left is what is left of a customer, by the names that gone has.
	left := func(l *life) []string {
		d, err := c.viewAt(ctx, l.customer, places(l), needs{doing: keeping})
		if fault.KindOf(err) == fault.NotFound {
			if names := w.names(ctx, t, ""); slices.ContainsFunc(names, func(n string) bool {
				return strings.Contains(n, places(l).pseudonym) && !strings.Contains(n, "/receipts/")
			}) {
				t.Fatalf("%s: something is left beside the dossier: %v", l.name, names)
			}
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds := []string{"all"}
		if len(d.compartments()) > 0 {
			kinds = append(kinds, "secrets")
		}
		for _, of := range d.terms() {
			prefix := ""
			if of.former {
				kinds, prefix = append(kinds, "former"), "former "
			}
			for _, a := range *of.artefacts {
				kinds = append(kinds, prefix+a.GetKind())
			}
		}
		if len(d.stored.GetDisclosures()) > 0 {
			kinds = append(kinds, "disclosure")
		}
		slices.Sort(kinds)
		return kinds
	}
	expected := func(l *life, day string) []string {
		var kinds []string
		for _, k := range l.kept {
			if k.from <= day && (k.to == "" || day < k.to) {
				kinds = append(kinds, k.class)
			}
		}
		if l.kept != nil {
			slices.Sort(kinds)
			return kinds
		}
		for _, kind := range []string{"all", "bike", "device", "disclosure", "document", "secrets", "sim_card"} {
			first, goes := l.gone[kind]
			if kind == "disclosure" && (l.name != "stays" || day < "2028-02-29") {
				continue
			}
			if !goes || day < first {
				kinds = append(kinds, kind)
			}
		}
		return kinds
	}
	total := SweepReport{}
	sweep := func() {
		report, err := c.Sweep(ctx, SweepOptions{})
		if err != nil || report.Failures > 0 {
			t.Fatalf("sweep at %v: %v, %+v", now, err, report)
		}
		total.Erased += report.Erased
		total.Shed += report.Shed
	}
	last := map[*life]string{}
	days := 0
	for day := now; day.Year() < 2067; day = day.AddDate(0, 0, 1) {
		days++
		now = time.Date(day.Year(), day.Month(), day.Day(), 0, 30, 0, 0, berlin)
		today := now.Format(time.DateOnly)
		for _, l := range lives {
			if l.enrolled == today {
				enrol(l)
			}
			if event := l.events[today]; event != nil {
				if err := event(); err != nil {
					t.Fatalf("%s on %s: %v", l.name, today, err)
				}
			}
		}
		sweep()
		// Most days nothing is to happen; those on which it is, and those before,
		// are looked at closely, and every thirtieth.
		tomorrow := now.AddDate(0, 0, 1).Format(time.DateOnly)
		for _, l := range lives {
			if l.enrolled > today {
				continue
			}
			want := expected(l, today)
			changes := fmt.Sprint(want) != last[l] || fmt.Sprint(expected(l, tomorrow)) != fmt.Sprint(want)
			last[l] = fmt.Sprint(want)
			if !changes && days%30 != 0 {
				continue
			}
			if got := left(l); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s: on %s there is %v, want %v", l.name, today, got, want)
			}
			now = time.Date(day.Year(), day.Month(), day.Day(), 23, 30, 0, 0, berlin)
			sweep()
			if got := left(l); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s: at the end of %s there is %v, want %v", l.name, today, got, want)
			}
			now = time.Date(day.Year(), day.Month(), day.Day(), 0, 30, 0, 0, berlin)
		}
	}
	if days != 14610 || total.Erased != 11 {
		t.Errorf("%d days, %+v", days, total)
	}
	w.mustBeWhole(ctx, t)
}

// TestShedDoesNotOpenFromABackup: what went by its rule opens no more out of an
// older copy of the store, though the customer's key lives on for the rest, not even
// for who may do anything with the keeper of keys. A sweep that broke off before the
// key's older version was destroyed, and after nothing opened any more, is gone on
// with.
func TestShedDoesNotOpenFromABackup(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c, f := w.server(t, lasting), w.fixture(ctx, t)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		p := d.place
		backup, _, err := c.store.Get(ctx, p.dossier())
		if err != nil {
			t.Fatal(err)
		}
		secret := d.compartments()[0].GetSealed()
		if _, err := c.Terminate(ctx, f.customer, today(c), "moved", Request{}); err != nil {
			t.Fatal(err)
		}
		log := &book{}
		if _, err := c.Sweep(ctx, SweepOptions{Grace: -1, Recorder: log}); err != nil {
			t.Fatal(err)
		}
		if err := w.decryptsFrom(t, d.key.Name, 2); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sweep(ctx, SweepOptions{Grace: -1, Recorder: log}); err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, e := range log.events {
			if e.Subject == d.stored.GetSubjectId() {
				actions = append(actions, e.Action+" "+strings.Join(e.Classes, " "))
			}
		}
		if got := strings.Join(actions, "; "); got != "sweep/Shed secrets; keys/Rotate ; keys/Retire " {
			t.Errorf("on record is %q", got)
		}
		now, err := c.viewAt(ctx, f.customer, p, needs{doing: keeping})
		if err != nil || len(now.compartments()) > 0 || now.stored.GetShedDate() != "" || len(now.stored.GetArtefacts()) != 3 {
			t.Fatalf("%v, %d secrets, %q", err, len(now.compartments()), now.stored.GetShedDate())
		}
		if _, err := readScan(ForRestricted(ctx, "CONSENT"), c, f.scan); err != nil {
			t.Errorf("a scan that stays: %v", err)
		}
		if info, err := c.keys.Info(ctx, d.key.Name); err != nil || info != (vault.Info{LatestVersion: 2, OldestVersion: 2}) {
			t.Errorf("the older version is there: %+v, %v", info, err)
		}
		if err := w.decryptsFrom(t, d.key.Name, 1); err == nil && w.deployment.Folder == "" {
			t.Error("Vault lets a version that was destroyed decrypt again")
		}
		// Somebody restores the store as it was.
		if _, err := c.store.Put(ctx, p.dossier(), backup, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server(t, lasting).view(ctx, f.customer); err == nil {
			t.Error("the older dossier opens")
		}
		if _, err := c.keys.Unwrap(ctx, d.key.Name, vault.Secret, wrappedIn(t, secret)); err == nil {
			t.Error("the key of a secret that went opens")
		}
	})
}

// decryptsFrom has an administrator of Vault say which version of a key is the oldest
// that decrypts. The embedded keyring has no such thing: there it does nothing.
func (w *world) decryptsFrom(t *testing.T, key string, oldest int) error {
	t.Helper()
	if w.deployment.Folder != "" {
		return nil
	}
	v := testenv.SharedVault(t)
	_, err := v.Client().Logical().WriteWithContext(t.Context(), w.deployment.Mount+"/keys/"+key+"/config",
		map[string]any{"min_decryption_version": oldest})
	return err
}

// wrappedIn is the wrapped data key in a sealed object.
func wrappedIn(t testing.TB, sealed []byte) []byte {
	t.Helper()
	header, err := seal.ParseHeader(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return header.Wrapped
}
