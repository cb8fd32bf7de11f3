package custody

import (
	"fmt"
	"sync"
	"testing"
)

func TestCache(t *testing.T) {
	t.Parallel()
	const entry = 1000 - entryCost
	c := newCache(10_000)
	for i := range 12 {
		c.put(fmt.Sprint(i), sealedDossier{data: make([]byte, entry), etag: fmt.Sprint(i)})
	}
	if c.bytes != 10_000 || c.lru.Len() != 10 {
		t.Errorf("%d bytes in %d entries, want 10000 in 10", c.bytes, c.lru.Len())
	}
	if _, there := c.get("1"); there {
		t.Error("the oldest stayed")
	}
	if got, there := c.get("2"); !there || got.etag != "2" {
		t.Errorf("%v, %q", there, got.etag)
	}
	c.put("12", sealedDossier{data: make([]byte, entry)})
	if _, there := c.get("2"); !there {
		t.Error("what was just used went")
	}
	c.put("2", sealedDossier{data: make([]byte, 100), etag: "new"})
	if got, _ := c.get("2"); got.etag != "new" {
		t.Errorf("%q, want the new one", got.etag)
	}
	c.put("2", sealedDossier{data: make([]byte, 5_000)})
	if _, there := c.get("2"); there {
		t.Error("one large dossier took the place of many, or the old one stayed")
	}
	for i := range 13 {
		c.drop(fmt.Sprint(i))
	}
	if c.bytes != 0 || c.lru.Len() != 0 {
		t.Errorf("%d bytes in %d entries, want none", c.bytes, c.lru.Len())
	}
}

// TestCacheAtOnce is for the race detector.
func TestCacheAtOnce(t *testing.T) {
	t.Parallel()
	c := newCache(5_000)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 500 {
				name := fmt.Sprint((i * worker) % 17)
				c.put(name, sealedDossier{data: make([]byte, i)})
				c.get(name)
				if i%5 == 0 {
					c.drop(name)
				}
			}
		})
	}
	group.Wait()
	if c.bytes > 5_000 || c.bytes < 0 {
		t.Errorf("%d bytes, want at most 5000", c.bytes)
	}
}
