package faults

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// deadline is what a caller allows a call while there is a fault, and short
	// where the fault is that nothing comes.
	deadline = 8 * time.Second
	short    = time.Second
)

// TestMatrix meets every RPC with every fault. Servers that only lose the way to
// what they need, and one whose disk fails, are tested side by side; then one whose
// back ends really fail.
func TestMatrix(t *testing.T) {
	if os.Getenv(alone) != "" {
		onDisk(t)
		return
	}
	s := newServers(t)
	s.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	var groups sync.WaitGroup
	for name, faults := range map[string]func(*deployment) []fault{
		"keys":    func(d *deployment) []fault { return broken("Vault", d.keys, 0) },
		"objects": func(d *deployment) []fault { return append(broken("MinIO", d.store, 1), d.cutScans()) },
		"silence": func(d *deployment) []fault { return append(slow("Vault", d.keys, 0), slow("MinIO", d.store, 1)...) },
		"record":  func(d *deployment) []fault { return append(d.auditFaults(), d.clockFaults()...) },
	} {
		groups.Go(func() { // not Parallel, which counts processors: much of it is waiting
			t.Run(name, func(t *testing.T) {
				d := s.deploy(t, name)
				d.meetAll(t, faults(d))
			})
		})
	}
	groups.Go(func() { t.Run("disk", onDisk) })
	groups.Wait()
	t.Run("there", func(t *testing.T) {
		d := s.deploy(t, "there")
		d.meetAll(t, d.serverFaults())
	})
	s.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	fewer(t, before)
}

// meetAll meets every RPC with these faults, one after the other.
func (d *deployment) meetAll(t *testing.T, list []fault) {
	shared := d.somebody(t)
	asked := map[string]bool{}
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			for _, a := range d.meet(t, f, shared) {
				for _, text := range texts(a.request) {
					asked[text] = true
				}
			}
		})
	}
	// The log may say where things are, and no more.
	said, today := d.log.String(), time.Now().UTC().Format(time.DateOnly)
	for _, secret := range []string{d.access.secret, d.minio.SecretKey, d.vault.RootToken()} {
		asked[secret] = true
	}
	for text := range asked {
		if len(text) >= tellTale && text != bank && text != today && strings.Contains(said, text) {
			t.Errorf("the log tells %q", text)
		}
	}
}

// attempt is one RPC that meets a fault.
type attempt struct {
	method  protoreflect.MethodDescriptor
	on      target
	request proto.Message
	answers []proto.Message
	err     error
	took    time.Duration
}

// meet lets every RPC meet the fault.
func (d *deployment) meet(t *testing.T, f fault, shared target) []*attempt {
	t.Helper()
	all := d.attempts(t, shared)
	before := d.swept(t)
	if err := f.begin(t.Context()); err != nil {
		t.Fatal(errors.Join(err, f.end(t.Context())))
	}
	var asked sync.WaitGroup
	asked.Go(func() { d.awaitHealth(t, f.healthy) })
	each(t, all, func(ctx context.Context, a *attempt) {
		ctx, cancel := context.WithTimeout(ctx, f.deadline(a.method))
		defer cancel()
		begun := time.Now()
		a.answers, a.err = d.call(ctx, a.method, a.request)
		a.took = time.Since(begun)
	})
	asked.Wait()
	ok(t, f.end(t.Context()))
	for _, a := range all {
		d.judge(t, f, a)
	}

	d.awaitHealth(t, true)
	if !f.late && !f.healthy {
		d.unchanged(t, f, before)
	}
	// The same again, without a fault and with no restart between.
	each(t, all, func(ctx context.Context, a *attempt) {
		want := requests()[a.method.Name()]
		if refused := a.err != nil && f.healthy; refused && want.changes { // all others were looked at
			d.has(ctx, t, a, want.before)
		}
		if err := d.repeat(ctx, a); err != nil {
			t.Errorf("%s: repeated when all is well: %v", a.method.Name(), err)
		}
		if want.changes {
			d.has(ctx, t, a, want.after)
		}
	})
	return all
}

// attempts prepares one for each RPC.
func (d *deployment) attempts(t *testing.T, shared target) []*attempt {
	t.Helper()
	var all []*attempt
	for _, m := range everyMethod(t) {
		if requests()[m.Name()].make == nil {
			t.Fatalf("there is no request for %s: add one to requests_test.go", m.FullName())
		}
		all = append(all, &attempt{method: m, on: shared})
	}
	each(t, all, func(ctx context.Context, a *attempt) {
		if requests()[a.method.Name()].changes {
			var err error
			if a.on, err = d.prepared(ctx, a.method); err != nil {
				t.Errorf("preparing %s: %v", a.method.Name(), err)
				return
			}
		}
		a.request = identified(requests()[a.method.Name()].make(a.on))
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// each does something with all of them at once.
func each(t *testing.T, all []*attempt, do func(context.Context, *attempt)) {
	t.Helper()
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			do(ctx, a)
		})
	}
	wg.Wait()
}
