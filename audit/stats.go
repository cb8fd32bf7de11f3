package audit

import "time"

// Stats is how the log does, for metrics.
type Stats struct {
	// Recorded is how many events went into the spool.
	Recorded uint64
	// Segments is how many segments went to the locked store.
	Segments uint64
	// SpoolFailures is how many writes to the spool failed, ShipFailures how many
	// attempts to ship, HeadFailures how many to write a head.
	SpoolFailures, ShipFailures, HeadFailures uint64
	// Events and Bytes are in the spool, not shipped yet.
	Events, Bytes int64
	// Lag is how old the oldest of these events is; zero where there is none.
	Lag time.Duration
	// LastShipped is when a segment last reached the locked store.
	LastShipped time.Time
	// Refusing says that no events are taken now, not even routine ones.
	Refusing bool
}

// Stats tells how the log does now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	oldest := time.Time{}
	s.Events, s.Bytes, oldest = l.spool.Held()
	if !oldest.IsZero() {
		s.Lag = l.age(oldest)
	}
	s.Refusing = l.broken != nil || l.writable() != nil
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	s.HeadFailures = l.heads.failures
	return s
}
