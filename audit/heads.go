package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

const (
	headEvery = time.Second // between two times of writing heads, at least
	headIdle  = time.Minute // a head is renewed so often though nothing was shipped

	headAttempts = 3
)

// heads keeps the heads of this server's chains in the store of data.
type heads struct {
	c    Config
	lost func(chain string) // told of a chain whose head somebody else wrote
	kick chan struct{}

	mu       sync.Mutex
	due      []segment.Head // what to write, one for each chain
	newest   segment.Head   // of the chain that is renewed while idle
	failures uint64
	known    map[string]string // ETags of what we wrote; only one goroutine uses it
}

func newHeads(c Config, lost func(chain string)) *heads {
	return &heads{c: c, lost: lost, kick: make(chan struct{}, 1), known: map[string]string{}}
}

// update has a head written soon.
func (h *heads) update(head segment.Head) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest = head
	for i := range h.due {
		if h.due[i].Chain == head.Chain {
			h.due[i] = head
			return
		}
	}
	h.due = append(h.due, head)
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// run writes heads until ctx ends.
func (h *heads) run(ctx context.Context) {
	for {
		idle := time.NewTimer(headIdle)
		select {
		case <-ctx.Done():
			idle.Stop()
			return
		case <-h.kick:
			idle.Stop()
		case <-idle.C:
			h.renew()
		}
		for failed := true; failed; {
			err := h.flush(ctx)
			failed = err != nil
			pause := time.NewTimer(headEvery)
			select {
			case <-ctx.Done():
				pause.Stop()
				return
			case <-pause.C:
			}
		}
	}
}

// renew has the newest head written again, unless its chain is closed.
func (h *heads) renew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.due) == 0 && h.newest.Chain != "" && !h.newest.Closed {
		h.due = append(h.due, h.newest)
	}
}

// flush writes what is due. What fails stays due.
func (h *heads) flush(ctx context.Context) error {
	for {
		h.mu.Lock()
		if len(h.due) == 0 {
			h.mu.Unlock()
			return nil
		}
		head := h.due[0]
		h.mu.Unlock()
		wctx, cancel := context.WithTimeout(ctx, shipTime)
		err := h.write(wctx, head)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				h.c.Log.Warn("the head of an audit chain can't be written now", "error", err)
			}
			h.mu.Lock()
			h.failures++
			h.mu.Unlock()
			return err
		}
		h.mu.Lock()
		if h.due[0] == head {
			h.due = h.due[1:]
		}
		h.mu.Unlock()
	}
}

// write writes a head on condition that nobody else has since: two servers with
// copies of one spool would. Where somebody has closed the chain, or is further,
// it is theirs.
func (h *heads) write(ctx context.Context, head segment.Head) error {
	head.Time = segment.Instant(h.c.Now())
	file, err := head.Seal(ctx, h.c.Signer)
	if err != nil {
		return err
	}
	for range headAttempts {
		cond := blobstore.IfAbsent()
		if etag := h.known[head.Chain]; etag != "" {
			cond = blobstore.IfMatch(etag)
		}
		info, err := h.c.Heads.Put(ctx, segment.HeadOf(head.Chain), file, cond)
		if err == nil {
			h.known[head.Chain] = info.ETag
			return nil
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return err
		}
		there, etag, err := h.read(ctx, head.Chain)
		if err != nil {
			return err
		}
		if there.Number > head.Number || there.Closed && !head.Closed {
			h.lost(head.Chain)
			h.forget(head.Chain)
			return nil
		}
		h.known[head.Chain] = etag // of an attempt of ours, or of nothing that counts
	}
	return errors.New("somebody else writes it all the time")
}

// forget takes a chain from those that are renewed.
func (h *heads) forget(chain string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.newest.Chain == chain {
		h.newest = segment.Head{}
	}
}

// read reads the head of a chain. One that does not verify counts as none: it is
// overwritten, and nothing follows from it.
func (h *heads) read(ctx context.Context, chain string) (head segment.Head, etag string, err error) {
	file, info, err := h.c.Heads.Get(ctx, segment.HeadOf(chain))
	if errors.Is(err, blobstore.ErrNotFound) {
		return head, "", nil
	}
	if err != nil {
		return head, "", err
	}
	public, err := h.c.Signer.PublicKeys(ctx)
	if err != nil {
		return head, "", err
	}
	head, err = segment.OpenHead(file, segment.NewKeys(public))
	if err != nil || head.Chain != chain {
		return segment.Head{}, info.ETag, nil
	}
	return head, info.ETag, nil
}
