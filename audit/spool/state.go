package spool

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

const (
	stateName   = "state"
	stateFormat = "wertfach-audit-spool/1"
)

// state is what the spool knows beside the batches.
type state struct {
	Format string `json:"format"`
	// First is the number of the first batch that is not shipped, and MAC the
	// keyed hash of the batch before it.
	First int64  `json:"first"`
	MAC   string `json:"mac"`
	// Chains are those that are not over, the current one last.
	Chains []Chain `json:"chains"`
	// Past is the last segment of the chain that ended last.
	Past *segment.Link `json:"past,omitempty"`
}

// mac is MAC as bytes.
func (st *state) mac() (m mac) {
	_, _ = hex.Decode(m[:], []byte(st.MAC)) // authenticated; empty at first
	return m
}

// shipped notes that all batches up to b are.
func (st *state) shipped(b Batch) {
	st.First, st.MAC = b.Number+1, hex.EncodeToString(b.mac[:])
}

// end is the end of the first chain; the next one comes after its last segment.
func (st *state) end(last *segment.Link) {
	st.Chains, st.Past = st.Chains[1:], last
	if len(st.Chains) > 0 && !st.Chains[0].Begun() {
		st.Chains[0].Next.After = last
	}
}

// Chain is a chain to which batches are shipped.
type Chain struct {
	// First is the number of its first batch, if that is not shipped.
	First int64 `json:"first"`
	// Next is the header of the next segment, without kind and time.
	Next segment.Header `json:"next"`
	// Last is the time of the last event that was shipped.
	Last time.Time `json:"last,omitzero"`
	// Bare is the segment without events that comes next, if it was begun.
	Bare *Bare `json:"bare,omitempty"`
	// Resumed says that the chain was begun by an earlier run.
	Resumed bool `json:"-"`
}

// Bare is a segment without events.
type Bare struct {
	Kind segment.Kind `json:"kind"`
	Time time.Time    `json:"time"`
}

// NewChain is a chain that begins after another one, or none.
func NewChain(id, server string, after *segment.Link) Chain {
	return Chain{Next: segment.Header{Format: segment.Format, Chain: id, Number: 1, FirstEvent: 1, After: after, Server: server}}
}

// Begun says whether the chain has a segment.
func (c Chain) Begun() bool { return c.Next.Number > 1 }

// Link names the chain's last segment; before the first, the one that the chain
// came after.
func (c Chain) Link() *segment.Link {
	if !c.Begun() {
		return c.Next.After
	}
	return &segment.Link{Chain: c.Next.Chain, Number: c.Next.Number - 1, Hash: c.Next.Previous}
}

// load reads the state; found is false where there is none.
func (s *Spool) load(ctx context.Context) (st state, found bool, err error) {
	file, _, err := s.store.Get(ctx, stateName)
	if errors.Is(err, blobstore.ErrNotFound) {
		return state{Format: stateFormat, First: 1}, false, nil
	}
	if err != nil {
		return st, false, err
	}
	line, sum, _ := bytes.Cut(file, []byte{'\n'})
	if !hmac.Equal(sum, s.stateMAC(line)) || json.Unmarshal(line, &st) != nil || st.Format != stateFormat || st.First < 1 {
		return st, false, ErrChanged
	}
	for i := range st.Chains {
		st.Chains[i].Resumed = true
	}
	return st, true, nil
}

// change makes a change to the state durable. What the function changes in the
// memory of the old state is its own: it gets a copy.
func (s *Spool) change(ctx context.Context, do func(*state)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	next := s.state
	next.Chains = slices.Clone(next.Chains)
	do(&next)
	s.mu.Unlock()
	line, err := json.Marshal(next)
	if err != nil {
		return err
	}
	file := append(append(line, '\n'), s.stateMAC(line)...)
	if _, err := s.store.Put(ctx, stateName, file, blobstore.Condition{}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = next
	return nil
}

func (s *Spool) stateMAC(line []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("wertfach audit spool state 1\n"))
	m.Write(line)
	return hex.AppendEncode(nil, m.Sum(nil))
}
