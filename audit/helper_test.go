package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/blobstore"
)

// world is all that a log works with, in memory, with faults on demand.
type world struct {
	trap    *trap
	spool   *memory
	data    *memory
	archive *lockbox
	key     ed25519.PrivateKey
}

func newWorld() *world {
	w := &world{trap: &trap{failing: map[string]error{}}, archive: &lockbox{objects: map[string][]version{}}, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}
	w.spool, w.data = newMemory("spool", w.trap), newMemory("heads", w.trap)
	w.archive.trap = w.trap
	return w
}

func (w *world) config() Config {
	return Config{
		Spool: blobstore.New(w.spool), Archive: blobstore.NewArchive(w.archive), Heads: blobstore.New(w.data),
		Signer: signer{w.key, w.trap}, MACKey: []byte("0123456789abcdef"), Server: "one", ShipEvery: 10 * time.Millisecond,
	}
}

// open opens a log that ends with the test, if not before.
func (w *world) open(t testing.TB, change ...func(*Config)) *Log {
	t.Helper()
	c := w.config()
	for _, do := range change {
		do(&c)
	}
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.kill(l) })
	return l
}

// kill ends a log as the end of its process would.
func (w *world) kill(l *Log) {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.stop()
	l.commits.Wait()
	l.background.Wait()
}

func (w *world) reader() *Reader {
	return &Reader{Segments: blobstore.NewArchive(w.archive), Heads: HeadsIn(blobstore.New(w.data)), Keys: signer{w.key, w.trap}.PublicKeys}
}

func (w *world) verify(t testing.TB, asOf time.Time) Report {
	t.Helper()
	r, err := w.reader().Verify(t.Context(), time.Time{}, asOf)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ids are the ids of all events in the locked store, in the order of the list.
func (w *world) ids(t testing.TB) []string {
	t.Helper()
	var ids []string
	q := Query{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(48 * time.Hour), Size: 50}
	for {
		page, err := w.reader().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		if q.Token = page.Next; q.Token == "" {
			return ids
		}
	}
}

func event(id string) Event {
	return Event{ID: id, Action: "ArtefactService/ListArtefacts", Principal: "spiffe://dev.wertfach.example/portal/a", Institute: "musterbank", Code: "OK"}
}

func record(t testing.TB, l *Log, d Durability, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := l.Record(t.Context(), event(id), d); err != nil {
			t.Fatalf("recording %s: %v", id, err)
		}
	}
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// trap makes calls fail: those of one part of the world for some time, or all
// from a certain call on, as if the process had died there.
type trap struct {
	mu      sync.Mutex
	failing map[string]error // by part; a nil error hangs until the context ends
	calls   int
	dieAt   int  // the call with that number is the last; never where zero
	after   bool // it is still done, and only its answer is lost
	dead    bool
}

var errDead = errors.New("the process is dead")

func (t *trap) call(ctx context.Context, part string, do func() error) error {
	t.mu.Lock()
	if t.dead {
		t.mu.Unlock()
		return errDead
	}
	t.calls++
	dies := t.calls == t.dieAt
	t.dead = dies
	err, fails := t.failing[part]
	t.mu.Unlock()
	switch {
	case dies && t.after:
		_ = do()
		return errDead
	case dies:
		return errDead
	case fails && err == nil:
		<-ctx.Done()
		return ctx.Err()
	case fails:
		return err
	}
	return do()
}

// fail makes a part fail with that error, or work again where ok is true.
func (t *trap) fail(part string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failing[part] = err
}

func (t *trap) heal(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failing, part)
}

// reset is a new process on what the old one left.
func (t *trap) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.dieAt, t.dead, t.failing = 0, 0, false, map[string]error{}
}

type signer struct {
	key  ed25519.PrivateKey
	trap *trap
}

func (s signer) Sign(ctx context.Context, message []byte) (sig []byte, key ed25519.PublicKey, err error) {
	err = s.trap.call(ctx, "sign", func() error {
		sig, key = ed25519.Sign(s.key, message), s.key.Public().(ed25519.PublicKey)
		return nil
	})
	return sig, key, err
}

func (s signer) PublicKeys(context.Context) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{s.key.Public().(ed25519.PublicKey)}, nil
}

// memory is a store in memory.
type memory struct {
	part string
	trap *trap

	mu      sync.Mutex
	objects map[string][]byte
	etags   map[string]int
	writes  int
}

func newMemory(part string, t *trap) *memory {
	return &memory{part: part, trap: t, objects: map[string][]byte{}, etags: map[string]int{}}
}

