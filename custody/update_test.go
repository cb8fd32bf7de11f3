package custody

import (
	"slices"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

func TestUpdateArtefact(t *testing.T) {
	t.Parallel()
	s := custodytest.NewSpecimens(8)
	puk, iccid := s.Value("puk"), s.Value("iccid")
	for name, c := range map[string]struct {
		values  field.Values
		paths   []string
		changed field.Values // what is stored in the clear part afterwards
		cleared []string
		pointer bool // whether the pointers change
	}{
		"one field": {
			values: field.Values{"label": "hers"}, paths: []string{"label"}, changed: field.Values{"label": "hers"},
		},
		"values beside the mask do not count": {
			values: field.Values{"label": "hers", "sim_card.iccid": iccid}, paths: []string{"label"}, changed: field.Values{"label": "hers"},
		},
		"a secret": {
			values: field.Values{"sim_card.puk": puk}, paths: []string{"sim_card.puk"}, changed: field.Values{"sim_card.puk": "••••"},
		},
		"an identifier": {
			values: field.Values{"sim_card.iccid": iccid}, paths: []string{"sim_card.iccid"},
			changed: field.Values{"sim_card.iccid": iccid}, pointer: true,
		},
		"clearing": {
			paths: []string{"sim_card.pin2", "sim_card.msisdn"}, cleared: []string{"sim_card.pin2", "sim_card.msisdn"},
		},
		"the whole message": {
			values: field.Values{"sim_card.iccid": iccid, "sim_card.puk": puk}, paths: []string{"sim_card"},
			changed: field.Values{"sim_card.iccid": iccid, "sim_card.puk": "••••"}, pointer: true,
			cleared: []string{"sim_card.pin", "sim_card.pin2", "sim_card.puk2", "sim_card.msisdn", "sim_card.network_operator"},
		},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := pure(t, noon)
			a := d.having(t, "sim_card")
			before, pointers := open(a.GetRecord()), d.pointersOf(a)
			d.now = noon.Add(time.Hour)
			if err := d.updateArtefact(a.GetId(), "sim_card", Update{Values: c.values, Paths: c.paths}, "r2"); err != nil {
				t.Fatal(err)
			}
			want := merge(before, c.changed, slices.Concat(set(field.Artefact, c.changed), c.cleared))
			after := open(a.GetRecord())
			if shown(after) != shown(want) {
				t.Errorf("stored %s, want %s", shown(after), shown(want))
			}
			for _, spec := range field.Artefact.Specs() {
				if spec.Secret && (after[spec.Path] != "") != sealed(a.GetRecord(), spec.Path) {
					t.Errorf("%s: a compartment without its mask, or the other way round", spec.Path)
				}
			}
			if changed := !slices.Equal(pointers, d.pointersOf(a)); changed != c.pointer {
				t.Errorf("the pointers changed: %v", changed)
			}
			if c.pointer && (!slices.Equal(d.removed, pointers) || !slices.Equal(d.made, d.pointersOf(a))) {
				t.Errorf("made %v, removed %v", d.made, d.removed)
			}
			seen := d.asRead(a)
			if seen.ETag != "r2" || !seen.Created.Equal(noon) || !seen.Updated.Equal(noon.Add(time.Hour)) {
				t.Errorf("stamped %+v", seen)
			}
		})
	}
}

func sealed(r *storagev1.Record, path string) bool {
	return slices.ContainsFunc(r.GetCompartments(), func(c *storagev1.Compartment) bool { return c.GetPath() == path })
}

