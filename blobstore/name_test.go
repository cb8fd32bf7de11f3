package blobstore

import (
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzNames(f *testing.F) {
	for _, seed := range []string{
		"", "a", "a/b", "bank-a/dossiers/4f2k", "..", "a/../b", "a/..", "./a", "a//b", "/a", "a/", "A", "a\x00", "a\\..\\b",
		"...", ".a", strings.Repeat("a", MaxSegment), strings.Repeat("a", MaxSegment+1), strings.Repeat("a/", 300), "a%2f", "ä", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if len(name) == 0 || len(name) > MaxName || path.Clean(name) != name || path.IsAbs(name) || !filepath.IsLocal(name) {
			t.Fatalf("%q is a valid name", name)
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789./_-") != "" {
			t.Fatalf("%q is a valid name", name)
		}
		// What is a name is a prefix, and so is its folder.
		for _, prefix := range []string{name, name + "/", path.Dir(name)} {
			if prefix != "." && CheckPrefix(prefix) != nil {
				t.Fatalf("%q is a name, but %q is no prefix", name, prefix)
			}
		}
	})
}
