package custody

import (
	"slices"
	"strings"
	"testing"
)

// FuzzIndexRecord takes anything for the record of the index secret: what is
// taken is sound and gives the same bytes again.
func FuzzIndexRecord(f *testing.F) {
	one := IndexSecret{key: publicSecret(), index: publicIndex()}
	two := one
	two.index.versions = append(slices.Clone(one.index.versions), indexVersion{7, hashKey(strings.Repeat("t", secretSize))})
	for _, s := range []IndexSecret{one, two, {}} {
		record, err := s.record()
		if err != nil {
			f.Fatal(err)
		}
		if _, err := parseIndexSecret(record); (err == nil) != (len(s.key) > 0) {
			f.Fatal(err)
		}
		f.Add(record)
		f.Add(append(slices.Clone(record), ' '))
		f.Add([]byte(strings.Replace(string(record), `"writing":1`, `"writing":2`, 1)))
		f.Add([]byte(strings.Replace(string(record), `"version":7`, `"version":1`, 1)))
		f.Add([]byte(strings.Replace(string(record), `{"root"`, `{"more":1,"root"`, 1)))
		f.Add([]byte(strings.Replace(string(record), "c3Nz", "c3Mz", 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseIndexSecret(data)
		if err != nil {
			if len(s.key)+len(s.index.versions) > 0 || strings.Contains(err.Error(), "ssss") {
				t.Fatalf("gave something with the error %v", err)
			}
			return
		}
		again, err := s.record()
		if err != nil || string(again) != string(data) {
			t.Fatalf("written again it differs (%v)", err)
		}
		if _, known := s.index.key(s.index.writing); !known || len(s.key) != secretSize || s.index.versions[0].number < 1 || len(s.index.versions) > 2 {
			t.Fatal("not sound")
		}
	})
}
