package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"
)

func newTestGroup(t *testing.T) *group {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Update(initialise(storeFormat)); err != nil {
		t.Fatal(err)
	}
	return newGroup(db)
}

// hold keeps the group from committing until the returned function is called.
func (g *group) hold() (release func()) {
	g.turn <- struct{}{}
	return func() { <-g.turn }
}

// queued waits until that many changes wait.
func (g *group) queued(n int) {
	for {
		g.mu.Lock()
		waiting := len(g.waiting)
		g.mu.Unlock()
		if waiting == n {
			return
		}
	}
}

func putKey(key string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket(objectBucket).Put([]byte(key), []byte("x")) }
}

func (g *group) has(t *testing.T, key string) bool {
	t.Helper()
	var found bool
	err := g.db.View(func(tx *bbolt.Tx) error {
		found = tx.Bucket(objectBucket).Get([]byte(key)) != nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWaitingChangesShareOneCommit(t *testing.T) {
	t.Parallel()
	g := newTestGroup(t)
	release := g.hold()
	const n = 20
	var commits sync.Map // ids of the transactions
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			key := fmt.Sprint(i)
			err := g.do(t.Context(), 1, func(tx *bbolt.Tx) error {
				commits.Store(tx.ID(), true)
				return putKey(key)(tx)
			})
			if err != nil {
				t.Error(err)
			}
			if !g.has(t, key) {
				t.Error("acknowledged and not there")
			}
		})
	}
	g.queued(n)
	release()
	wg.Wait()
	different := 0
	commits.Range(func(any, any) bool { different++; return true })
	if different != 1 {
		t.Fatalf("%d commits for %d changes that waited", different, n)
	}
}

func TestAFailingChangeFailsAlone(t *testing.T) {
	t.Parallel()
	g := newTestGroup(t)
	release := g.hold()
	errChange := errors.New("this one fails")
	var wg sync.WaitGroup
	var failed atomic.Int64
	for i := range 9 {
		wg.Go(func() {
			err := g.do(t.Context(), 1, func(tx *bbolt.Tx) error {
				if err := putKey(fmt.Sprint(i))(tx); err != nil || i%3 != 0 {
					return err
				}
				return errChange
			})
			switch {
			case i%3 == 0 && errors.Is(err, errChange):
				failed.Add(1)
			case err != nil || i%3 == 0:
				t.Errorf("change %d: %v", i, err)
			}
		})
	}
	g.queued(9)
	release()
	wg.Wait()
	if failed.Load() != 3 {
		t.Errorf("%d changes failed", failed.Load())
	}
	for i := range 9 {
		if g.has(t, fmt.Sprint(i)) != (i%3 != 0) {
			t.Errorf("change %d: done is %v", i, i%3 == 0)
		}
	}
}

func TestAChangeWhoseContextEndsWhileItWaitsIsNotMade(t *testing.T) {
	t.Parallel()
	g := newTestGroup(t)
	release := g.hold()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- g.do(ctx, 1, putKey("a")) }()
	g.queued(1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	release()
	if err := g.do(t.Context(), 1, putKey("b")); err != nil {
		t.Fatal(err)
	}
	if g.has(t, "a") || !g.has(t, "b") {
		t.Fatal("the change was made after its caller had been told otherwise")
	}
}

// A context that ends during the commit leaves no doubt: the caller, who may not
// be the one who commits, hears what came of it.
func TestAChangeThatHasBegunIsWaitedFor(t *testing.T) {
	t.Parallel()
	g := newTestGroup(t)
	release := g.hold()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	begun, proceed := make(chan struct{}), make(chan struct{})
	go func() {
		done <- g.do(t.Context(), 1, func(tx *bbolt.Tx) error {
			close(begun)
			<-proceed
			return nil
		})
	}()
	g.queued(1)
	go func() { done <- g.do(ctx, 1, putKey("a")) }()
	g.queued(2)
	release()
	<-begun
	cancel()
	close(proceed)
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if !g.has(t, "a") {
		t.Fatal("acknowledged and not there")
	}
}

func TestACommitTakesNoMoreThanItShould(t *testing.T) {
	t.Parallel()
	g := newTestGroup(t)
	for range 3 {
		g.waiting = append(g.waiting, &change{bytes: maxGroupBytes / 2})
	}
	g.waiting = append(g.waiting, &change{bytes: 10 * maxGroupBytes}) // still has to be made
	for range maxGroup + 1 {
		g.waiting = append(g.waiting, &change{bytes: 1})
	}
	for _, want := range []int{2, 1, 1, maxGroup, 1, 0} {
		if got := len(g.take()); got != want {
			t.Fatalf("took %d changes, want %d", got, want)
		}
	}
}
