package embedded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// count is how many blocks there are, and how many loose ids.
func count(t *testing.T, d *Driver) (blocks, loose int) {
	t.Helper()
	err := d.db.View(func(tx *bbolt.Tx) error {
		blocks, loose = tx.Bucket(blockBucket).Stats().KeyN, tx.Bucket(looseBucket).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks, loose
}

func wantLoose(t *testing.T, d *Driver, want int) {
	t.Helper()
	if _, loose := count(t, d); loose != want {
		t.Fatalf("%d loose ids, want %d", loose, want)
	}
}

func wantBlocks(t *testing.T, d *Driver, want int) {
	t.Helper()
	if blocks, loose := count(t, d); blocks != want || loose != 0 {
		t.Fatalf("%d blocks and %d loose ids, want %d and none", blocks, loose, want)
	}
}

var errSender = errors.New("the sender went away")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errSender }

// No block stays behind where an object was replaced, deleted or never
// finished.
func TestNoBlockIsLeft(t *testing.T) {
	t.Parallel()
	s, d, _ := newStore(t)
	const blocks = 3*flushBlocks + 1
	data := make([]byte, blocks*blockSize)
	put := func(data []byte, cond blobstore.Condition) error {
		_, err := s.PutStream(t.Context(), "a", bytes.NewReader(data), int64(len(data)), cond)
		return err
	}
	if err := put(data, blobstore.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, d, blocks)
	if err := put(data[:2*blockSize], blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, d, 2)
	if err := put(data, blobstore.IfAbsent()); !errors.Is(err, blobstore.ErrConflict) {
		t.Fatal(err)
	}
	wantBlocks(t, d, 2)
	r := io.MultiReader(bytes.NewReader(data[:len(data)-1]), failing{})
	if _, err := s.PutStream(t.Context(), "a", r, int64(len(data)), blobstore.Condition{}); !errors.Is(err, errSender) {
		t.Fatal(err)
	}
	wantBlocks(t, d, 2)
	if err := put(nil, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, d, 0)
	if err := put(data, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, d, 0)
}

func TestRefusedStreamIsNotRead(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	if _, err := s.Put(t.Context(), "a", nil, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{10, 10 << 20} {
		if _, err := s.PutStream(t.Context(), "a", failing{}, size, blobstore.IfAbsent()); !errors.Is(err, blobstore.ErrConflict) {
			t.Errorf("a stream of %d bytes: %v", size, err)
		}
	}
}

// The condition is checked when a stream ends, not only when it begins.
func TestStreamThatIsOvertakenLoses(t *testing.T) {
	t.Parallel()
	s, d, _ := newStore(t)
	const size = 2 * flushBlocks * blockSize
	overtake := readFunc(func([]byte) (int, error) {
		if _, err := s.Put(t.Context(), "a", []byte("faster"), blobstore.IfAbsent()); err != nil {
			t.Error(err)
		}
		return 0, io.EOF
	})
	slow := io.MultiReader(io.LimitReader(zeros{}, size), overtake)
	if _, err := s.PutStream(t.Context(), "a", slow, size, blobstore.IfAbsent()); !errors.Is(err, blobstore.ErrConflict) {
		t.Fatalf("the slower of two creators: %v", err)
	}
	got, _, err := s.Get(t.Context(), "a")
	if err != nil || string(got) != "faster" {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	wantBlocks(t, d, 0)
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadingWhatWasReplacedIsAConflict(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	data := make([]byte, 4*blockSize)
	for _, end := range []func() error{
		func() error { return s.Delete(t.Context(), "a") },
		func() error { _, err := s.Put(t.Context(), "a", data, blobstore.Condition{}); return err },
	} {
		if _, err := s.Put(t.Context(), "a", data, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		r, _, err := s.Open(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, data[:10]); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // and stays so
			if n, err := io.Copy(io.Discard, r); !errors.Is(err, blobstore.ErrConflict) || n >= int64(len(data)) {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(data); err == nil {
			t.Fatal("a closed reader reads")
		}
	}
}

// A reader that waits for its client must not keep freed pages from being used
// again, or a store under load would grow without end.
func TestSlowReaderDoesNotMakeTheFileGrow(t *testing.T) {
	t.Parallel()
	s, _, path := newStore(t)
	if _, err := s.Put(t.Context(), "slow", make([]byte, 10*blockSize), blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.Open(t.Context(), "slow")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	churn := func() int64 {
		for range 10 {
			if _, err := s.Put(t.Context(), "other", make([]byte, 2<<20), blobstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if first, second := churn(), churn(); second > first+4<<20 {
		t.Fatalf("the file grew from %d to %d MiB", first>>20, second>>20)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n != 10*blockSize-10 {
		t.Fatalf("the rest: %d bytes, %v", n, err)
	}
}

// Whatever is damaged is found, not served.
func TestDamagedRecordsAreReported(t *testing.T) {
	t.Parallel()
	s, d, _ := newStore(t)
	good := record{kind: inline, id: newID(), size: 3, content: []byte("abc")}.encode()
	spoil := func(at int, b byte) []byte {
		r := bytes.Clone(good)
		r[at] = b
		return r
	}
	for what, r := range map[string][]byte{
		"empty": {}, "cut": good[:recordHeader-1], "shorter": good[:len(good)-1], "longer": append(bytes.Clone(good), 'd'),
		"of another kind": spoil(0, 9), "of no kind": spoil(0, 0), "blocked with content": spoil(0, blocked),
		"of negative size": spoil(17, 0xff), "of another size": spoil(24, 4),
	} {
		err := d.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(objectBucket).Put([]byte("a"), r) })
		if err != nil {
			t.Fatal(err)
		}
		_, _, get := s.Get(t.Context(), "a")
		_, put := s.Put(t.Context(), "a", nil, blobstore.IfAbsent())
		var list error
		for _, list = range s.List(t.Context(), "") {
		}
		for call, err := range map[string]error{"Get": get, "Put": put, "List": list} {
			if !errors.Is(err, errDamaged) {
				t.Errorf("%s of a record that is %s: %v", call, what, err)
			}
		}
	}
}
