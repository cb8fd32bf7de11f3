package blobstore

import (
	"context"
	"fmt"
)

// Limits bounds what a [Store] takes and how much it has under way. A server that
// gets more requests than it can work on queues them badly: of 128 writers let
// loose on MinIO with one drive, the slowest hundredth waited 0.7 to 1.5 s; let
// in 32 at a time they waited 0.2 to 0.4 s, at the same rate of writing. So
// requests wait here, and only as long as their contexts last.
//
// Reads, writes and streams have bounds of their own, so that reading does not
// wait behind slow disk writes, nor either of them behind a client that takes
// minutes to send a scan.
type Limits struct {
	// Object is the largest object for Get and Put, in bytes; 8 MiB where zero.
	Object int64
	// Reads is how many Get, Stat and List requests are under way; 64 where zero.
	Reads int
	// Writes is how many Put and Delete requests are under way; 32 where zero.
	Writes int
	// Streams is how many objects are being streamed: PutStream calls, and
	// readers from Open that are not closed yet; 64 where zero. Each takes some
	// 40 KiB of memory with the S3 driver and 0.5 MiB with the embedded one.
	Streams int
}

const (
	defaultObject  = 8 << 20
	defaultReads   = 64
	defaultWrites  = 32
	defaultStreams = 64
)

func (l Limits) withDefaults() Limits {
	if l.Object <= 0 {
		l.Object = defaultObject
	}
	if l.Reads <= 0 {
		l.Reads = defaultReads
	}
	if l.Writes <= 0 {
		l.Writes = defaultWrites
	}
	if l.Streams <= 0 {
		l.Streams = defaultStreams
	}
	return l
}

// slots is a counting semaphore: its capacity is how many may hold one.
type slots chan struct{}

// acquire waits for a slot, at most until ctx ends. A context that has ended
// gets none, even if one is free.
func (s slots) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for other requests to the object store: %w", ctx.Err())
	}
}

func (s slots) release() { <-s }
