package audit

import (
	"context"
	"iter"
	"sync"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// readAhead is how many segments are read at once, and so held at most: a store
// that is asked for one after the other mostly waits.
const readAhead = 16

// reading is an object of the log that is being read.
type reading struct {
	version blobstore.Version
	name    segment.Name
	ok      bool // it has the name of a segment
	first   bool // it is the version that was written first
	done    chan struct{}
	file    []byte
	err     error
}

// ahead goes through the versions below a prefix, in their order, and reads some
// of the segments ahead. Only what wanted agrees to is read.
func ahead(ctx context.Context, source Source, prefix string, wanted func(segment.Name) bool) iter.Seq2[*reading, error] {
	return func(yield func(*reading, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		var window []*reading
		next := func() bool {
			r := window[0]
			window = window[1:]
			<-r.done
			return yield(r, nil)
		}
		before := ""
		for version, err := range source.Versions(ctx, prefix) {
			if err != nil {
				yield(nil, err)
				return
			}
			r := &reading{version: version, first: version.Name != before, done: make(chan struct{})}
			before = version.Name
			if r.name, r.ok = segment.ParseName(version.Name); r.ok && r.first && wanted(r.name) {
				all.Go(func() {
					defer close(r.done)
					r.file, r.err = source.Read(ctx, version.Name, version.ID)
				})
			} else {
				close(r.done)
			}
			if window = append(window, r); len(window) == readAhead && !next() {
				return
			}
		}
		for len(window) > 0 {
			if !next() {
				return
			}
		}
	}
}
