package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
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

// client is what a benchmark compares: the store, or the library used in the
// way that its documentation shows.
type client struct {
	put func(ctx context.Context, name string, r *bytes.Reader, size int64, small bool) error
	get func(ctx context.Context, name string, small bool) error
}

func clients(b *testing.B) map[string]client {
	m := testenv.SharedMinio(b)
	bucket := m.FreshBucket(b)
	s := blobstore.New(mustOpen(b, settings(b, m, bucket)))
	bare, err := m.Client()
	if err != nil {
		b.Fatal(err)
	}
	drain := func(r io.ReadCloser) error {
		_, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, 32<<10))
		return errors.Join(err, r.Close())
	}
	return map[string]client{
		"store": {
			func(ctx context.Context, name string, r *bytes.Reader, size int64, small bool) error {
				if !small {
					_, err := s.PutStream(ctx, name, r, size, blobstore.Condition{})
					return err
				}
				data := make([]byte, size)
				if _, err := r.Read(data); err != nil {
					return err
				}
				_, err := s.Put(ctx, name, data, blobstore.Condition{})
				return err
			},
			func(ctx context.Context, name string, small bool) error {
				if small {
					_, _, err := s.Get(ctx, name)
					return err
				}
				r, _, err := s.Open(ctx, name)
				if err != nil {
					return err
				}
				return drain(r)
			},
		},
		"bare": {
			func(ctx context.Context, name string, r *bytes.Reader, size int64, _ bool) error {
				_, err := bare.PutObject(ctx, bucket, name, r, size, minio.PutObjectOptions{})
				return err
			},
			func(ctx context.Context, name string, _ bool) error {
				r, err := bare.GetObject(ctx, bucket, name, minio.GetObjectOptions{})
				if err != nil {
					return err
				}
				return drain(r)
			},
		},
	}
}

// Benchmark compares the store with the bare library on the real server.
func Benchmark(b *testing.B) {
	both := clients(b)
	for _, load := range []struct {
		name     string
		size     int
		parallel int
	}{
		{"1KiB", 1 << 10, 1}, {"1KiB", 1 << 10, 32}, {"4KiB", 4 << 10, 32}, {"10MiB", 10 << 20, 4},
	} {
		data := bytes.Repeat([]byte("sealed.."), load.size/8)
		small := load.size < 1<<20
		for who, c := range both {
			b.Run(fmt.Sprintf("put/%s/%d/%s", load.name, load.parallel, who), func(b *testing.B) {
				b.ReportAllocs()
				together(b, load.parallel, func(i int) error {
					return c.put(b.Context(), fmt.Sprintf("put/%d", i%500), bytes.NewReader(data), int64(len(data)), small)
				})
			})
		}
		for who, c := range both {
			if err := c.put(b.Context(), "get", bytes.NewReader(data), int64(len(data)), small); err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("get/%s/%d/%s", load.name, load.parallel, who), func(b *testing.B) {
				b.ReportAllocs()
				together(b, load.parallel, func(int) error { return c.get(b.Context(), "get", small) })
			})
		}
	}
}
