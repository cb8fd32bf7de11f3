package embedded

import (
	"context"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

const (
	// maxGroup and maxGroupBytes bound what one commit takes, and so how long
	// it lasts and how much memory its dirty pages need.
	maxGroup      = 1024
	maxGroupBytes = 8 << 20
)

// group commits changes together: whatever arrives while a commit is under way
// goes into the next one. There is no goroutine of its own; of those who wait,
// one commits for all. Unlike bbolt's Batch it never delays a lone writer.
type group struct {
	db   *bbolt.DB
	turn chan struct{} // held by whoever commits

	mu      sync.Mutex
	waiting []*change
}

// change is a function that changes the database, and what came of it.
type change struct {
	apply func(*bbolt.Tx) error
	bytes int
	done  chan struct{}
	err   error // readable when done is closed
}

func newGroup(db *bbolt.DB) *group {
	return &group{db: db, turn: make(chan struct{}, 1)}
}

// do applies a change of about that many bytes and returns when it is durable.
// The function may be called more than once, each time in a new transaction; an
// error from it undoes all that it did and is returned. If the context ends
// before the commit has begun, nothing happens; after that, do waits for the
// outcome, so that it is never in doubt.
func (g *group) do(ctx context.Context, bytes int, apply func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{apply: apply, bytes: bytes, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	g.mu.Unlock()
	for {
		select {
		case <-c.done:
			return c.err
		case g.turn <- struct{}{}:
			g.lead(c)
		case <-ctx.Done():
			if g.withdraw(c) {
				return ctx.Err()
			}
			<-c.done
			return c.err
		}
	}
}

// lead commits the next group, unless own has been done by another leader.
func (g *group) lead(own *change) {
	defer func() { <-g.turn }()
	select {
	case <-own.done:
	default:
		g.commit(g.take())
	}
}

// take removes the next group from those who wait, in their order.
func (g *group) take() []*change {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, bytes := 0, 0
	for n < len(g.waiting) && n < maxGroup && (n == 0 || bytes+g.waiting[n].bytes <= maxGroupBytes) {
		bytes += g.waiting[n].bytes
		n++
	}
	next := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return next
}

func (g *group) withdraw(c *change) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, c)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

// commit applies the changes in one transaction. One that fails is left out
// and the others are applied again; a commit that fails, fails for all.
func (g *group) commit(changes []*change) {
	for len(changes) > 0 {
		failed := -1
		err := g.db.Update(func(tx *bbolt.Tx) error {
			for i, c := range changes {
				if err := c.apply(tx); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, c := range changes {
				c.finish(err)
			}
			return
		}
		changes[failed].finish(err)
		changes = slices.Delete(changes, failed, failed+1)
	}
}

func (c *change) finish(err error) {
	c.err = err
	close(c.done)
}
