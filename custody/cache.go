package custody

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A sealed dossier as it lies in the store.
type sealedDossier struct {
	data []byte
	etag string
}

// cache holds sealed dossiers, so that a change need not fetch what this server
// wrote a moment ago. It is ciphertext only, and may be stale: the conditional
// write finds out.
type cache struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, sealedDossier]
	bytes int
	most  int
}

// entryCost is about what an entry takes besides the object.
const entryCost = 256

func newCache(most int) *cache {
	c := &cache{most: most}
	// The count never limits before the bytes do, and the constructor fails
	// only for a size that is not positive.
	c.lru, _ = simplelru.NewLRU(most/entryCost+1, func(_ string, s sealedDossier) { c.bytes -= cost(s) })
	return c
}

func cost(s sealedDossier) int { return len(s.data) + entryCost }

func (c *cache) get(name string) (sealedDossier, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(name)
}

func (c *cache) put(name string, s sealedDossier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Remove(name)
	if cost(s) > c.most/8 {
		return // one large dossier is not worth many small ones
	}
	c.lru.Add(name, s)
	c.bytes += cost(s)
	for c.bytes > c.most {
		c.lru.RemoveOldest()
	}
}

func (c *cache) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Remove(name)
}
