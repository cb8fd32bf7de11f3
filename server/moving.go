package server

import (
	"sync"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
)

// idleStream is how long a scan's stream may stand still. A client that neither
// sends nor takes would otherwise keep one of the few places for streams.
const idleStream = 30 * time.Second

// streams are the scans under way. A handler whose client stands still returns
// before its work has noticed, so the server waits for the work too.
type streams struct {
	idle    time.Duration
	working sync.WaitGroup
}

// moving does the work of a stream until it ends or stands still. Each message
// is reported by calling moved. When it returns, gRPC ends the stream, and with
// it the work.
func (s *streams) moving(work func(moved func()) error) error {
	done, alive := make(chan error, 1), make(chan struct{}, 1)
	s.working.Go(func() {
		done <- protect(func() error {
			return work(func() {
				select {
				case alive <- struct{}{}:
				default:
				}
			})
		})
	})
	timer := time.NewTimer(s.idle)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-alive:
			timer.Reset(s.idle)
		case <-timer.C:
			return standsStill(s.idle)
		}
	}
}

func standsStill(idle time.Duration) error {
	return fault.New(fault.Aborted, "STREAM_IDLE", "nothing was sent or taken for %v", idle)
}
