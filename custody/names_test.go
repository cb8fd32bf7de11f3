package custody

import (
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
)

// publicSecret is a secret that everybody knows.
func publicSecret() hashKey { return hashKey(strings.Repeat("s", secretSize)) }

// publicIndex is an index with one version that everybody knows.
func publicIndex() index { return index{versions: []indexVersion{{1, publicSecret()}}, writing: 1} }

// TestPseudonyms are stable, and differ by institute, customer and secret, also
// where one name ends as another begins.
func TestPseudonyms(t *testing.T) {
	t.Parallel()
	named := func(institute, id string) resource.Customer {
		return resource.Customer{Institute: resource.Institute{ID: institute}, ID: id}
	}
	seen := map[string]string{}
	for _, name := range []resource.Customer{
		named("bank", "4711"), named("bank", "4712"), named("ban", "k4711"), named("bank4", "711"), named("4711", "bank"),
	} {
		for label, s := range map[string]hashKey{" ": publicSecret(), " under another secret": hashKey(strings.Repeat("t", secretSize))} {
			p := s.place(name)
			if p != s.place(name) {
				t.Errorf("%s has two pseudonyms", name)
			}
			if other, twice := seen[p.pseudonym]; twice {
				t.Errorf("%s and %s have the same pseudonym", name, other)
			}
			seen[p.pseudonym] = name.String() + label
			if len(p.pseudonym) != 32 {
				t.Errorf("pseudonym of %d characters", len(p.pseudonym))
			}
		}
	}
}

// TestObjectNamesAreValid at the greatest lengths, and tell whose they are.
func TestObjectNamesAreValid(t *testing.T) {
	t.Parallel()
	name := resource.Customer{Institute: resource.Institute{ID: strings.Repeat("i", resource.MaxID)}, ID: strings.Repeat("c", resource.MaxID)}
	p := publicSecret().place(name)
	other := publicSecret().place(resource.Customer{Institute: name.Institute, ID: "other"})
	under := indexVersion{1, publicSecret()}
	pointer := under.pointer("document-number", "L01X00T47", p, newID(), newRevision())
	for object, satellite := range map[string]bool{
		p.dossier(): false, p.intent(): false, p.pending(newID()): false, publicKeysObject: false, indexSecretObject: false,
		receiptObject(p.institute, p.receiptID(p.newKeyName())): false,
		p.scan(newID()): true, p.due("2027-01-01", newRevision()): true, pointer: true,
	} {
		if err := blobstore.CheckName(object); err != nil {
			t.Errorf("%s: %v", object, err)
		}
		if p.satellite(object) != satellite || other.satellite(object) {
			t.Errorf("%s: satellite %v, of another one %v", object, p.satellite(object), other.satellite(object))
		}
	}
	if key := p.newKeyName(); len(key) > 128 || key == p.newKeyName() || !strings.HasPrefix(key, p.keyPrefix()) {
		t.Errorf("key %s", key)
	}
	if strings.Contains(pointer, "01x00t47") || strings.Contains(pointer, name.ID) {
		t.Errorf("%s tells what it points to", pointer)
	}
	for what, another := range map[string]string{
		"kind":   under.pointer("serial-number", "L01X00T47", p, "a", "e"),
		"value":  under.pointer("document-number", "L01X00T48", p, "a", "e"),
		"secret": indexVersion{1, hashKey(strings.Repeat("t", secretSize))}.pointer("document-number", "L01X00T47", p, "a", "e"),
	} {
		if strings.Split(another, "/")[3] == strings.Split(pointer, "/")[3] {
			t.Errorf("another %s has the same blind index", what)
		}
	}
	elsewhere := under.pointer("document-number", "L01X00T47", other, "a", "e")
	if strings.Split(elsewhere, "/")[3] != strings.Split(pointer, "/")[3] {
		t.Error("the same number of another customer has another blind index: it would not be found")
	}
}

func TestSubtract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""}, {"a b a c", "b", "a c"}, {"a b", "", "a b"}, {"", "a", ""}, {"a a", "a", ""},
	} {
		if got := strings.Join(subtract(strings.Fields(c.a), strings.Fields(c.b)), " "); got != c.want {
			t.Errorf("%q without %q is %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
