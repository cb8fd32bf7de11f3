package export

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/retention"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestEverythingHasWords in both languages: a customer has a right to be told in
// clear and plain language (Art. 12(1) GDPR).
func TestEverythingHasWords(t *testing.T) {
	t.Parallel()
	want := func(name string) {
		t.Helper()
		if w := labels[name]; w.German == "" || w.English == "" {
			t.Errorf("there are no words for %s", name)
		}
	}
	for _, table := range []*field.Table{field.Customer, field.Artefact} {
		for _, s := range table.Specs() {
			want(s.Path)
			for _, choice := range s.Choices() {
				want(choice)
			}
		}
	}
	for _, kind := range field.Artefact.Kinds() {
		want(kind.Name)
		want(kind.Service)
		if w := uses[kind.Service]; w.German == "" || w.English == "" {
			t.Errorf("nothing says what the data of %s is for", kind.Service)
		}
	}
	for _, enum := range []protoreflect.EnumDescriptor{
		wertfachv1.Disclosure_Purpose(0).Descriptor(), wertfachv1.Restriction_Ground(0).Descriptor(), wertfachv1.Hold_Kind(0).Descriptor(),
	} {
		for i := range enum.Values().Len() {
			if v := enum.Values().Get(i); v.Number() != 0 {
				want(string(v.Name()))
			}
		}
	}
	for number, name := range wertfachv1.Role_name {
		if number != 0 {
			want(strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "ROLE_")), "_", "-"))
		}
	}
	for class, rule := range retention.Defaults() {
		if class != retention.TitledClaims {
			want(string(class))
		}
		want(string(rule.Alignment))
		want(string(rule.Anchor))
	}
	if got := german.word("artefacts.bike"); got != "Registrierte Gegenstände mit ihren Dateien: Fahrrad" {
		t.Errorf("bikes are %q", got)
	}
}