func (m *memory) copy(t *trap) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{part: m.part, trap: t, objects: maps.Clone(m.objects), etags: maps.Clone(m.etags), writes: m.writes}
}

func (m *memory) Open(_ context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[name]
	if !ok {
		return nil, blobstore.Info{}, blobstore.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), m.info(name), nil
}

func (m *memory) info(name string) blobstore.Info {
	return blobstore.Info{Name: name, Size: int64(len(m.objects[name])), ETag: fmt.Sprint("e", m.etags[name])}
}

func (m *memory) Put(ctx context.Context, name string, body io.Reader, _ int64, cond blobstore.Condition) (info blobstore.Info, err error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return info, err
	}
	err = m.trap.call(ctx, m.part, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, there := m.objects[name]
		if etag, match := cond.ETag(); cond.Absent() && there || match && (!there || m.info(name).ETag != etag) {
			return blobstore.ErrConflict
		}
		m.writes++
		m.objects[name], m.etags[name] = data, m.writes
		info = m.info(name)
		return nil
	})
	return info, err
}

func (m *memory) Stat(_ context.Context, name string) (blobstore.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[name]; !ok {
		return blobstore.Info{}, blobstore.ErrNotFound
	}
	return m.info(name), nil
}

func (m *memory) Delete(ctx context.Context, name string) error {
	return m.trap.call(ctx, m.part, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.objects, name)
		return nil
	})
}

func (m *memory) List(_ context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		m.mu.Lock()
		var all []blobstore.Info
		for _, name := range slices.Sorted(maps.Keys(m.objects)) {
			if strings.HasPrefix(name, prefix) {
				all = append(all, m.info(name))
			}
		}
		m.mu.Unlock()
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (m *memory) Prepare(context.Context) error { return nil }
func (m *memory) Ping(context.Context) error    { return nil }
func (m *memory) Close() error                  { return nil }

// lockbox is a locked store in memory, into which tests can break.
type lockbox struct {
	trap *trap

	mu      sync.Mutex
	objects map[string][]version
	reads   int
	lists   []string
}

type version struct {
	data   []byte
	hidden bool
}

func (b *lockbox) Create(ctx context.Context, name string, data []byte) error {
	return b.trap.call(ctx, "archive", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.objects[name]) > 0 {
			return blobstore.ErrConflict
		}
		b.objects[name] = []version{{data: bytes.Clone(data)}}
		return nil
	})
}

func (b *lockbox) Versions(_ context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	return func(yield func(blobstore.Version, error) bool) {
		b.mu.Lock()
		b.lists = append(b.lists, prefix)
		var all []blobstore.Version
		for _, name := range slices.Sorted(maps.Keys(b.objects)) {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			for i, v := range b.objects[name] {
				all = append(all, blobstore.Version{Info: blobstore.Info{Name: name, Size: int64(len(v.data))}, ID: fmt.Sprint(i), Hidden: v.hidden})
			}
		}
		b.mu.Unlock()
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (b *lockbox) Read(_ context.Context, name, id string, limit int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	for i, v := range b.objects[name] {
		switch {
		case fmt.Sprint(i) != id:
		case int64(len(v.data)) > limit:
			return nil, blobstore.ErrTooLarge
		default:
			return bytes.Clone(v.data), nil
		}
	}
	return nil, blobstore.ErrNotFound
}

func (b *lockbox) Prepare(context.Context) error { return nil }
func (b *lockbox) Ping(context.Context) error    { return nil }
func (b *lockbox) Close() error                  { return nil }

// names are the names of all segments, in order.
func (b *lockbox) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

func (b *lockbox) get(name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[name][0].data
}

func (b *lockbox) set(name string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[name] = []version{{data: data}}
}

func (b *lockbox) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, name)
}

// of are the names of a chain's segments, in order.
func (b *lockbox) of(chain string) []string {
	return slices.DeleteFunc(b.names(), func(name string) bool { return !strings.Contains(name, chain) })
}

func chainOf(t testing.TB, name string) string {
	t.Helper()
	n, ok := segment.ParseName(name)
	if !ok {
		t.Fatalf("%s is no name of a segment", name)
	}
	return n.Chain
}

func contextWithTimeout(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func isDeadline(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

var noCondition = blobstore.Condition{}

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// resign makes a segment anew with a changed header.
func resign(t testing.TB, w world, file []byte, change func(*segment.Header)) []byte {
	t.Helper()
	s, err := segment.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	change(&s.Header)
	out, err := segment.Seal(t.Context(), signer{w.key, w.trap}, s.Header, s.Body)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