func TestUpdateArtefactIsRefused(t *testing.T) {
	t.Parallel()
	valid := Update{Values: field.Values{"label": "x"}, Paths: []string{"label"}}
	t.Run("unknown artefact", func(t *testing.T) {
		d := pure(t, noon)
		d.frozen(t, func() { refusal(t, d.updateArtefact("nope", "", valid, "r2"), fault.NotFound, ReasonArtefactNotFound) })
	})
	for name, c := range map[string]struct {
		kind        string
		update      Update
		field, rule string
	}{
		"another kind":           {kind: "bike", update: valid, field: "artefact.kind", rule: "kind.fixed"},
		"unknown path":           {update: Update{Paths: []string{"sim_card.colour"}}, field: "update_mask", rule: "field-mask.path"},
		"path of another kind":   {update: Update{Paths: []string{"bike.colour"}}, field: "update_mask", rule: "field-mask.path"},
		"output only":            {update: Update{Paths: []string{"create_time"}}, field: "update_mask", rule: "field-mask.path"},
		"clearing what must be":  {update: Update{Paths: []string{"sim_card.iccid"}}, field: "artefact.sim_card.iccid", rule: "required"},
		"wrong value":            {update: Update{Values: field.Values{"sim_card.pin": "12"}, Paths: []string{"sim_card.pin"}}, field: "artefact.sim_card.pin", rule: "pin.length"},
		"a mask written back":    {update: Update{Values: field.Values{"sim_card.puk": "••••"}, Paths: []string{"sim_card.puk"}}, field: "artefact.sim_card.puk", rule: "masked"},
		"a mask within the kind": {update: Update{Values: field.Values{"sim_card.iccid": "8949020000000000014", "sim_card.pin": "••••"}, Paths: []string{"sim_card"}}, field: "artefact.sim_card.pin", rule: "masked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := pure(t, noon)
			a := d.having(t, "sim_card")
			d.frozen(t, func() { breaks(t, d.updateArtefact(a.GetId(), c.kind, c.update, "r2"), c.field, c.rule) })
		})
	}
	t.Run("stale etag", func(t *testing.T) {
		d := pure(t, noon)
		a := d.having(t, "sim_card")
		stale := Update{Values: valid.Values, Paths: valid.Paths, ETag: "other"}
		d.frozen(t, func() { refusal(t, d.updateArtefact(a.GetId(), "", stale, "r2"), fault.Aborted, ReasonStaleETag) })
		stale.ETag = a.GetRecord().GetRevision()
		if err := d.updateArtefact(a.GetId(), "", stale, "r2"); err != nil {
			t.Error(err)
		}
		refusal(t, d.updateArtefact(a.GetId(), "", stale, "r3"), fault.Aborted, ReasonStaleETag)
	})
	t.Run("a number that the new type forbids", func(t *testing.T) {
		d := pure(t, noon)
		a := d.having(t, "document")
		other := field.Values{"document.type": "TYPE_OTHER", "document.number": "AEIOU-1"}
		if err := d.updateArtefact(a.GetId(), "", Update{Values: other, Paths: []string{"document.type", "document.number"}}, "r2"); err != nil {
			t.Fatal(err)
		}
		d.made, d.removed = nil, nil
		d.frozen(t, func() {
			card := Update{Values: field.Values{"document.type": "TYPE_IDENTITY_CARD"}, Paths: []string{"document.type"}}
			breaks(t, d.updateArtefact(a.GetId(), "", card, "r3"), "artefact.document.number", "document-number.alphabet")
		})
	})
}

func TestUpdateCustomer(t *testing.T) {
	t.Parallel()
	update := func(d *Dossier, values field.Values, etag string, paths ...string) error {
		return d.updateCustomer(values, values, paths, etag, "r2")
	}
	t.Run("changes and clears", func(t *testing.T) {
		d := pure(t, noon)
		before := open(d.stored.GetCustomer())
		if err := update(d, field.Values{"given_name": "Ada", "online_banking_login": "ada"}, "r0", "given_name", "online_banking_login", "email"); err != nil {
			t.Fatal(err)
		}
		want := merge(before, field.Values{"given_name": "Ada", "online_banking_login": "••••"}, []string{"given_name", "online_banking_login", "email"})
		if got := open(d.stored.GetCustomer()); shown(got) != shown(want) {
			t.Errorf("stored %s, want %s", shown(got), shown(want))
		}
		if d.customer().ETag != "r2" {
			t.Error("the etag stays the same")
		}
	})
	t.Run("refused", func(t *testing.T) {
		d := pure(t, noon)
		d.frozen(t, func() {
			refusal(t, update(d, field.Values{"given_name": "Ada"}, "r9", "given_name"), fault.Aborted, ReasonStaleETag)
			breaks(t, update(d, nil, "", "family_name"), "customer.family_name", "required")
			breaks(t, update(d, field.Values{"iban": "••••1234"}, "", "iban"), "customer.iban", "masked")
			breaks(t, update(d, field.Values{"address.country": "AT"}, "", "address.postal_code"), "customer.address.postal_code", "required")
			breaks(t, update(d, field.Values{"phone_password": "••••"}, "", "phone_password"), "customer.phone_password", "masked")
		})
	})
	t.Run("a postal code that the new country forbids", func(t *testing.T) {
		d := pure(t, noon)
		abroad := field.Values{"address.country": "AT", "address.postal_code": "1010"}
		if err := update(d, abroad, "", "address.country", "address.postal_code"); err != nil {
			t.Fatal(err)
		}
		d.frozen(t, func() {
			breaks(t, update(d, field.Values{"address.country": "DE"}, "", "address.country"), "customer.address.postal_code", "postal-code.german")
			breaks(t, update(d, nil, "", "address.country"), "customer.address.postal_code", "postal-code.german")
		})
	})
}
