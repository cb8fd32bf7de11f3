package field_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestReadAndWrite takes every field of every kind through a message and back,
// alone and together.
func TestReadAndWrite(t *testing.T) {
	t.Parallel()
	s := custodytest.NewSpecimens(1)
	there := func(table *field.Table, values field.Values, message func() proto.Message) {
		t.Helper()
		m := message()
		table.Write(values, m)
		if got := table.Read(m); !maps.Equal(got, values) {
			t.Errorf("wrote %v, read %v", values, got)
		}
		for path, text := range values {
			m := message()
			table.Write(field.Values{path: text}, m)
			if got := table.Read(m); !maps.Equal(got, field.Values{path: text}) {
				t.Errorf("%s: wrote %q, read %v", path, text, got)
			}
		}
	}
	there(field.Customer, s.Customer(), func() proto.Message { return &wertfachv1.Customer{} })
	read := map[string]bool{}
	for _, kind := range custodytest.Kinds() {
		values := s.Artefact(kind)
		if kind == "payment_card" {
			values["payment_card.card_verification_code"] = "123"
		}
		if kind == "document" { // the specimens stay when they are swept
			values["document.identification_only"], values["document.purpose_fulfilled_date"] = "true", "2026-11-28"
		}
		there(field.Artefact, values, func() proto.Message { return &wertfachv1.Artefact{} })
		for path := range values {
			read[path] = true
		}
		if found := field.Artefact.Check(kind, values, nil, field.Rules{CardVerificationCode: true}, ""); len(found) > 0 {
			t.Errorf("the specimens of %s are not valid: %v", kind, found)
		}
	}
	if len(read) != len(field.Artefact.Specs()) {
		t.Errorf("%d fields of %d were tried", len(read), len(field.Artefact.Specs()))
	}
	if found := field.Customer.Check("", s.Customer(), nil, field.Rules{}, ""); len(found) > 0 {
		t.Errorf("the specimens of customers are not valid: %v", found)
	}
}

