package embedded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// newStore opens a store on a new file and gives the file's path.
func newStore(t testing.TB) (*blobstore.Store, *Driver, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "objects.db")
	s, d := reopen(t, path)
	return s, d, path
}

func reopen(t testing.TB, path string) (*blobstore.Store, *Driver) {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return blobstore.New(d), d
}

func TestContentSurvivesReopening(t *testing.T) {
	t.Parallel()
	s, _, path := newStore(t)
	objects := map[string][]byte{"a": nil, "b/c": []byte("small"), "b/d": bytes.Repeat([]byte("large"), 1<<20)}
	etags := map[string]string{}
	for name, data := range objects {
		info, err := s.Put(t.Context(), name, data, blobstore.IfAbsent())
		if err != nil {
			t.Fatal(err)
		}
		etags[name] = info.ETag
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, _ = reopen(t, path)
		for name, want := range objects {
			got, info, err := s.Get(t.Context(), name)
			if err != nil || !bytes.Equal(got, want) || info.ETag != etags[name] {
				t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
			}
		}
	}
}

func TestSecondOpeningIsToldQuickly(t *testing.T) {
	t.Parallel()
	s, _, path := newStore(t)
	begin := time.Now()
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Fatalf("second opening: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Fatalf("after %v", took)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, path)
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s, _, path := newStore(t)
	mode := func() os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if m := mode(); m != 0o600 {
		t.Fatalf("mode %o", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	reopen(t, path)
	if m := mode(); m != 0o600 {
		t.Fatalf("mode %o after reopening", m)
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a database\n"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "later")
	db, err := bbolt.Open(later, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return b.Put(formatKey, []byte("2"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, later, filepath.Join(dir, "no", "such", "folder"), dir} {
		if d, err := Open(path); err == nil {
			_ = d.Close()
			t.Errorf("opened %s", filepath.Base(path))
		}
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, get := s.Get(t.Context(), "a")
	_, put := s.Put(t.Context(), "a", nil, blobstore.Condition{})
	for call, err := range map[string]error{"Get": get, "Put": put, "Delete": s.Delete(t.Context(), "a"), "Ping": s.Ping(t.Context())} {
		if !errors.Is(err, blobstore.ErrUnavailable) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// A disk that is full refuses writes, keeps what it has, and takes writes again
// when something was deleted. The bound stands in for the disk.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	options := storeOptions()
	options.MaxSize = 8 << 20
	d, err := open(filepath.Join(t.TempDir(), "objects.db"), storeFormat, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	s := blobstore.New(d)
	old := bytes.Repeat([]byte("old"), 500_000)
	for _, name := range []string{"kept", "spare"} {
		if _, err := s.Put(t.Context(), name, old, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	const size = 20 << 20
	for _, name := range []string{"kept", "new"} {
		_, err := s.PutStream(t.Context(), name, io.LimitReader(zeros{}, size), size, blobstore.Condition{})
		if !errors.Is(err, blobstore.ErrUnavailable) {
			t.Fatalf("a stream larger than the disk: %v", err)
		}
	}
	wantLoose(t, d, 0)
	if got, _, err := s.Get(t.Context(), "kept"); err != nil || !bytes.Equal(got, old) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Stat(t.Context(), "new"); !errors.Is(err, blobstore.ErrNotFound) {
		t.Fatalf("the stream that found no room: %v", err)
	}
	if err := s.Delete(t.Context(), "spare"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "new", old, blobstore.Condition{}); err != nil {
		t.Fatalf("no room after a deletion: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
