package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/node"
)

// TestScrub looks at a deployment that is whole, and then at one that is not.
func TestScrub(t *testing.T) {
	t.Parallel()
	for name, h := range houses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.enrol(t, "musterbank", "c1", "c2")
			h.enrol(t, "kartenbank", "c1")
			scrub := func(args ...string) []string {
				return append([]string{"scrub", "--config", h.config, "--rate", "1000/s"}, args...)
			}
			for args, want := range map[string]int{"": 3, "--institute musterbank": 2, "--institute institutes/kartenbank --no-scans": 1} {
				r := reported[scrubReport](t, exitOK, scrub(strings.Fields(args)...)...)
				if r.Total != want || r.Done != want || len(r.Found)+len(r.Problems)+len(r.Failures)+r.Remarked != 0 || r.Resumed != "" {
					t.Errorf("%q: %+v, want %d", args, r, want)
				}
			}
			var spoilt string
			h.with(t, h.config, func(b *node.Backends, _ *custody.Custodian) {
				for info, err := range b.Store.List(t.Context(), "kartenbank/dossiers/") {
					if err == nil {
						spoilt = info.Name
						_, err = b.Store.Put(t.Context(), info.Name, []byte("spoilt"), blobstore.Condition{})
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			})
			r := reported[scrubReport](t, exitCorrupt, scrub()...)
			want := []custody.ScrubProblem{{Institute: "kartenbank", Pseudonym: strings.TrimPrefix(spoilt, "kartenbank/dossiers/"), What: custody.ProblemDossier}}
			if !slices.Equal(r.Found, want) || !maps.Equal(r.Problems, map[string]int{custody.ProblemDossier: 1}) || r.Done != 3 {
				t.Errorf("%+v, want %v", r, want)
			}
			expect(t, exitNotFound, []string{"INSTITUTE_NOT_FOUND"}, scrub("--institute", "none")...)
			expect(t, exitInvalid, []string{"--institute: "}, scrub("--institute", "a/b")...)

			stopped, stop := context.WithCancel(t.Context())
			stop()
			if r := command(stopped, "", false, scrub()...); r.code != exitInterrupted && r.code != exitOK {
				t.Errorf("interrupted, it ends with %d\n%s", r.code, r.err)
			}
		})
	}
}
