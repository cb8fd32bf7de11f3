package custody

import (
	"context"
	"time"
)

// An index is the secrets behind blind indexes, by version. Pointers are written
// under one of them and looked up under all: while the secret is rotated there
// are two.
type index struct {
	versions []indexVersion // the oldest first
	writing  int32          // the version that new pointers are written under
}

type indexVersion struct {
	number int32
	key    hashKey
}

// key is the secret of a version, if there still is one.
func (x index) key(version int32) (hashKey, bool) {
	for _, v := range x.versions {
		if v.number == version {
			return v.key, true
		}
	}
	return nil, false
}

// newest is the version that came last, under which nothing may be written yet.
func (x index) newest() int32 { return x.versions[len(x.versions)-1].number }

// folders are where the pointers from an identifier lie, under every version.
func (x index) folders(kind, normalised string) []string {
	var all []string
	for _, v := range x.versions {
		all = append(all, v.folder(kind, normalised))
	}
	return all
}

// folder names where pointers from an identifier lie. The blind index is a keyed
// hash over all institutes: who finds a bike does not know its owner's bank.
func (v indexVersion) folder(kind, normalised string) string {
	blind := encode(v.key.mac("index", []byte(kind), []byte(normalised))[:20])
	return indexFolder(v.number) + kind + "/" + blind + "/"
}

// pointer names the object that leads from an identifier to an artefact. Its end
// is random and known to the dossier, so that two changes never write the same
// name: what one leaves behind can be removed at any time without taking away
// what another has just made.
func (v indexVersion) pointer(kind, normalised string, p place, artefact, end string) string {
	return v.folder(kind, normalised) + p.institute + "." + p.pseudonym + "." + artefact + "." + end
}

// defaultIndexAge is how a server learns of a rotation: it looks whether the
// secrets have changed when it opens a dossier and has not looked for so long. A
// call uses what it found for as long as it lasts.
const defaultIndexAge = time.Minute

// loadedIndex is an index as it was read.
type loadedIndex struct {
	index
	etag   string
	looked time.Time
}

// currentIndex is the index as it was a short while ago at most.
func (c *Custodian) currentIndex(ctx context.Context) (index, error) {
	young := func(now *loadedIndex) bool { return c.now().Sub(now.looked) < c.indexAge }
	if now := c.index.Load(); young(now) {
		return now.index, nil
	}
	return c.reloadIndex(ctx, young)
}

// reloadIndex reads the index anew, unless somebody else has just done so with a
// result that is good enough.
func (c *Custodian) reloadIndex(ctx context.Context, enough func(*loadedIndex) bool) (index, error) {
	select {
	case c.reloading <- struct{}{}:
		defer func() { <-c.reloading }()
	case <-ctx.Done():
		return index{}, ctx.Err()
	}
	now := c.index.Load()
	if enough(now) {
		return now.index, nil
	}
	looked := c.now()
	info, err := c.store.Stat(ctx, indexSecretObject)
	if err != nil {
		return index{}, err
	}
	if info.ETag == now.etag {
		c.index.Store(&loadedIndex{now.index, now.etag, looked})
		return now.index, nil
	}
	secret, err := LoadIndexSecret(ctx, c.keys, c.store)
	if err != nil {
		return index{}, unavailable(err) // an operator mends it, and then it passes
	}
	c.index.Store(&loadedIndex{secret.index, secret.etag, looked})
	return secret.index, nil
}

// indexFor is the index to work on an opened dossier with. One that was written
// under a version which this server has not heard of makes it look at once.
func (c *Custodian) indexFor(ctx context.Context, d *Dossier) (index, error) {
	now, err := c.currentIndex(ctx)
	if err != nil {
		return index{}, err
	}
	newest := int32(0)
	for _, a := range d.allArtefacts() {
		newest = max(newest, a.GetIndexVersion())
	}
	if newest <= now.newest() {
		return now, nil
	}
	return c.reloadIndex(ctx, func(now *loadedIndex) bool { return newest <= now.newest() })
}

// reindex writes the pointers of all artefacts under the version that is
// written under now. It says whether there was anything to do.
func (d *Dossier) reindex(revision string) (changed bool) {
	for _, a := range d.allArtefacts() {
		if a.GetIndexVersion() == d.index.writing || !identified(a) {
			continue
		}
		before := d.pointersOf(a)
		a.IndexVersion, a.Pointers = d.index.writing, revision
		d.made = append(d.made, d.pointersOf(a)...)
		d.removed = append(d.removed, before...)
		changed = true
	}
	return changed
}
