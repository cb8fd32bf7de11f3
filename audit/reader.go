package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// Reader reads the log of all servers, in the locked store or downloaded.
type Reader struct {
	// Segments is the locked store, or a [Folder].
	Segments Source
	// Heads is where the heads are: [HeadsIn] a store, or a [Folder].
	Heads Heads
	// Keys gives the public keys that may have signed; segment.Signer has them, and
	// [Trust] takes some.
	Keys func(context.Context) ([]ed25519.PublicKey, error)
}

// Heads gives the heads of all chains.
type Heads interface {
	Heads(ctx context.Context) iter.Seq2[HeadFile, error]
}

// HeadFile is a head as it is stored.
type HeadFile struct {
	Chain string
	File  []byte
}

// Trust takes these keys and no others.
func Trust(keys []ed25519.PublicKey) func(context.Context) ([]ed25519.PublicKey, error) {
	return func(context.Context) ([]ed25519.PublicKey, error) { return keys, nil }
}

// HeadsIn gives the heads that are in the store of data.
func HeadsIn(store *blobstore.Store) Heads { return storedHeads{store} }

type storedHeads struct{ store *blobstore.Store }

// Heads implements [Heads].
func (s storedHeads) Heads(ctx context.Context) iter.Seq2[HeadFile, error] {
	return func(yield func(HeadFile, error) bool) {
		for info, err := range s.store.List(ctx, segment.HeadFolder) {
			if err != nil {
				yield(HeadFile{}, err)
				return
			}
			chain, ok := segment.ParseHeadName(info.Name)
			if !ok {
				continue
			}
			file, _, err := s.store.Get(ctx, info.Name)
			if !yield(HeadFile{chain, file}, err) || err != nil {
				return
			}
		}
	}
}

func (r *Reader) keys(ctx context.Context) (segment.Keys, error) {
	list, err := r.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("the keys of the audit log: %w", err)
	}
	return segment.NewKeys(list), nil
}
