package embedded

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// together runs f b.N times on that many goroutines.
func together(b *testing.B, parallel int, f func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range parallel {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkPut stores 1 KiB, beside bbolt's two own ways to do it.
func BenchmarkPut(b *testing.B) {
	data := make([]byte, 1<<10)
	for _, parallel := range []int{1, 32} {
		b.Run(fmt.Sprintf("store/%d", parallel), func(b *testing.B) {
			s, _, _ := newStore(b)
			together(b, parallel, func(i int) error {
				_, err := s.Put(b.Context(), fmt.Sprint(i%10_000), data, blobstore.Condition{})
				return err
			})
		})
		for way, run := range map[string]func(*bbolt.DB) func(func(*bbolt.Tx) error) error{
			"update": func(db *bbolt.DB) func(func(*bbolt.Tx) error) error { return db.Update },
			"batch":  func(db *bbolt.DB) func(func(*bbolt.Tx) error) error { return db.Batch },
		} {
			b.Run(fmt.Sprintf("%s/%d", way, parallel), func(b *testing.B) {
				db, err := bbolt.Open(filepath.Join(b.TempDir(), "db"), 0o600, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				if err := db.Update(initialise(storeFormat)); err != nil {
					b.Fatal(err)
				}
				together(b, parallel, func(i int) error {
					return run(db)(func(tx *bbolt.Tx) error {
						return tx.Bucket(objectBucket).Put(fmt.Append(nil, i%10_000), data)
					})
				})
			})
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, _, _ := newStore(b)
	for i := range 100 {
		if _, err := s.Put(b.Context(), fmt.Sprint(i), make([]byte, 4<<10), blobstore.Condition{}); err != nil {
			b.Fatal(err)
		}
	}
	for _, parallel := range []int{1, 32} {
		b.Run(fmt.Sprint(parallel), func(b *testing.B) {
			together(b, parallel, func(i int) error {
				_, _, err := s.Get(b.Context(), fmt.Sprint(i%100))
				return err
			})
		})
	}
}

func BenchmarkStream(b *testing.B) {
	const size = 10 << 20
	s, _, _ := newStore(b)
	for _, parallel := range []int{1, 4} {
		b.Run(fmt.Sprintf("put/%d", parallel), func(b *testing.B) {
			b.SetBytes(size)
			together(b, parallel, func(i int) error {
				_, err := s.PutStream(b.Context(), fmt.Sprint(i%8), io.LimitReader(zeros{}, size), size, blobstore.Condition{})
				return err
			})
		})
		b.Run(fmt.Sprintf("get/%d", parallel), func(b *testing.B) {
			if _, err := s.PutStream(b.Context(), "x", io.LimitReader(zeros{}, size), size, blobstore.Condition{}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			together(b, parallel, func(int) error {
				r, _, err := s.Open(b.Context(), "x")
				if err != nil {
					return err
				}
				defer r.Close()
				_, err = io.Copy(io.Discard, r)
				return err
			})
		})
	}
}
