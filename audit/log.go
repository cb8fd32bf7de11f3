package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/audit/spool"
	"github.com/wertfach/wertfach/blobstore"
)

// Archive is the locked store; *blobstore.Archive is one.
type Archive interface {
	// Create stores under a name that was never used, or is blobstore.ErrConflict.
	Create(ctx context.Context, name string, data []byte) error
	Source
}

// Source is what is read of a locked store.
type Source interface {
	// Versions lists all versions of the objects with a prefix, in the order of
	// their names, of each the oldest first.
	Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error]
	// Read gives one version whole.
	Read(ctx context.Context, name, id string) ([]byte, error)
}

// What bounds the spool where a [Config] does not: how old its oldest event may be,
// and how many bytes it may hold.
const (
	DefaultMaxAge   = 10 * time.Minute
	DefaultMaxBytes = 1 << 30
)

// Config is what a [Log] works with. What does not say that it may be empty is
// needed.
type Config struct {
	// Spool is a small store on the server's own disk, for this log alone.
	Spool *blobstore.Store
	// Archive is the locked store.
	Archive Archive
	// Heads is the store of data, where heads are kept.
	Heads *blobstore.Store
	// Signer signs segments and heads: [SignWith].
	Signer segment.Signer
	// MACKey authenticates the spool; 16 bytes at least, the same at each start.
	MACKey []byte
	// Server is what the operator calls this server.
	Server string
	// MaxAge and MaxBytes bound what is in the spool: how old the oldest event may
	// be, and how much there may be; [DefaultMaxAge] and [DefaultMaxBytes] where zero.
	MaxAge   time.Duration
	MaxBytes int64
	// ShipEvery is how often routine events are shipped at most; a second where
	// zero.
	ShipEvery time.Duration
	// Now is the clock that events are dated by; time.Now where nil.
	Now func() time.Time
	// Log is told what goes wrong; nobody is where nil.
	Log *slog.Logger
}

// Log records events. It is safe for concurrent use.
type Log struct {
	c     Config
	spool *spool.Spool
	kick  chan struct{} // something changed for the shipper
	heads *heads

	stop       context.CancelFunc
	background sync.WaitGroup // shipper and writer of heads
	commits    sync.WaitGroup

	mu sync.Mutex
	recording
	shipping
	stats Stats
}

// Open begins a new chain on the spool, and ships what an earlier run left. It
// works while the locked store, the store of data and the signing key are away.
// The error wraps [spool.ErrChanged] where something else has changed the spool.
// The log is to be closed; the stores stay the caller's.
func Open(ctx context.Context, c Config) (*Log, error) {
	c.MaxAge = cmp.Or(c.MaxAge, DefaultMaxAge)
	c.MaxBytes = cmp.Or(c.MaxBytes, DefaultMaxBytes)
	c.ShipEvery = cmp.Or(c.ShipEvery, time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := spool.Open(ctx, c.Spool, c.MACKey)
	if err != nil {
		return nil, fmt.Errorf("opening the audit spool: %w", err)
	}
	l := &Log{c: c, spool: s, kick: make(chan struct{}, 1)}
	l.heads = newHeads(c, l.foreclose)
	l.clock = segment.Instant(c.Now())
	if err := s.Begin(ctx, l.newChain(nil)); err != nil {
		return nil, fmt.Errorf("beginning an audit chain: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.background.Go(func() { l.ship(running) })
	l.background.Go(func() { l.heads.run(running) })
	return l, nil
}

func (l *Log) newChain(after *segment.Link) spool.Chain {
	return spool.NewChain(segment.NewChain(l.c.Now()), l.c.Server, after)
}

// Close takes no more events, ships what is there and closes the chain. Where that
// does not succeed before ctx ends, the error says so, and the next run on the same
// spool does it.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return errClosed
	}
	l.closing = true
	l.mu.Unlock()
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		l.commits.Wait()
	}()
	err := error(nil)
	select {
	case <-committed:
		err = l.finish(ctx)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	l.stop()
	l.background.Wait()
	if err == nil {
		// The last segment says that the chain is closed. That the head says so
		// too, and that the spool is empty, may fail: the one does without, and
		// the other is for the next run.
		_ = l.heads.flush(ctx)
		_ = l.tidy(ctx)
	}
	if err != nil {
		return fmt.Errorf("closing the audit log; what is in the spool is shipped by the next run: %w", err)
	}
	return nil
}

// finish waits until the shipper has closed all chains.
func (l *Log) finish(ctx context.Context) error {
	done := make(chan struct{})
	l.mu.Lock()
	l.finished = done
	l.mu.Unlock()
	l.wake()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		return errors.Join(context.Cause(ctx), l.failed)
	}
}

// wake has the shipper look at what there is to do.
func (l *Log) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}
