package blobstoretest

import (
	"bytes"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

// RunArchive runs the cases of write-once storage, in parallel, each on storage
// of its own. The function finds empty storage and returns another one that opens
// a driver on it; where that is called again, the driver before is closed.
// RunArchive prepares and closes what was opened.
func RunArchive(t *testing.T, place func(t *testing.T) func(t *testing.T) blobstore.ArchiveDriver) {
	groups := []struct {
		name  string
		cases []archiveCase
	}{
		{"Object", archiveObjectCases},
		{"Versions", archiveVersionsCases},
		{"Hostile", archiveHostileCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					s := &shelf{open: place(t)}
					s.reopen(t)
					t.Cleanup(func() { s.close(t) })
					c.run(t, s)
				})
			}
		})
	}
}

type archiveCase struct {
	name string
	run  func(t *testing.T, s *shelf)
}

// shelf is an archive that can be closed and opened again.
type shelf struct {
	*blobstore.Archive
	open func(t *testing.T) blobstore.ArchiveDriver
}

// reopen closes the archive, where it is open, and opens what lies there.
func (s *shelf) reopen(t *testing.T) {
	t.Helper()
	s.close(t)
	s.Archive = blobstore.NewArchive(s.open(t))
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) close(t *testing.T) {
	t.Helper()
	if s.Archive == nil {
		return
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.Archive = nil
}

func (s *shelf) create(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := s.Create(t.Context(), name, data); err != nil {
		t.Fatalf("Create: %v", err)
	}
}

// versions is what Versions gives for the prefix.
func (s *shelf) versions(t *testing.T, prefix string) []blobstore.Version {
	t.Helper()
	var all []blobstore.Version
	for v, err := range s.Versions(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("Versions: %v", err)
		}
		all = append(all, v)
	}
	return all
}

// only is the one version of that name.
func (s *shelf) only(t *testing.T, name string) blobstore.Version {
	t.Helper()
	var found []blobstore.Version
	for _, v := range s.versions(t, name) {
		if v.Name == name {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d versions of one name", len(found))
	}
	return found[0]
}

// holds fails the test unless the name has one version, in sight, with that
// content.
func (s *shelf) holds(t *testing.T, name string, want []byte) {
	t.Helper()
	v := s.only(t, name)
	if v.Hidden || v.Size != int64(len(want)) || v.ID == "" || v.Modified.IsZero() {
		t.Fatalf("version with %d bytes of %d, hidden %v, of %v", v.Size, len(want), v.Hidden, v.Modified)
	}
	got, err := s.Read(t.Context(), name, v.ID)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes that are not the %d that were created", len(got), len(want))
	}
}
