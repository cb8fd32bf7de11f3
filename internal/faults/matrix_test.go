package faults

import (
	"context"
	"maps"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/server"
)

const (
	// deadline is what a caller allows a call while there is a fault, and short
	// where the fault is that nothing comes.
	deadline = 5 * time.Second
	short    = time.Second
	// slack is how much later an answer may be seen on a busy machine.
	slack = 10 * time.Second
)

// TestMatrix meets every RPC with every fault, one fault after the other.
func TestMatrix(t *testing.T) {
	d := deploy(t)
	d.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	d.start(t)
	receipt := d.erased(t)
	for _, f := range d.faults() {
		t.Run(f.name, func(t *testing.T) { d.meet(t, f, receipt) })
	}
	d.stop(t)
	d.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	d.keys.http.server.Close()
	d.store.http.server.Close()
	fewer(t, before)
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
func (d *deployment) meet(t *testing.T, f fault, receipt string) {
	all := d.attempts(t, receipt)
	before := d.swept(t)
	ok(t, f.begin(t.Context()))
	var asked sync.WaitGroup
	asked.Go(func() {
		if says := d.serving(t); says != f.healthy {
			t.Errorf("health says that it serves: %v", says)
		}
	})
	d.each(t, all, f.deadline(), func(ctx context.Context, a *attempt) {
		begun := time.Now()
		a.answers, a.err = d.call(ctx, a.method, a.request)
		a.took = time.Since(begun)
	})
	asked.Wait()
	ok(t, f.end(t.Context()))
	for _, a := range all {
		d.judge(t, f, a)
	}

	d.awaitServing(t)
	if !f.late && !f.healthy {
		d.unchanged(t, f, before)
	}
	// The same again, without a fault and with no restart between.
	d.each(t, all, patience, func(ctx context.Context, a *attempt) {
		if _, err := d.call(ctx, a.method, a.request); err != nil {
			t.Errorf("%s: repeated when all is well: %v", a.method.Name(), err)
		}
		artefacts, scans, err := d.counts(ctx, a.on.customer)
		if code := status.Code(err); code == codes.NotFound || code == codes.FailedPrecondition {
			artefacts, scans, err = gone, gone, nil
		}
		if want := requests()[a.method.Name()]; err != nil || artefacts != want.artefacts || scans != want.scans {
			t.Errorf("%s: the customer has %d artefacts and %d scans, %v; want %d and %d", a.method.Name(), artefacts, scans, err, want.artefacts, want.scans)
		}
	})
}

// awaitServing waits until the server says that it serves.
func (d *deployment) awaitServing(t *testing.T) {
	t.Helper()
	begun := time.Now()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !d.serving(t) {
		if time.Since(begun) > patience {
			t.Fatal("health does not say that it serves again")
		}
		<-poll.C
	}
}

// attempts prepares one for each RPC.
func (d *deployment) attempts(t *testing.T, receipt string) []*attempt {
	t.Helper()
	var all []*attempt
	for _, m := range everyMethod(t) {
		if requests()[m.Name()].make == nil {
			t.Fatalf("there is no request for %s: add one to requests_test.go", m.FullName())
		}
		all = append(all, &attempt{method: m})
	}
	d.each(t, all, patience, func(ctx context.Context, a *attempt) {
		var err error
		if a.on, err = d.prepared(ctx, a.method, receipt); err != nil {
			t.Errorf("preparing %s: %v", a.method.Name(), err)
			return
		}
		a.request = identified(requests()[a.method.Name()].make(a.on))
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// each does something with all of them at once.
func (d *deployment) each(t *testing.T, all []*attempt, atMost time.Duration, do func(context.Context, *attempt)) {
	t.Helper()
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), atMost)
			defer cancel()
			do(ctx, a)
		})
	}
	wg.Wait()
}

// judge looks at how a call ended that met the fault.
func (d *deployment) judge(t *testing.T, f fault, a *attempt) {
	t.Helper()
	name := a.method.Name()
	if a.took > f.deadline()+slack {
		t.Errorf("%s took %v, with a deadline of %v", name, a.took, f.deadline())
	}
	st := status.Convert(a.err)
	if want := f.ends(name); !slices.Contains(want, st.Code()) {
		t.Errorf("%s: %v; want one of %v", name, a.err, want)
	}
	text := st.Message()
	var reason string
	var wait *errdetails.RetryInfo
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.GetReason()
		case *errdetails.RetryInfo:
			wait = detail
		}
		text += " " + detail.(proto.Message).ProtoReflect().Interface().(interface{ String() string }).String()
	}
	if st.Code() == codes.Unavailable && (reason != custody.ReasonUnavailable && reason != server.ReasonAudit || wait.GetRetryDelay().AsDuration() <= 0) {
		t.Errorf("%s: %v of reason %q, to be tried again after %v", name, a.err, reason, wait)
	}
	for _, secret := range append(texts(a.request), d.confidential...) {
		if a.err != nil && strings.Contains(text, secret) {
			t.Errorf("%s: the message tells what it should not, %q: %s", name, secret, text)
		}
	}
}

// swept is all that is kept once a sweep has taken everything for broken off that
// is half done.
func (d *deployment) swept(t *testing.T) map[string]string {
	t.Helper()
	report, err := d.node.Custodian().Sweep(t.Context(), custody.SweepOptions{Grace: -1})
	if err != nil || report.Failures > 0 {
		t.Errorf("sweep: %d failures, %v", report.Failures, err)
	}
	return d.snapshot(t)
}

// unchanged compares what is kept with what was kept before.
func (d *deployment) unchanged(t *testing.T, f fault, before map[string]string) {
	t.Helper()
	after := d.swept(t)
	keys := 0
	for _, name := range slices.Sorted(maps.Keys(after)) {
		etag, was := before[name]
		switch {
		case !was && strings.HasPrefix(name, "key "):
			keys++
		case !was:
			t.Errorf("%s was made", name)
		case etag != after[name]:
			t.Errorf("%s was changed", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, is := after[name]; !is {
			t.Errorf("%s was removed", name)
		}
	}
	// An enrolment that can't tell whether it was written leaves its key, for it
	// may be the one of a dossier that is there.
	if keys > f.keysLeft {
		t.Errorf("%d keys were made and are left", keys)
	}
}

// fewer waits until no more goroutines run than before, or says which do.
func fewer(t *testing.T, before int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-poll.C:
		case <-ctx.Done():
			var all strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, &all)
		}
	}
}

// texts are all texts in a request that say something.
func texts(m proto.Message) []string {
	var out []string
	var collect func(protoreflect.Message)
	collect = func(m protoreflect.Message) {
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			take := func(v protoreflect.Value) {
				switch fd.Kind() {
				case protoreflect.MessageKind:
					collect(v.Message())
				case protoreflect.StringKind:
					if len(v.String()) > 3 {
						out = append(out, v.String())
					}
				}
			}
			if fd.IsList() {
				for i := range v.List().Len() {
					take(v.List().Get(i))
				}
			} else {
				take(v)
			}
			return true
		})
	}
	collect(m.ProtoReflect())
	return out
}
