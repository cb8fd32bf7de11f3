package audit

import (
	"bytes"
	"context"
	"errors"
	"reflect"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/audit/spool"
	"github.com/wertfach/wertfach/blobstore"
)

// errForeign is a segment under a name of ours that is not what we would have
// written.
var errForeign = errors.New("another segment lies in its place")

// adopt takes for its own what is in the locked store where the next segment
// should go: an attempt that broke off wrote it, with as many batches as there
// were then. Where it was not us, the chain is given up, and its events go to a
// new one.
func (l *Log) adopt(ctx context.Context, c spool.Chain, header segment.Header, lines []byte, batches []spool.Batch, current bool) error {
	there, err := l.there(ctx, header)
	if errors.Is(err, errForeign) {
		l.c.Log.Error("the audit log goes on in a new chain", "chain", c.Next.Chain, "error", err)
		return l.leaveTo(ctx, c)
	}
	if err != nil {
		return err
	}
	if n, ok := covers(there.Body, lines, batches); ok {
		return l.done(ctx, batches[:n], there)
	}
	if !current && len(there.Body) > len(lines) && bytes.HasPrefix(there.Body, lines) {
		// The spool is an older copy of one with which a server went on.
		l.c.Log.Error("the audit spool is a copy; its chain goes on elsewhere", "chain", c.Next.Chain)
		return l.abandon(ctx, batches)
	}
	l.c.Log.Error("the audit log goes on in a new chain", "chain", c.Next.Chain, "error", errForeign)
	return l.leaveTo(ctx, c)
}

// there reads what lies in a segment's place, and checks that it has just that
// header and verifies.
func (l *Log) there(ctx context.Context, header segment.Header) (*segment.Segment, error) {
	file, err := oldest(ctx, l.c.Archive, header.Object())
	if err != nil {
		return nil, err
	}
	public, err := l.c.Signer.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	s, err := segment.Open(file, segment.NewKeys(public))
	if err != nil || !reflect.DeepEqual(s.Header, header) {
		return nil, errForeign
	}
	return s, nil
}

// oldest reads the version that was written first.
func oldest(ctx context.Context, archive Source, name string) ([]byte, error) {
	for v, err := range archive.Versions(ctx, name) {
		if err != nil {
			return nil, err
		}
		if v.Name == name {
			return archive.Read(ctx, name, v.ID)
		}
	}
	return nil, blobstore.ErrNotFound
}

// covers says how many whole batches make up just that body.
func covers(body, lines []byte, batches []spool.Batch) (int, bool) {
	if !bytes.HasPrefix(lines, body) {
		return 0, false
	}
	size := 0
	for n, b := range batches {
		if size == len(body) {
			return n, true
		}
		size += int(b.Bytes)
	}
	return len(batches), size == len(body)
}

// check looks, once, whether a chain that an earlier run began was closed by
// somebody else meanwhile.
func (l *Log) check(ctx context.Context, c spool.Chain) error {
	closing := c.Bare != nil && c.Bare.Kind == segment.Closed
	if !c.Resumed || !c.Begun() || closing || l.checked[c.Next.Chain] {
		return nil
	}
	h, _, err := l.heads.read(ctx, c.Next.Chain)
	if err != nil {
		return err
	}
	if h.Closed {
		l.foreclose(c.Next.Chain)
	}
	if l.checked == nil {
		l.checked = map[string]bool{}
	}
	l.checked[c.Next.Chain] = true
	return nil
}

// foreclose notes that somebody else closed a chain, or goes on with it.
func (l *Log) foreclose(chain string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.foreclosed == nil {
		l.foreclosed = map[string]bool{}
	}
	if !l.foreclosed[chain] {
		l.c.Log.Error("an audit chain was closed or continued by somebody else; the log goes on in a new one", "chain", chain)
	}
	l.foreclosed[chain] = true
}

func (l *Log) isForeclosed(chain string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.foreclosed[chain]
}

// leave gives up a chain to which nothing can be added any more. What of it is in
// the locked store already counts; the rest goes to a new chain.
func (l *Log) leave(ctx context.Context, c spool.Chain, batches []spool.Batch, current bool) error {
	if len(batches) > 0 && c.Bare == nil {
		header := c.Next
		header.Kind, header.Time = segment.Events, batches[0].First
		switch _, err := oldest(ctx, l.c.Archive, header.Object()); {
		case err == nil:
			return l.make(ctx, c, segment.Events, header.Time, batches, current)
		case !errors.Is(err, blobstore.ErrNotFound):
			return err
		}
	}
	if len(batches) == 0 && !current {
		return l.abandon(ctx, nil)
	}
	return l.leaveTo(ctx, c)
}

// leaveTo goes on with a new chain.
func (l *Log) leaveTo(ctx context.Context, c spool.Chain) error {
	next := l.newChain(c.Link())
	_, err := l.spool.Leave(ctx, &next, 0)
	return err
}

// abandon ends a chain as it is; these batches, all that are left of it, are in
// the locked store.
func (l *Log) abandon(ctx context.Context, batches []spool.Batch) error {
	numbers, err := l.spool.Leave(ctx, nil, len(batches))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.garbage = append(l.garbage, numbers...)
	if len(batches) > 0 {
		l.release(batches[len(batches)-1].Number)
	}
	return nil
}