func TestReadAndWriteTheUnusual(t *testing.T) {
	t.Parallel()
	m := &wertfachv1.Artefact{Label: " \u00a0 Cafe\u0301 ", Kind: &wertfachv1.Artefact_Device{Device: &wertfachv1.Device{
		Type: 99, InsuredBefore: proto.Bool(false),
	}}}
	want := field.Values{"label": "Café", "device.insured_before": "false"}
	if got := field.Artefact.Read(m); !maps.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if got := field.Artefact.Read(&wertfachv1.Artefact{}); len(got) != 0 {
		t.Errorf("read %v from nothing", got)
	}
	// What a later release may have stored.
	to := &wertfachv1.Artefact{}
	field.Artefact.Write(field.Values{"boat.name": "x", "device.type": "TYPE_ROBOT", "label": "y"}, to)
	if !proto.Equal(to, &wertfachv1.Artefact{Label: "y", Kind: &wertfachv1.Artefact_Device{Device: &wertfachv1.Device{}}}) {
		t.Errorf("wrote %v", to)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	want := []field.Kind{
		{"bike", "SERVICE_BIKE_PROTECTION"}, {"sim_card", "SERVICE_SIM_CARD_PROTECTION"},
		{"payment_card", "SERVICE_PAYMENT_CARD_PROTECTION"}, {"device", "SERVICE_DEVICE_INSURANCE"},
		{"document", "SERVICE_DOCUMENT_PROTECTION"},
	}
	if !slices.Equal(field.Artefact.Kinds(), want) || len(field.Customer.Kinds()) != 0 {
		t.Errorf("kinds %v", field.Artefact.Kinds())
	}
	for _, k := range want {
		m := &wertfachv1.Artefact{}
		if got := field.Artefact.KindOf(m); got != "" {
			t.Errorf("an empty artefact is a %s", got)
		}
		field.Artefact.SetKind(m, k.Name)
		if got := field.Artefact.KindOf(m); got != k.Name || field.Artefact.ServiceOf(got) != k.Service {
			t.Errorf("%s became %s, of service %s", k.Name, got, field.Artefact.ServiceOf(got))
		}
	}
	m := &wertfachv1.Artefact{}
	for _, no := range []string{"", "car", "label", "scans", "name"} {
		field.Artefact.SetKind(m, no)
		if !proto.Equal(m, &wertfachv1.Artefact{}) || field.Artefact.ServiceOf(no) != "" {
			t.Errorf("%q is taken for a kind", no)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	sim := []string{"sim_card.iccid", "sim_card.msisdn", "sim_card.network_operator", "sim_card.pin", "sim_card.pin2", "sim_card.puk", "sim_card.puk2"}
	for _, c := range []struct {
		table *field.Table
		kind  string
		paths []string
		want  []string // nil for an error
	}{
		{field.Artefact, "sim_card", nil, []string{}},
		{field.Artefact, "sim_card", []string{"label"}, []string{"label"}},
		{field.Artefact, "sim_card", []string{"sim_card"}, sim},
		{field.Artefact, "sim_card", []string{"sim_card.puk", "sim_card", "sim_card.puk"}, sim},
		{field.Artefact, "bike", []string{"bike.purchase"}, []string{"bike.purchase.amount", "bike.purchase.currency", "bike.purchase.date"}},
		{field.Customer, "", []string{"address", "iban"}, []string{"address.country", "address.locality", "address.postal_code", "address.street", "address.supplement", "iban"}},
		{field.Artefact, "sim_card", []string{"bike.colour"}, nil},
		{field.Artefact, "sim_card", []string{"bike"}, nil},
		{field.Artefact, "sim_card", []string{"sim"}, nil},
		{field.Artefact, "sim_card", []string{"sim_card.pu"}, nil},
		{field.Artefact, "sim_card", []string{"sim_card."}, nil},
		{field.Artefact, "sim_card", []string{""}, nil},
		{field.Artefact, "sim_card", []string{"*"}, nil},
		{field.Artefact, "sim_card", []string{"label", "etag"}, nil},
		{field.Artefact, "sim_card", []string{"scans"}, nil},
		{field.Artefact, "", []string{"sim_card.puk"}, nil},
		{field.Customer, "", []string{"services"}, nil},
		{field.Customer, "", []string{"contract.state"}, nil},
		{field.Customer, "", []string{"name"}, nil},
	} {
		got, err := c.table.Expand("update_mask", c.kind, c.paths)
		if c.want == nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q of a %q: %v, %v", c.paths, c.kind, got, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q of a %q: %v, %q, want %q", c.paths, c.kind, err, got, c.want)
		}
	}
}

// TestCheckLooksAtWhatChanges: what was stored before a rule was made stays
// until it is touched, unless its meaning depends on what is touched.
func TestCheckLooksAtWhatChanges(t *testing.T) {
	t.Parallel()
	old := custodytest.NewSpecimens(2).Artefact("document")
	old["document.number"], old["document.issue_date"], old["document.type"] = "AEIOU1234", "1.13.2020", "TYPE_PASSPORT"
	for path, want := range map[string][]string{
		"label":                   nil,
		"document.issue_date":     {"document.issue_date", "document.number"},
		"document.number":         {"document.number"},
		"document.type":           {"document.number"},
		"document.issuer_country": {"document.number"},
	} {
		var got []string
		for _, v := range field.Artefact.Check("document", old, []string{path}, field.Rules{}, "") {
			got = append(got, v.Field)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("changing %s finds %q, want %q", path, got, want)
		}
	}
	delete(old, "document.type")
	if found := field.Artefact.Check("document", old, []string{"label"}, field.Rules{}, "p."); len(found) != 1 || found[0].Field != "p.document.type" || found[0].Rule != "required" {
		t.Errorf("found %v", found)
	}
}

// TestShow masks each secret and each identifier that has a mask.
func TestShow(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ typed, want string }{
		"payment_card.pan":                    {"4111 1111 1111 1111", "411111••••••1111"},
		"payment_card.card_verification_code": {"123", "••••"},
		"sim_card.puk":                        {"12345678", "••••"},
		"sim_card.iccid":                      {"8949 0200 0000 0000 014", "8949 0200 0000 0000 014"},
		"document.number":                     {"L01X00T471", "••••T471"},
		"bike.colour":                         {"blue", "blue"},
	} {
		if got := field.Artefact.Spec(path).Show(c.typed); got != c.want {
			t.Errorf("%s shows as %q, want %q", path, got, c.want)
		}
	}
	if got := field.Customer.Spec("iban").Show("DE89 3704 0044 0532 0130 00"); got != "••••3000" {
		t.Errorf("the IBAN shows as %q", got)
	}
}

// FuzzExpand gives only fields that there are, sorted, each once, and of the kind.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"label", "sim_card", "sim_card.puk", "", ".", "sim_card.", "sim_card..puk", "*", "bike", "\x00"} {
		f.Add("sim_card", s, "label")
	}
	f.Add("", "address", "iban")
	f.Add("document", "document", "document.type")
	f.Fuzz(func(t *testing.T, kind, one, two string) {
		for _, table := range []*field.Table{field.Customer, field.Artefact} {
			paths, err := table.Expand("m", kind, []string{one, two})
			if err != nil {
				if fault.KindOf(err) != fault.Invalid {
					t.Errorf("%v", err)
				}
				continue
			}
			if !slices.IsSorted(paths) || len(slices.Compact(slices.Clone(paths))) != len(paths) {
				t.Errorf("%q are not sorted or not single", paths)
			}
			for _, path := range paths {
				first, _, _ := strings.Cut(path, ".")
				if table.Spec(path) == nil || table.ServiceOf(first) != "" && first != kind {
					t.Errorf("%q names %q of a %q", []string{one, two}, path, kind)
				}
				if path != one && path != two && !strings.HasPrefix(path, one+".") && !strings.HasPrefix(path, two+".") {
					t.Errorf("%q was not asked for", path)
				}
			}
		}
	})
}
