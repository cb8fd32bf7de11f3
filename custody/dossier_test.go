package custody

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// noon is when the pure rules are tested.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// pure is an enrolled customer with all services, in memory only.
func pure(t testing.TB, now time.Time) *Dossier {
	t.Helper()
	berlin, err := time.LoadLocation(defaultZone)
	if err != nil {
		t.Fatal(err)
	}
	name := resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: "4711"}
	hidden := publicSecret()
	key := seal.Key{Name: hidden.place(name).newKeyName(), Wrapped: []byte("wrapped"), Plaintext: make([]byte, seal.KeySize)}
	rand.Read(key.Plaintext)
	d := &Dossier{
		stored: &storagev1.Dossier{CustomerId: name.ID, SubjectId: newID(), Customer: &storagev1.Record{}, Services: custodytest.Services()},
		name:   name, institute: Institute{ID: name.Institute.ID, Location: berlin, Retention: custodytest.AtContractEnd()}, place: hidden.place(name), index: publicIndex(),
		limits: Limits{Artefacts: 5, Scans: 2}, now: now, key: key, secret: key,
	}
	values := custodytest.NewSpecimens(1).PlainCustomer()
	if err := d.write(field.Customer, d.stored.GetCustomer(), customerResource, values, set(field.Customer, values)); err != nil {
		t.Fatal(err)
	}
	d.stamp(d.stored.GetCustomer(), "r0")
	return d
}

// having registers an artefact of the kind and forgets which satellites that made.
func (d *Dossier) having(t testing.TB, kind string) *storagev1.Artefact {
	t.Helper()
	id := newID()
	if err := d.register(id, newRevision(), Draft{Kind: kind, Values: custodytest.NewSpecimens(2).Artefact(kind)}); err != nil {
		t.Fatal(err)
	}
	d.made = nil
	a, err := d.artefact(id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// refusal fails the test unless err has the kind and reason.
func refusal(t testing.TB, err error, kind fault.Kind, reason string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || fault.ReasonOf(err) != reason {
		t.Errorf("got kind %d, reason %q (%v), want kind %d, reason %q", fault.KindOf(err), fault.ReasonOf(err), err, kind, reason)
	}
}

// breaks fails the test unless err is that the field breaks the rule.
func breaks(t testing.TB, err error, at, rule string) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid ||
		!slices.ContainsFunc(e.Violations, func(v fault.Violation) bool { return v.Field == at && v.Rule == rule }) {
		t.Errorf("got %+v, want that %s breaks %s", err, at, rule)
	}
}

// frozen fails the test if the function changes what is stored.
func (d *Dossier) frozen(t testing.TB, act func()) {
	t.Helper()
	before := proto.Clone(d.stored)
	act()
	if !proto.Equal(before, d.stored) || len(d.made)+len(d.removed) > 0 {
		t.Errorf("it changed the dossier although it was refused")
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	for _, kind := range custodytest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d, values := pure(t, noon), custodytest.NewSpecimens(3).Artefact(kind)
			if err := d.register("a1", "r1", Draft{Field: "artefact", Kind: kind, Values: values}); err != nil {
				t.Fatal(err)
			}
			a, err := d.artefact("a1")
			if err != nil {
				t.Fatal(err)
			}
			lookups := 0
			for _, s := range field.Artefact.Specs() {
				want, stored := values[s.Path], open(a.GetRecord())[s.Path]
				if s.Secret && want != "" {
					want = s.Show(want)
				}
				if stored != want {
					t.Errorf("%s is stored as %q, want %q", s.Path, stored, want)
				}
				sealed := slices.ContainsFunc(a.GetRecord().GetCompartments(), func(c *storagev1.Compartment) bool { return c.GetPath() == s.Path })
				if sealed != (s.Secret && want != "") {
					t.Errorf("%s has a compartment: %v", s.Path, sealed)
				}
				if s.Lookup != "" && want != "" {
					lookups++
				}
			}
			if len(d.made) != lookups || len(d.removed) != 0 {
				t.Errorf("%d pointers for %d identifiers, %d removed", len(d.made), lookups, len(d.removed))
			}
			seen := d.asRead(a)
			if seen.ETag != "r1" || !seen.Created.Equal(noon) || !seen.Updated.Equal(noon) || seen.Kind != kind {
				t.Errorf("reads as %+v", seen)
			}
		})
	}
}

func TestRegisterIsRefused(t *testing.T) {
	t.Parallel()
	s := custodytest.NewSpecimens(3)
	bike := Draft{Field: "artefact", Kind: "bike", Values: s.Artefact("bike")}

	t.Run("service not booked", func(t *testing.T) {
		d := pure(t, noon)
		d.stored.Services = []string{"SERVICE_SIM_CARD_PROTECTION"}
		d.frozen(t, func() {
			refusal(t, d.register("a", "r", bike), fault.Precondition, ReasonServiceNotBooked)
		})
	})
	t.Run("too many", func(t *testing.T) {
		d := pure(t, noon)
		for range d.limits.Artefacts {
			d.having(t, "bike")
		}
		d.frozen(t, func() { refusal(t, d.register("a", "r", bike), fault.Exhausted, ReasonTooMany) })
	})
}

// TestDraftCheck breaks each rule of a draft in turn.
func TestDraftCheck(t *testing.T) {
	t.Parallel()
	sim := custodytest.NewSpecimens(3).Artefact("sim_card")
	card := custodytest.NewSpecimens(3).Artefact("payment_card")
	with := func(values field.Values, path, text string) field.Values {
		return merge(values, field.Values{path: text}, []string{path})
	}
	for name, c := range map[string]struct {
		draft       Draft
		rules       field.Rules
		field, rule string
	}{
		"no kind":         {draft: Draft{Field: "artefact"}, field: "artefact.kind", rule: "required"},
		"unknown kind":    {draft: Draft{Field: "artefacts[3]", Kind: "car"}, field: "artefacts[3].kind", rule: "required"},
		"required":        {draft: Draft{Kind: "sim_card", Values: with(sim, "sim_card.iccid", "")}, field: ".sim_card.iccid", rule: "required"},
		"checksum":        {draft: Draft{Kind: "sim_card", Values: with(sim, "sim_card.iccid", "8949020000000000010")}, field: ".sim_card.iccid", rule: "iccid.luhn"},
		"secret's format": {draft: Draft{Kind: "sim_card", Values: with(sim, "sim_card.puk", "1234")}, field: ".sim_card.puk", rule: "puk.length"},
		"verification code": {
			draft: Draft{Kind: "payment_card", Values: with(card, "payment_card.card_verification_code", "123")},
			field: ".payment_card.card_verification_code", rule: "issuer-only",
		},
		"wrong verification code of an issuer": {
			draft: Draft{Kind: "payment_card", Values: with(card, "payment_card.card_verification_code", "12")},
			rules: field.Rules{CardVerificationCode: true},
			field: ".payment_card.card_verification_code", rule: "card-verification-code.length",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := c.draft.check(c.rules)
			if len(found) != 1 || found[0].Field != c.field || found[0].Rule != c.rule {
				t.Errorf("found %+v, want that %s breaks %s", found, c.field, c.rule)
			}
			for _, text := range c.draft.Values {
				if len(found) > 0 && strings.Contains(found[0].Description, text) {
					t.Errorf("the description holds a value")
				}
			}
		})
	}
	issued := Draft{Kind: "payment_card", Values: with(card, "payment_card.card_verification_code", "123")}
	if found := issued.check(field.Rules{CardVerificationCode: true}); len(found) > 0 {
		t.Errorf("refused to the card's issuer: %+v", found)
	}
}
