package blobstoretest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

var archiveHostileCases = []archiveCase{
	{"names with tricks are refused by every call", func(t *testing.T, s *shelf) {
		calls := map[string]func(name string) error{
			"Create": func(n string) error { return s.Create(t.Context(), n, nil) },
			"Read":   func(n string) error { return second(s.Read(t.Context(), n, "x")) },
		}
		for call, f := range calls {
			for _, name := range badNames {
				err := f(name)
				wantErr(t, call, err, blobstore.ErrName)
				if len(name) > 3 && strings.Contains(err.Error(), name) {
					t.Fatalf("%s repeats the name in its error", call)
				}
			}
		}
		for _, prefix := range []string{"/", "a//", "..", "a/../", "./", "A", "a\x00", "%"} {
			n := 0
			for _, err := range s.Versions(t.Context(), prefix) {
				wantErr(t, "Versions", err, blobstore.ErrName)
				n++
			}
			if n != 1 {
				t.Fatalf("a bad prefix gave %d results", n)
			}
		}
		if got := s.versions(t, ""); len(got) != 0 {
			t.Fatalf("%d versions", len(got))
		}
	}},
	{"odd names are kept as they are", func(t *testing.T, s *shelf) {
		for i, name := range goodNames {
			s.create(t, name, content(i, 20))
		}
		for i, name := range goodNames {
			s.holds(t, name, content(i, 20))
		}
	}},
	{"what is not there is not found", func(t *testing.T, s *shelf) {
		s.create(t, "a", content(1, 10))
		s.create(t, "b", content(2, 10))
		a, b := s.only(t, "a"), s.only(t, "b")
		ids := []string{
			"", "x", "null", "*", "..", "a b", "a\r\nx-amz-acl: public-read", "?versions", "&x=y", "\xff",
			"00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000", strings.Repeat("v", 1025),
			b.ID, a.ID + "0", strings.ToUpper(a.ID) + "A",
		}
		for _, id := range ids {
			wantErr(t, "Read of "+id, second(s.Read(t.Context(), "a", id)), blobstore.ErrNotFound)
		}
		wantErr(t, "Read", second(s.Read(t.Context(), "c", a.ID)), blobstore.ErrNotFound)
	}},
	{"an ended context stops every call before it does anything", func(t *testing.T, s *shelf) {
		s.create(t, "kept", content(1, 10))
		id := s.only(t, "kept").ID
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		for want, ctx := range map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: expired} {
			wantErr(t, "Create", s.Create(ctx, "x", nil), want)
			wantErr(t, "Create", s.Create(ctx, "kept", nil), want)
			wantErr(t, "Read", second(s.Read(ctx, "kept", id)), want)
			wantErr(t, "Ping", s.Ping(ctx), want)
			wantErr(t, "Prepare", s.Prepare(ctx), want)
			n := 0
			for _, err := range s.Versions(ctx, "") {
				wantErr(t, "Versions", err, want)
				n++
			}
			if n != 1 {
				t.Fatalf("Versions gave %d results", n)
			}
		}
		s.holds(t, "kept", content(1, 10))
		if got := s.versions(t, ""); len(got) != 1 {
			t.Fatalf("%d versions", len(got))
		}
	}},
}
