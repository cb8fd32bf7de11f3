package custody

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// locked is a locked store in memory. It stands for the real one where a test is
// about what happens beside it; internal/restore tests with the real servers.
type locked struct {
	mu    sync.Mutex
	names []string
	data  map[string][]byte
	away  error
}

func (l *locked) Create(_ context.Context, name string, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away != nil {
		return l.away
	}
	if _, there := l.data[name]; there {
		return blobstore.ErrConflict
	}
	l.names, l.data[name] = append(l.names, name), data
	return nil
}

func (l *locked) Versions(_ context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	return func(yield func(blobstore.Version, error) bool) {
		l.mu.Lock()
		names := append([]string(nil), l.names...)
		l.mu.Unlock()
		for _, name := range names {
			if strings.HasPrefix(name, prefix) && !yield(blobstore.Version{Info: blobstore.Info{Name: name}, ID: "1"}, nil) {
				return
			}
		}
	}
}

func (l *locked) Read(_ context.Context, name, _ string) ([]byte, error) { return l.data[name], nil }

func (w *world) locking(l *locked) func(*Config) { return func(cfg *Config) { cfg.Evidence = l } }

// backedUp keeps all objects of the world's institute.
func (w *world) backedUp(ctx context.Context, t testing.TB) map[string][]byte {
	t.Helper()
	store, kept := w.server(t).store, map[string][]byte{}
	for _, name := range w.names(ctx, t, "") {
		if strings.HasPrefix(name, "system/") {
			continue
		}
		data, _, err := store.Get(ctx, name)
		if errors.Is(err, blobstore.ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = data
	}
	return kept
}

func (w *world) restore(ctx context.Context, t testing.TB, kept map[string][]byte) {
	t.Helper()
	store := w.server(t).store
	for _, name := range w.names(ctx, t, "") {
		if _, ok := kept[name]; !ok && !strings.HasPrefix(name, "system/") {
			if err := store.Delete(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, data := range kept {
		if _, err := store.Put(ctx, name, data, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingComesBack restores store and keys from before an erasure, and then
// only one of them.
func TestNothingComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ store, keys bool }{
		"both": {true, true}, "the store": {true, false}, "the keys": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, custodytest.Embedded())
			ctx, l := t.Context(), &locked{data: map[string][]byte{}}
			f, stays := w.fixture(ctx, t), w.fixture(ctx, t)
			kept := w.backedUp(ctx, t)
			erasing := w.server(t, w.locking(l), func(cfg *Config) {
				if c.keys {
					cfg.Keys = vault.New(undying{w.keys})
				}
			})
			first, err := erasing.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
			if err != nil {
				t.Fatal(err)
			}
			if c.store {
				w.restore(ctx, t, kept)
			}
			server := w.server(t, w.locking(l), logged(t))
			err = server.Consistent(ctx)
			if !errors.Is(err, ErrRestored) || fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("restored, and nobody notices: %v", err)
			}
			if _, err := server.Sweep(ctx, SweepOptions{}); !errors.Is(err, ErrRestored) {
				t.Errorf("an ordinary sweep goes on: %v", err)
			}
			// With the receipt back, and before anything is destroyed, nobody gets it.
			if c.store && c.keys {
				if _, err := server.store.Put(ctx, receiptObject(w.institute, first.Name.ID), first.Envelope, blobstore.Condition{}); err != nil {
					t.Fatal(err)
				}
				_, err := w.server(t).Customer(ctx, f.customer)
				refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
				_, err = w.server(t).Register(ctx, f.customer, nil, Request{})
				refusal(t, err, fault.NotFound, ReasonCustomerNotFound)
				if err := server.store.Delete(ctx, receiptObject(w.institute, first.Name.ID)); err != nil {
					t.Fatal(err)
				}
			}
			log := &book{}
			report, err := server.AfterRestore(ctx, time.Time{}, SweepOptions{Recorder: log})
			want := RestoreReport{Receipts: 1, CameBack: 1, Destroyed: 1}
			if c.store {
				want.PutBack = 1
			}
			if err != nil || report != want {
				t.Errorf("%v, %+v, want %+v", err, report, want)
			}
			if len(log.events) != 1 || log.events[0].Receipt != first.Name.ID {
				t.Errorf("on record is %+v", log.events)
			}
			again, err := server.AfterRestore(ctx, time.Time{}, SweepOptions{})
			if err != nil || again != (RestoreReport{Receipts: 1}) {
				t.Errorf("repeated: %v, %+v", err, again)
			}
			if err := server.Consistent(ctx); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			there, err := server.Receipt(ctx, first.Name)
			if err != nil || string(there.Envelope) != string(first.Envelope) {
				t.Errorf("the receipt is another one: %v", err)
			}
			if w.describe(ctx, t, f.customer) != gone || w.describe(ctx, t, stays.customer) == gone {
				t.Error("who was erased is there, or who was not is gone")
			}
			if _, err := w.server(t).keys.Info(ctx, first.Statement.KeyName); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("the key is there: %v", err)
			}
			w.mustBeWhole(ctx, t)
			if later, err := server.AfterRestore(ctx, w.clock.now().Add(48*time.Hour), SweepOptions{}); err != nil || later != (RestoreReport{}) {
				t.Errorf("since the day after tomorrow: %v, %+v", err, later)
			}
		})
	}
}

