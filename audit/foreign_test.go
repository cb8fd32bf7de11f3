package audit

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// TestForeignObjects: whoever can write to the store, and not sign, puts objects
// under names of segments. They are found, and hide neither events from a list nor
// a segment that is missing.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	q := Query{From: l.asOf.Add(-time.Hour), To: l.asOf, Size: 1000}
	before, err := l.reader().List(t.Context(), q)
	if err != nil || before.Damaged {
		t.Fatal(before.Damaged, err)
	}
	var last segment.Name
	for _, name := range l.archive.names() {
		if n, _ := segment.ParseName(name); n.Chain == l.closed {
			last = n
			n.Time = n.Time.Add(time.Millisecond)
			junk := n.String()
			l.archive.set(junk, []byte("junk\n"))
		}
	}
	report := l.verify(t, l.asOf)
	if len(report.Findings) != 1 || report.Findings[0].Kind != Foreign || report.Findings[0].Chain != l.closed {
		t.Errorf("found %+v", report.Findings)
	}
	after, err := l.reader().List(t.Context(), q)
	if err != nil || !after.Damaged || !slices.EqualFunc(before.Events, after.Events, func(a, b Event) bool { return a.ID == b.ID }) {
		t.Errorf("%d of %d events, damaged %t, %v", len(after.Events), len(before.Events), after.Damaged, err)
	}
	// A segment that is really gone still shows.
	for _, name := range l.archive.names() {
		if n, _ := segment.ParseName(name); n.Chain == l.closed && n.Number == last.Number-1 && string(l.archive.get(name)) != "junk\n" {
			delete(l.archive.objects, name)
		}
	}
	if got := l.broken(t, l.closed); got != last.Number-1 {
		t.Errorf("segment %d is said to be broken, %d is gone", got, last.Number-1)
	}
}

// TestFetchOfForeignObjects: nothing that lies among the segments stops a download,
// and what is found there is found in the download too.
func TestFetchOfForeignObjects(t *testing.T) {
	t.Parallel()
	var last segment.Name
	anew := changed(t)
	l := anew()
	for _, name := range l.archive.of(l.closed) {
		last, _ = segment.ParseName(name)
	}
	twin, next := last, last
	twin.Time = twin.Time.Add(time.Millisecond)
	next.Number++
	for what, junk := range map[string]string{
		"a folder's name":               segment.Day(last.Time)[:len(segment.Day(last.Time))-1],
		"a name that leads out":         segment.Folder + "../../outside",
		"a name that is too long":       segment.Folder + strings.Repeat("x", 300),
		"a file's name":                 last.String() + "/below",
		"a name of another version":     last.String() + versionSuffix + "2",
		"the name of another segment":   twin.String(),
		"the name of the one after all": next.String(),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := anew()
			dir := filepath.Join(t.TempDir(), "a", "b", "log")
			l.archive.set(junk, make([]byte, segment.MaxSize+1))
			want := l.verify(t, l.asOf)
			if len(want.Findings) != 1 || want.Findings[0].Kind != Foreign || want.Findings[0].Segment != junk {
				t.Errorf("in the store: %+v", want.Findings)
			}
			got, err := downloaded(t, l, dir).Verify(t.Context(), time.Time{}, l.asOf)
			if err != nil || len(got.Findings) != 1 || got.Findings[0].Kind != Foreign || got.Findings[0].Segment != junk {
				t.Errorf("in the download: %+v, %v", got.Findings, err)
			}
		})
	}
}

// TestForeignObjectsHideNothing: junk of every size, also between the segments and
// right before where a page begins, takes no event out of a list.
func TestForeignObjectsHideNothing(t *testing.T) {
	t.Parallel()
	for what, junk := range map[string][]byte{"small": []byte("junk\n"), "too large": make([]byte, segment.MaxSize+1)} {
		l := changed(t)()
		list := func(size int) (ids []string, damaged bool) {
			q := Query{From: l.asOf.Add(-time.Hour), To: l.asOf, Size: size}
			for {
				page, err := l.reader().List(t.Context(), q)
				if err != nil {
					t.Fatal(what, ": ", err)
				}
				for _, e := range page.Events {
					ids = append(ids, e.ID)
				}
				damaged = damaged || page.Damaged
				if q.Token = page.Next; q.Token == "" {
					return ids, damaged
				}
			}
		}
		want, damaged := list(1000)
		if damaged || len(want) < 10 {
			t.Fatal(len(want), damaged)
		}
		for _, name := range l.archive.names() {
			n, _ := segment.ParseName(name)
			n.Time = n.Time.Add(time.Millisecond)
			l.archive.set(n.String(), junk)
		}
		for size := 1; size <= len(want); size++ {
			if got, damaged := list(size); !damaged || !slices.Equal(got, want) {
				t.Errorf("%s, pages of %d: %d of %d events, damaged %t", what, size, len(got), len(want), damaged)
			}
		}
	}
}
