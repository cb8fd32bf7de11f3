package s3

import (
	"fmt"
	"io"
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

// TestStreamsAreNotHeldInMemory streams far more at once than the heap may
// grow by.
func TestStreamsAreNotHeldInMemory(t *testing.T) {
	const (
		streams = 6
		size    = 16 << 20
		most    = 16 << 20 // of streams * size = 96 MiB in each direction
	)
	s := blobstore.New(openBucket(t, testenv.SharedMinio(t)))
	before, peak := heap(), uint64(0)
	var mu sync.Mutex
	watch := func() {
		now := heap()
		mu.Lock()
		defer mu.Unlock()
		peak = max(peak, now)
	}
	var wg sync.WaitGroup
	for i := range streams {
		name := fmt.Sprint(i)
		wg.Go(func() {
			r := &trigger{r: io.LimitReader(zeros{}, size), at: size - 1, do: watch}
			if _, err := s.PutStream(t.Context(), name, r, size, blobstore.IfAbsent()); err != nil {
				t.Error(err)
				return
			}
			down, _, err := s.Open(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			defer down.Close()
			if n, err := io.Copy(io.Discard, &trigger{r: down, at: size - 1, do: watch}); err != nil || n != size {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	wg.Wait()
	if peak > before+most {
		t.Errorf("the heap grew from %d to %d MiB", before>>20, peak>>20)
	}
}

// heap is the memory of live and not yet swept objects, in bytes.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
