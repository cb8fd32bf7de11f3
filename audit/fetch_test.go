package audit

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

// downloaded gives a folder with a small log, and a reader of it.
func downloaded(t *testing.T, l changedLog, dir string) *Reader {
	t.Helper()
	if err := l.reader().Fetch(t.Context(), dir, time.Time{}, l.asOf, signer{l.key, l.trap}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if got, err := f.Fetched(); err != nil || !got.Time.Equal(l.asOf) {
		t.Errorf("%+v, %v", got, err)
	}
	return &Reader{Segments: f, Heads: f, Keys: l.reader().Keys}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	dir := t.TempDir()
	r := downloaded(t, l, dir)
	report, err := r.Verify(t.Context(), time.Time{}, l.asOf)
	if err != nil || !report.Intact() || len(report.Chains) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	q := Query{From: l.asOf.Add(-time.Hour), To: l.asOf, Size: 1000}
	there, err := r.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	here, err := l.reader().List(t.Context(), q)
	if err != nil || len(here.Events) == 0 || len(there.Events) != len(here.Events) {
		t.Errorf("%d events, and %d in the folder, %v", len(here.Events), len(there.Events), err)
	}
	// What is in the folder must stand for itself.
	for _, name := range l.archive.names() {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole[len(whole)/2] ^= 1
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := r.Verify(t.Context(), time.Time{}, l.asOf)
		if err != nil || len(report.Findings) != 1 || report.Findings[0].Kind != Broken || report.Findings[0].Segment != name {
			t.Errorf("%s changed: %+v, %v", name, report.Findings, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if report, err = r.Verify(t.Context(), time.Time{}, l.asOf); err != nil || report.Intact() {
			t.Errorf("%s removed: %+v, %v", name, report.Findings, err)
		}
		whole[len(whole)/2] ^= 1
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A run that is taken out of the download as a whole, with its head, is missed, and
// so is any change of the inventory that counts it.
func TestInventory(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	dir := t.TempDir()
	r := downloaded(t, l, dir)
	report, err := r.Verify(t.Context(), time.Time{}, l.asOf)
	if err != nil || len(report.Chains) < 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, c := range report.Chains {
		part := filepath.Join(t.TempDir(), "part")
		if err := os.CopyFS(part, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(part, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.Contains(filepath.Base(path), c.ID) {
				return os.Remove(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		folder, err := OpenFolder(part)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		got, err := (&Reader{Segments: folder, Heads: folder, Keys: r.Keys}).Verify(t.Context(), time.Time{}, l.asOf)
		if err != nil || !slices.ContainsFunc(got.Findings, func(f Finding) bool { return f.Kind == Broken && f.Chain == c.ID && f.Number == 1 }) {
			t.Errorf("%s taken out: %+v, %v", c.ID, got.Findings, err)
		}
	}
	path := filepath.Join(dir, folderInventory)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := slices.Clone(whole)
		changed[i] ^= 1
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if report, err := r.Verify(t.Context(), time.Time{}, l.asOf); err == nil && report.Intact() {
			t.Fatalf("byte %d of the inventory changed: nothing found", i)
		}
	}
}

// A download that broke off goes on where it was, and is not taken for whole.
func TestFetchResumes(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	dir := t.TempDir()
	r := l.reader()
	r.Segments = &shortSighted{Source: r.Segments, reads: 4}
	if err := r.Fetch(t.Context(), dir, time.Time{}, l.asOf, signer{l.key, l.trap}, nil); !errors.Is(err, blobstore.ErrUnavailable) {
		t.Fatal(err)
	}
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Fetched(); err == nil {
		t.Error("a download that broke off says that it is whole")
	}
	before, bytes, told := l.archive.reads, int64(0), int64(0)
	for _, name := range l.archive.names() {
		bytes += int64(len(l.archive.get(name)))
	}
	if err := l.reader().Fetch(t.Context(), dir, time.Time{}, l.asOf, signer{l.key, l.trap}, func(n int64) { told += n }); err != nil {
		t.Fatal(err)
	}
	if n := l.archive.reads - before; n > len(l.archive.names())-3 {
		t.Errorf("%d segments were read again", n)
	}
	if told != bytes {
		t.Errorf("progress of %d bytes, of %d", told, bytes)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".part") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What was hidden or replaced in the locked store shows in the folder too.
func TestFetchTellsOfAttempts(t *testing.T) {
	t.Parallel()
	l := changed(t)()
	names := l.archive.of(l.running)
	l.archive.objects[names[1]] = []version{{data: l.archive.get(names[1]), hidden: true}}
	l.archive.objects[names[2]] = []version{{data: l.archive.get(names[2])}, {data: []byte("x")}}
	report, err := downloaded(t, l, t.TempDir()).Verify(t.Context(), time.Time{}, l.asOf)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		got = append(got, string(f.Kind), f.Segment)
	}
	if want := []string{"hidden", names[1], "overwritten", names[2]}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// shortSighted reads only so many segments.
type shortSighted struct {
	Source
	mu    sync.Mutex
	reads int
}

func (s *shortSighted) Read(ctx context.Context, name, id string) ([]byte, error) {
	s.mu.Lock()
	s.reads--
	done := s.reads < 0
	s.mu.Unlock()
	if done {
		return nil, blobstore.ErrUnavailable
	}
	return s.Source.Read(ctx, name, id)
}
