package blobstoretest

import (
	"context"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

// badNames would leave their folder, mean two things, or surprise some server
// or file system.
var badNames = []string{
	"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "a/.", "...//",
	"A", "a/B", "ä", "аdmin" /* Cyrillic */, "a b", "a\x00", "a\nb", "a\\b", "a%2fb", "a%2e%2e/b",
	"a:b", "a*", "a?b", "a#b", "a+b", "a~", "\xff", "a|b", `a"b`, "a\u200bb", "a\u2024\u2024/b",
	strings.Repeat("a", 256), "a/" + strings.Repeat("a", 256), strings.Repeat("a/", 256) + "a",
}

// goodNames look odd and are allowed.
var goodNames = []string{
	"a", "0", "-", "_", "...", "a..b", ".a", "a.", "..a", "a../b", "-./-", "_-/.a/-b", "aa/b/c/d/e/f/g/h",
	"bank-a/dossiers/4f2k", "index/iccid/0a1b/bank-a.x.y", "system/index-secret",
	strings.Repeat("b", 255), strings.Repeat("c", 200) + "/" + strings.Repeat("d", 255),
	strings.Repeat("e/", 255) + "ee",
}

var nameCases = []testCase{
	{"names with tricks are refused by every call", func(t *testing.T, s *blobstore.Store) {
		ctx := t.Context()
		calls := map[string]func(ctx context.Context, name string) error{
			"Get":    func(ctx context.Context, n string) error { return third(s.Get(ctx, n)) },
			"Open":   func(ctx context.Context, n string) error { return third(s.Open(ctx, n)) },
			"Stat":   func(ctx context.Context, n string) error { return second(s.Stat(ctx, n)) },
			"Delete": s.Delete,
			"Put":    func(ctx context.Context, n string) error { return second(s.Put(ctx, n, nil, blobstore.Condition{})) },
			"PutStream": func(ctx context.Context, n string) error {
				return second(s.PutStream(ctx, n, strings.NewReader("x"), 1, blobstore.Condition{}))
			},
		}
		for call, f := range calls {
			for _, name := range badNames {
				err := f(ctx, name)
				wantErr(t, call, err, blobstore.ErrName)
				if len(name) > 3 && strings.Contains(err.Error(), name) {
					t.Fatalf("%s repeats the name in its error", call)
				}
			}
		}
		holdsNothing(t, s, "a")
	}},
	{"odd names are kept as they are", func(t *testing.T, s *blobstore.Store) {
		for i, name := range goodNames {
			put(t, s, name, content(i, 20))
		}
		for i, name := range goodNames {
			holds(t, s, name, content(i, 20))
		}
		if got := list(t, s, ""); len(got) != len(goodNames) {
			t.Fatalf("%d names listed, %d were put", len(got), len(goodNames))
		}
	}},
	{"prefixes with tricks are refused", func(t *testing.T, s *blobstore.Store) {
		put(t, s, "a/b", nil)
		for _, prefix := range []string{"/", "//", "a//", "..", "../", "a/../", "a/..", ".", "./", "A", "a b", "a\x00", "%"} {
			n := 0
			for _, err := range s.List(t.Context(), prefix) {
				wantErr(t, "List", err, blobstore.ErrName)
				n++
			}
			if n != 1 {
				t.Fatalf("a bad prefix gave %d results", n)
			}
		}
	}},
}
