package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// ErrChanged is a spool that something else than wertfach has changed, or that
// belongs to a deployment with another secret.
var ErrChanged = errors.New("the audit spool was changed from outside")

// Spool holds the events that are not in the locked store yet.
type Spool struct {
	store   *blobstore.Store
	key     []byte
	writing sync.Mutex // held while the state is written

	mu            sync.Mutex
	state         state
	batches       []Batch // not shipped, in order
	tail          mac     // keyed hash of the newest batch
	next          int64   // number of the next batch
	bytes, events int64   // in batches
	cached        int64   // bytes of lines in memory
}

// Open reads what an earlier run left. The key authenticates; it must be the same
// at each start, and 16 bytes at least.
func Open(ctx context.Context, store *blobstore.Store, key []byte) (*Spool, error) {
	if len(key) < leastKey {
		return nil, fmt.Errorf("the key of the audit spool has less than %d bytes", leastKey)
	}
	s := &Spool{store: store, key: slices.Clone(key)}
	st, found, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.state, s.tail, s.next = st, st.mac(), st.First
	var shipped []int64
	for info, err := range store.List(ctx, batchFolder) {
		if err != nil {
			return nil, err
		}
		number, ok := parseBatchName(info.Name)
		switch {
		case !ok, !found, number > s.next:
			return nil, ErrChanged // no batch of ours, or one is missing before it
		case number < st.First:
			shipped = append(shipped, number)
			continue
		}
		b, err := s.recall(ctx, number, s.tail)
		if err != nil {
			return nil, err
		}
		s.batches = append(s.batches, b)
		s.tail, s.next = b.mac, number+1
		s.bytes += b.Bytes
		s.events += int64(b.Events)
	}
	return s, s.Remove(ctx, shipped)
}

const leastKey = 16

// Begin makes a new chain the current one, for all batches from now on. The writer
// of batches calls it.
func (s *Spool) Begin(ctx context.Context, c Chain) error {
	return s.change(ctx, func(st *state) {
		c.First = s.next
		if len(st.Chains) == 0 {
			c.Next.After = st.Past
		}
		st.Chains = append(st.Chains, c)
	})
}

// Next gives the first chain that is not over, and of its batches those that make
// up the next segment: of one minute, and not more than that many bytes unless
// the first alone is more. None is left of a chain if there are none. Current says
// whether it is the chain to which batches are still added.
func (s *Spool) Next(most int64) (c Chain, batches []Batch, current bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chains := s.state.Chains
	if len(chains) == 0 {
		return Chain{}, nil, true
	}
	c, current = chains[0], len(chains) == 1
	size := int64(0)
	for i, b := range s.batches {
		size += b.Bytes
		if !current && b.Number >= chains[1].First || i > 0 && (size > most || !segment.SameMinute(b.First, s.batches[0].First)) {
			break
		}
		batches = append(batches, b)
	}
	return c, batches, current
}

// Advance notes that the first so many batches are in the locked store as the
// segment that sealed holds, and gives their numbers, which may now be removed.
func (s *Spool) Advance(ctx context.Context, batches int, sealed *segment.Segment) ([]int64, error) {
	err := s.change(ctx, func(st *state) {
		c := &st.Chains[0]
		c.Next, c.Last, c.Bare = sealed.Next(), sealed.Last, nil
		if batches > 0 {
			st.shipped(s.batches[batches-1])
		}
		c.First = max(c.First, st.First)
		if sealed.Header.Kind == segment.Closed {
			link := sealed.Link()
			st.end(&link)
		}
	})
	if err != nil {
		return nil, err
	}
	return s.drop(batches), nil
}

// drop forgets batches that are shipped.
func (s *Spool) drop(batches int) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := make([]int64, 0, batches)
	for _, b := range s.batches[:batches] {
		numbers = append(numbers, b.Number)
		s.bytes -= b.Bytes
		s.events -= int64(b.Events)
		if b.lines != nil {
			s.cached -= b.Bytes
		}
	}
	clear(s.batches[:batches])
	s.batches = s.batches[batches:]
	return numbers
}

// Announce notes the segment without events that comes next in the first chain,
// so that after a crash the same one is made.
func (s *Spool) Announce(ctx context.Context, b Bare) error {
	return s.change(ctx, func(st *state) { st.Chains[0].Bare = &b })
}

// Leave ends the first chain as it is: all that is not shipped of it will be
// shipped to the chain c instead, or to none where the first batches, which are
// all that there are of it, are in the locked store already.
func (s *Spool) Leave(ctx context.Context, c *Chain, batches int) ([]int64, error) {
	err := s.change(ctx, func(st *state) {
		left := st.Chains[0]
		if batches > 0 {
			st.shipped(s.batches[batches-1])
		}
		if c != nil {
			c.First = max(left.First, st.First)
			st.Chains[0] = *c
			return
		}
		st.end(left.Link())
	})
	if err != nil {
		return nil, err
	}
	return s.drop(batches), nil
}

// Remove deletes batches that are shipped.
func (s *Spool) Remove(ctx context.Context, numbers []int64) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, number := range numbers {
		group.Go(func() error { return s.store.Delete(gctx, batchName(number)) })
	}
	return group.Wait()
}

// Probe writes something, to see whether the spool takes it.
func (s *Spool) Probe(ctx context.Context) error {
	_, err := s.store.Put(ctx, "probe", make([]byte, probeSize), blobstore.Condition{})
	return err
}

// probeSize is about that of a batch in bytes: a disk that is nearly full may
// still take a few.
const probeSize = 16 << 10

// Held is what is not shipped: how many events, the bytes that they take, and when
// the oldest was spooled.
func (s *Spool) Held() (events, bytes int64, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.batches) > 0 {
		oldest = s.batches[0].Since
	}
	return s.events, s.bytes + int64(len(s.batches))*overhead, oldest
}

// overhead is about what a batch takes beside its lines, on the disk and in memory,
// in bytes.
const overhead = 256

// Chains gives those that are not over, the current one last.
func (s *Spool) Chains() []Chain {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.Chains)
}
