package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// ErrRetire is a chain that can't be retired: it is not there, or broken, or its
// server may still be running.
var ErrRetire = errors.New("the audit chain can't be retired")

// ErrNoChain is a chain that is not there. It is an [ErrRetire] too.
var ErrNoChain = fmt.Errorf("%w: there is no such chain", ErrRetire)

// Retire closes a chain for good whose server never comes back: its disk is
// destroyed, and with it what of its last second was only in the spool. It adds
// the closing segment and renews the head, if the chain is whole as far as
// its head counts and there was no sign of it for five minutes. Should the server
// come back nonetheless, it ships what its spool holds in a new chain. To retire a
// chain that is closed already does nothing; closed says whether this call closed it.
func (r *Reader) Retire(ctx context.Context, archive Archive, heads *blobstore.Store, signer segment.Signer, chain string, now time.Time) (closed bool, err error) {
	if !segment.ValidChain(chain) {
		return false, ErrNoChain
	}
	v, err := r.verifier(ctx, time.Time{})
	if err != nil {
		return false, err
	}
	v.only = chain
	if err := v.readHeads(ctx, r.Heads); err != nil {
		return false, err
	}
	first, err := time.Parse("20060102", chain[:8])
	if err != nil {
		return false, ErrNoChain
	}
	for _, prefix := range days(first.Add(-24*time.Hour), now) {
		if err := v.read(ctx, r.Segments, prefix); err != nil {
			return false, err
		}
	}
	c := v.chain(chain)
	if h, ok := v.heads[chain]; ok {
		v.ends(c, h, now)
	}
	switch {
	case c.found[Broken].Problem != "":
		return false, fmt.Errorf("%w: %s", ErrRetire, c.found[Broken].Problem)
	case !c.begun():
		return false, ErrNoChain
	case c.Closed:
		return false, nil
	case now.Sub(c.Last) < headAge || now.Sub(v.heads[chain].Time) < headAge:
		return false, fmt.Errorf("%w: there was a sign of it less than %d minutes ago", ErrRetire, int(headAge.Minutes()))
	}
	header := c.next
	header.Kind, header.Time = segment.Closed, segment.Instant(now)
	file, err := segment.Seal(ctx, signer, header, nil)
	if err != nil {
		return false, err
	}
	if err := archive.Create(ctx, header.Object(), file); err != nil {
		return false, err
	}
	head, err := segment.Head{
		Chain: chain, Number: header.Number, Hash: segment.Hash(file), SegmentTime: header.Time, Events: header.FirstEvent - 1,
		Time: header.Time, Closed: true,
	}.Seal(ctx, signer)
	if err != nil {
		return false, err
	}
	_, err = heads.Put(ctx, segment.HeadOf(chain), head, blobstore.Condition{})
	return err == nil, err
}
