package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// What is in a folder that [Fetch] made, beside the segments.
const (
	folderHeads     = "heads"
	folderInventory = "inventory.json"
	// KeysFile is the public keys as the deployment gave them, PEM. Whoever could
	// change the log could change them too: verify with keys got another way.
	KeysFile = "keys.pem"

	hiddenSuffix  = ".hidden"   // an empty file: the segment was hidden
	versionSuffix = ".version-" // followed by a number from 2: a later version
)

// Folder is a downloaded log. It is to be closed.
type Folder struct{ root *os.Root }

// OpenFolder opens a downloaded log.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Fetched says when the log was downloaded, and from which day on; an error where
// that was not finished. [Reader.Verify] checks that it is true.
func (f *Folder) Fetched() (segment.Inventory, error) {
	file, err := f.Inventory()
	if err != nil {
		return segment.Inventory{}, err
	}
	i, err := segment.ReadInventory(file)
	if err != nil {
		return i, fmt.Errorf("%s: %w", folderInventory, err)
	}
	return i, nil
}

// Inventory is the signed inventory of the download, as it is stored.
func (f *Folder) Inventory() ([]byte, error) {
	file, err := f.root.ReadFile(folderInventory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFetched
	}
	return file, err
}

// Versions implements [Source].
func (f *Folder) Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	return func(yield func(blobstore.Version, error) bool) {
		err := fs.WalkDir(f.root.FS(), strings.TrimSuffix(segment.Folder, "/"), func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // an empty log
			case err != nil:
				return err
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case d.IsDir() && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
				return fs.SkipDir
			case d.IsDir() || !strings.HasPrefix(name, prefix):
				return nil
			}
			v := blobstore.Version{Info: blobstore.Info{Name: name}, ID: name}
			if plain, ok := strings.CutSuffix(name, hiddenSuffix); ok {
				v.Name, v.Hidden = plain, true
			} else if at := strings.LastIndex(name, versionSuffix); at > 0 {
				v.Name = name[:at]
			}
			if !yield(v, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(blobstore.Version{}, err)
		}
	}
}

// Read implements [Source].
func (f *Folder) Read(ctx context.Context, _, id string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	file, err := f.root.Open(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blobstore.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, segment.MaxSize+1))
	if err == nil && len(data) > segment.MaxSize {
		return nil, blobstore.ErrTooLarge
	}
	return data, err
}

// Heads implements [Heads].
func (f *Folder) Heads(ctx context.Context) iter.Seq2[HeadFile, error] {
	return func(yield func(HeadFile, error) bool) {
		entries, err := fs.ReadDir(f.root.FS(), folderHeads)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(HeadFile{}, err)
			return
		}
		for _, entry := range entries {
			if !segment.ValidChain(entry.Name()) {
				continue
			}
			file, err := f.Read(ctx, "", path.Join(folderHeads, entry.Name()))
			if !yield(HeadFile{entry.Name(), file}, err) || err != nil {
				return
			}
		}
	}
}
