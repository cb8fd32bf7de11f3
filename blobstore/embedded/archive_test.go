package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/blobstoretest"
)

func TestArchiveConformance(t *testing.T) {
	t.Parallel()
	blobstoretest.RunArchive(t, func(t *testing.T) func(*testing.T) blobstore.ArchiveDriver {
		path := filepath.Join(t.TempDir(), "archive.db")
		return func(t *testing.T) blobstore.ArchiveDriver { return openArchive(t, path) }
	})
}

func openArchive(t *testing.T, path string) *Archive {
	t.Helper()
	a, err := OpenArchive(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// An archive opened as a store could be deleted from.
func TestNeitherFileOpensAsTheOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive, store := filepath.Join(dir, "archive"), filepath.Join(dir, "store")
	if err := openArchive(t, archive).Close(); err != nil {
		t.Fatal(err)
	}
	s, _ := reopen(t, store)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(archive); err == nil {
		t.Error("an archive was opened as a store")
	}
	if _, err := OpenArchive(store); err == nil {
		t.Error("a store was opened as an archive")
	}
	// A refused opening leaves the file as it was, and unlocked.
	if err := openArchive(t, archive).Close(); err != nil {
		t.Error(err)
	}
}

func TestArchiveIsInUseOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openArchive(t, path)
	if _, err := OpenArchive(path); !errors.Is(err, ErrInUse) {
		t.Fatalf("second opening: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Create(context.Background(), "x", nil); !errors.Is(err, blobstore.ErrUnavailable) {
		t.Fatalf("Create after Close: %v", err)
	}
}
