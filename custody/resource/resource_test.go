package resource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
)

func TestNamesReadBackAsWritten(t *testing.T) {
	scan := resource.Scan{
		Artefact: resource.Artefact{
			Customer: resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: "4711"},
			ID:       "a-1",
		},
		ID: "s1",
	}
	if got, err := resource.ParseScan("name", scan.String()); err != nil || got != scan {
		t.Errorf("ParseScan(%q) = %v, %v", scan, got, err)
	}
	if got, err := resource.ParseArtefact("name", scan.Artefact.String()); err != nil || got != scan.Artefact {
		t.Errorf("ParseArtefact = %v, %v", got, err)
	}
	if got, err := resource.ParseCustomer("name", scan.Artefact.Customer.String()); err != nil || got != scan.Artefact.Customer {
		t.Errorf("ParseCustomer = %v, %v", got, err)
	}
	receipt := resource.Receipt{Institute: resource.Institute{ID: "musterbank"}, ID: "r1"}
	if got, err := resource.ParseReceipt("name", receipt.String()); err != nil || got != receipt {
		t.Errorf("ParseReceipt = %v, %v", got, err)
	}
	if got, err := resource.ParseInstitute("parent", "institutes/musterbank"); err != nil || got.ID != "musterbank" {
		t.Errorf("ParseInstitute = %v, %v", got, err)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	for _, id := range hostileIDs {
		name := "institutes/musterbank/customers/" + id
		_, err := resource.ParseCustomer("customer.name", name)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Violations[0].Field != "customer.name" || e.Violations[0].Rule != "name.form" {
			t.Errorf("ParseCustomer(%q): %v, want a violation of name.form", name, err)
		}
		if id != "" && len(id) > 3 && strings.Contains(err.Error(), id) {
			t.Errorf("the error repeats the value: %v", err)
		}
		if resource.CheckID("customer_id", id) == nil {
			t.Errorf("CheckID(%q) passes", id)
		}
	}
	for _, name := range []string{
		"", "/", "institutes", "institutes/", "institutes/a", "institutes/a/customers", "customers/a/institutes/b",
		"/institutes/a/customers/b", "institutes/a/customers/b/", "institutes//a/customers/b", "Institutes/a/customers/b",
		"institutes/a/customers/b/artefacts/c", "institutes/a/receipts/b",
	} {
		if _, err := resource.ParseCustomer("name", name); err == nil {
			t.Errorf("ParseCustomer(%q) passes", name)
		}
	}
}

// hostileIDs are path tricks, upper case, look-alikes and lengths.
var hostileIDs = []string{
	"", ".", "..", "%2e%2e", "a/../b", "a\\b", "a.b", "a_b", "-a", "a-", "A4711", "aBc", "a b", " a", "a\n", "a\x00",
	"\u0430bc",               // Cyrillic a
	"4711\u200b",             // zero-width space
	"\uff14\uff17",           // full-width digits
	"ａ", "ß", "é", "e\u0301", // full width, letters beyond ASCII
	"\u202e4711", strings.Repeat("a", 65),
}

func FuzzParseScan(f *testing.F) {
	f.Add("institutes/a/customers/b/artefacts/c/scans/d")
	f.Add("institutes/../customers/b/artefacts/c/scans/d")
	f.Fuzz(func(t *testing.T, name string) {
		got, err := resource.ParseScan("name", name)
		if err == nil && got.String() != name {
			t.Errorf("%q reads back as %q", name, got)
		}
	})
}