// TestErasureWaitsForItsCopy: without the copy in the locked store an erasure is not
// through, and the next sweep brings it to its end with the same receipt.
func TestErasureWaitsForItsCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, l := t.Context(), &locked{data: map[string][]byte{}, away: blobstore.ErrUnavailable}
	f, c := w.fixture(ctx, t), w.server(t, w.locking(l))
	if _, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{}); fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
	l.away = nil
	w.clock.advance(2 * defaultLease)
	if report, err := c.Sweep(ctx, SweepOptions{}); err != nil || report.Resumed != 1 || len(l.names) != 1 {
		t.Fatalf("%v, %+v, %d copies", err, report, len(l.names))
	}
	out, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
	if err != nil || string(out.Envelope) != string(l.data[l.names[0]]) {
		t.Errorf("the copy is of another receipt: %v", err)
	}
	w.mustBeWhole(ctx, t)
}

// TestForgedCopies: who can write the locked store can't have anything destroyed.
func TestForgedCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, l := t.Context(), &locked{data: map[string][]byte{}}
	f, stays := w.fixture(ctx, t), w.fixture(ctx, t)
	c := w.server(t, w.locking(l), logged(t))
	out, err := c.Erase(ctx, f.customer, Confirmation{By: "officer-paul"}, Request{})
	if err != nil {
		t.Fatal(err)
	}
	d := w.opened(ctx, t, stays.customer)
	id := d.place.receiptID(d.key.Name)
	at := w.clock.now()
	for name, data := range map[string]string{
		evidenceName(w.institute, id, at):                             string(out.Envelope), // another's receipt under this name
		evidenceName(w.institute, id, at.Add(time.Second)):            "{}",
		evidenceName(w.institute, out.Name.ID, at.Add(2*time.Second)): strings.Replace(string(out.Envelope), `"payload": "`, `"payload": "AAAA`, 1),
	} {
		if err := l.Create(ctx, name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	_ = l.Create(ctx, evidenceFolder+"rubbish", nil)
	if err := w.server(t, w.locking(l)).Consistent(ctx); err != nil {
		t.Errorf("forged copies stop the server: %v", err)
	}
	report, err := c.AfterRestore(ctx, time.Time{}, SweepOptions{})
	if err != nil || report != (RestoreReport{Receipts: 4, Failures: 3}) {
		t.Errorf("%v, %+v", err, report)
	}
	// Nor do they hide what was restored, however many there are.
	receipt := receiptObject(w.institute, out.Name.ID)
	if err := c.store.Delete(ctx, receipt); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * lastErasures {
		_ = l.Create(ctx, evidenceName(w.institute, "x-y", at.Add(time.Minute+time.Duration(i)*time.Second)), []byte("{}"))
		_ = l.Create(ctx, evidenceName(w.institute, out.Name.ID, at.Add(time.Hour+time.Duration(i)*time.Second)), out.Envelope)
	}
	if err := w.server(t, w.locking(l)).Consistent(ctx); !errors.Is(err, ErrRestored) {
		t.Errorf("forged copies hide a restore: %v", err)
	}
	if _, err := c.store.Put(ctx, receipt, out.Envelope, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	// An object in the place of a receipt makes nobody erased.
	if _, err := c.store.Put(ctx, receiptObject(w.institute, id), []byte("{}"), blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.server(t, logged(t)).Customer(ctx, stays.customer); err != nil {
		t.Errorf("rubbish in the place of a receipt hides a customer: %v", err)
	}
	if err := c.store.Delete(ctx, receiptObject(w.institute, id)); err != nil {
		t.Fatal(err)
	}
	w.opened(ctx, t, stays.customer)
	w.mustBeWhole(ctx, t)
}

// TestShedAfterARestore restores keys from before an older version of one was
// destroyed. What was shed opens again then, and no server notices, since shedding
// leaves no receipt; what destroys it again depends on what else was restored.
func TestShedAfterARestore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ both bool }{
		"with the store from before it was shed":   {true},
		"with the store from after the end of all": {false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, custodytest.Embedded())
			ctx, l := t.Context(), &locked{data: map[string][]byte{}}
			server := w.server(t, w.locking(l), func(cfg *Config) { cfg.Institutes[0].Retention = retention.Defaults() })
			f := w.fixture(ctx, t)
			d, err := server.view(ctx, f.customer)
			if err != nil {
				t.Fatal(err)
			}
			secret := wrappedIn(t, d.compartments()[0].GetSealed())
			stand := func(when string, want vault.Info, opens bool) {
				t.Helper()
				if info, err := server.keys.Info(ctx, d.key.Name); err != nil || info != want {
					t.Errorf("%s: %+v, %v, want %+v", when, info, err, want)
				}
				if _, err := server.keys.Unwrap(ctx, d.key.Name, vault.Secret, secret); (err == nil) != opens {
					t.Errorf("%s: what was shed opens: %t (%v)", when, err == nil, err)
				}
			}
			sweep := func() {
				t.Helper()
				if _, err := server.Sweep(ctx, SweepOptions{Grace: -1}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := server.Terminate(ctx, f.customer, today(server), "moved", Request{}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(w.deployment.Folder, "keys", "keys", d.key.Name)
			objects := w.backedUp(ctx, t)
			if !c.both {
				sweep() // gives the key its new version
			}
			key, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sweep()
			sweep()
			stand("shed", vault.Info{LatestVersion: 2, OldestVersion: 2}, false)

			if err := os.WriteFile(file, key, 0o600); err != nil {
				t.Fatal(err)
			}
			if c.both {
				w.restore(ctx, t, objects)
			}
			if err := server.Consistent(ctx); err != nil {
				t.Errorf("it is noticed: %v", err)
			}
			_, err = server.Reveal(ctx, f.sim, nil)
			refusal(t, err, fault.Precondition, ReasonContractEnded)
			if c.both {
				stand("restored", vault.Info{LatestVersion: 1, OldestVersion: 1}, true)
				sweep() // from the marks that came back with it
				sweep()
			} else {
				stand("restored", vault.Info{LatestVersion: 2, OldestVersion: 1}, true)
				sweep()
				sweep()
				stand("swept", vault.Info{LatestVersion: 2, OldestVersion: 1}, true)
				w.rotate(ctx, t, server, RotateOptions{RewrapOnly: true, RetireOld: true, Grace: time.Nanosecond, Recorder: &book{}})
				sweep()
			}
			stand("afterwards", vault.Info{LatestVersion: 2, OldestVersion: 2}, false)
			w.mustBeWhole(ctx, t)
		})
	}
}
