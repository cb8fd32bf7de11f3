//go:build unix

package audit

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
)

// BenchmarkRecord records on an embedded spool, shipping included. Beside the time
// for each event it tells the processor time for each.
func BenchmarkRecord(b *testing.B) {
	for _, parallel := range []int{1, 32} {
		for name, d := range map[string]Durability{"spooled": Spooled, "locked": Locked} {
			b.Run(fmt.Sprintf("%s/%d", name, parallel), func(b *testing.B) {
				disk, err := embedded.Open(filepath.Join(b.TempDir(), "spool"))
				if err != nil {
					b.Fatal(err)
				}
				spool := blobstore.New(disk)
				defer spool.Close()
				w := newWorld()
				l := w.open(b, func(c *Config) { c.Spool, c.ShipEvery = spool, time.Second })
				e := event("0123456789abcdefghijklmnop")
				e.Subject, e.Artefact, e.Role, e.RequestID = "0123456789abcdefghijklmnop", "0123456789abcdefghijklmnop", "portal", "01234567-89ab-cdef-0123-456789abcdef"
				var next atomic.Int64
				var all sync.WaitGroup
				before := processorTime(b)
				b.ResetTimer()
				for range parallel {
					all.Go(func() {
						for next.Add(1) <= int64(b.N) {
							if err := l.Record(b.Context(), e, d); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())*float64(parallel)/float64(b.N), "latency-ns")
				if err := l.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// processorTime is what this process has used, in nanoseconds.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
