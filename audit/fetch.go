package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// fetchAtOnce is how many segments are downloaded at once.
const fetchAtOnce = 8

// Fetch downloads the log into a folder, for checking it elsewhere: heads, public
// keys, and the segments from the day of from on, all where it is zero. It checks
// nothing. What lies among the segments and has the name of none is left there, since
// a folder may not hold it; [Reader.Verify] tells of it. It ends with a signed inventory
// of what there was, so that nothing can be taken out of the folder unnoticed. A download that broke off goes on where it was
// when it is repeated; [Folder.Fetched] tells whether it is whole. Progress, if not nil, is told of each
// segment's size in bytes, also of those that were there.
func (r *Reader) Fetch(ctx context.Context, dir string, from, now time.Time, signer segment.Signer, progress func(int64)) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if !from.IsZero() {
		from = from.UTC().Truncate(24 * time.Hour)
	}
	f := &fetching{root: root, r: r, progress: progress, last: map[string]int64{}}
	if err := f.begin(ctx); err != nil {
		return err
	}
	for _, prefix := range days(from, now) {
		if err := f.segments(ctx, prefix); err != nil {
			return err
		}
	}
	inventory, err := segment.Inventory{Time: now.UTC(), From: from, Chains: f.last, Foreign: f.foreign}.Seal(ctx, signer)
	if err != nil {
		return fmt.Errorf("signing the inventory: %w", err)
	}
	return f.write(folderInventory, inventory)
}

type fetching struct {
	root     *os.Root
	r        *Reader
	last     map[string]int64 // of each chain the last segment
	foreign  []string         // names of what is no segment
	mu       sync.Mutex       // of progress
	progress func(int64)
}

// begin fetches keys and heads. Heads come before segments: what they count was
// in the locked store then.
func (f *fetching) begin(ctx context.Context) error {
	if err := f.root.RemoveAll(folderInventory); err != nil {
		return err
	}
	if err := f.root.RemoveAll(folderHeads); err != nil {
		return err
	}
	keys, err := f.r.Keys(ctx)
	if err != nil {
		return fmt.Errorf("the keys of the audit log: %w", err)
	}
	file, err := marshalKeys(keys)
	if err != nil {
		return err
	}
	if err := f.write(KeysFile, file); err != nil {
		return err
	}
	for head, err := range f.r.Heads.Heads(ctx) {
		if err != nil {
			return fmt.Errorf("reading the heads of the audit log: %w", err)
		}
		if err := f.write(path.Join(folderHeads, head.Chain), head.File); err != nil {
			return err
		}
	}
	return nil
}

func marshalKeys(keys []ed25519.PublicKey) (file []byte, err error) {
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, err
		}
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return file, nil
}

// segments fetches what lies below a prefix, all versions.
func (f *fetching) segments(ctx context.Context, prefix string) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchAtOnce)
	before, version := "", 0
	for v, err := range f.r.Segments.Versions(gctx, prefix) {
		if err != nil {
			if failed := group.Wait(); failed != nil {
				return failed // the list ended because of it
			}
			return fmt.Errorf("listing the audit log: %w", err)
		}
		version++
		if v.Name != before {
			before, version = v.Name, 1
		}
		parsed, ok := segment.ParseName(v.Name)
		switch {
		case ok:
			f.last[parsed.Chain] = max(f.last[parsed.Chain], parsed.Number)
		case version == 1 && len(f.foreign) < maxStrange:
			f.foreign = append(f.foreign, v.Name)
			fallthrough
		default:
			continue
		}
		name := v.Name
		if version > 1 {
			name += versionSuffix + strconv.Itoa(version)
		}
		if v.Hidden {
			if err := f.write(v.Name+hiddenSuffix, nil); err != nil {
				return errors.Join(err, group.Wait())
			}
		}
		group.Go(func() error { return f.segment(gctx, v, name) })
	}
	return group.Wait()
}

func (f *fetching) segment(ctx context.Context, v blobstore.Version, name string) error {
	there, err := f.root.Stat(name)
	if err != nil || there.Size() != v.Size {
		file, err := f.r.Segments.Read(ctx, v.Name, v.ID)
		switch {
		case errors.Is(err, blobstore.ErrTooLarge):
			file = nil // it is no segment, and none that can be read stays in its place
		case errors.Is(err, blobstore.ErrNotFound):
			return nil // somebody broke the lock meanwhile; it will be missed
		case err != nil:
			return fmt.Errorf("reading the audit log: %w", err)
		}
		if err := f.write(name, file); err != nil {
			return err
		}
	}
	if f.progress != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.progress(v.Size)
	}
	return nil
}

// write writes a file whole: whoever finds it finds all of it.
func (f *fetching) write(name string, content []byte) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	part := name + ".part"
	if err := f.root.WriteFile(part, content, 0o600); err != nil {
		return err
	}
	return f.root.Rename(part, name)
}
