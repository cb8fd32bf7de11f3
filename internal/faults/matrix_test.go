package faults

import (
	"context"
	"fmt"
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
	deadline = 2 * time.Second
	short    = time.Second
	// slack is how much later an answer may be seen on a busy machine.
	slack = 10 * time.Second
)

// TestMatrix meets every RPC with every fault. Servers that only lose the way to
// what they need are tested side by side; then one whose back ends, or whose disk,
// really fail.
func TestMatrix(t *testing.T) {
	s := newServers(t)
	s.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	t.Run("on the way", func(t *testing.T) {
		for name, faults := range map[string]func(*deployment) []fault{
			"keys":    func(d *deployment) []fault { return common("Vault", d.keys, 0) },
			"objects": func(d *deployment) []fault { return append(common("MinIO", d.store, 1), d.cutScans()) },
			"record":  func(d *deployment) []fault { return append(d.auditFaults(), d.clockFaults()...) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := s.deploy(t, name)
				d.meetAll(t, faults(d))
			})
		}
	})
	t.Run("there", func(t *testing.T) {
		d := s.deploy(t, "there")
		d.meetAll(t, append(d.serverFaults(), d.diskFault(t)))
	})
	s.vault.Client().CloneConfig().HttpClient.CloseIdleConnections()
	fewer(t, before)
}

// meetAll meets every RPC with these faults, one after the other.
func (d *deployment) meetAll(t *testing.T, list []fault) {
	receipt := d.erased(t)
	asked := map[string]bool{}
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			for _, a := range d.meet(t, f, receipt) {
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

// tellTale is how long a text is that does not stand in a log by chance.
const tellTale = 8

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
func (d *deployment) meet(t *testing.T, f fault, receipt string) []*attempt {
	t.Helper()
	all := d.attempts(t, receipt)
	before := d.swept(t)
	ok(t, f.begin(t.Context()))
	var asked sync.WaitGroup
	asked.Go(func() { d.awaitHealth(t, f.healthy) })
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

	d.awaitHealth(t, true)
	if !f.late && !f.healthy {
		d.unchanged(t, f, before)
	}
	// The same again, without a fault and with no restart between.
	d.each(t, all, patience, func(ctx context.Context, a *attempt) {
		if a.err != nil && !f.late && a.method.Name() != "EnrolCustomer" {
			d.has(ctx, t, a, 2, 1)
		}
		if err := d.repeat(ctx, a); err != nil {
			t.Errorf("%s: repeated when all is well: %v", a.method.Name(), err)
		}
		want := requests()[a.method.Name()]
		d.has(ctx, t, a, want.artefacts, want.scans)
	})
	return all
}

// repeat makes a call until it is done.
func (d *deployment) repeat(ctx context.Context, a *attempt) error {
	return again(ctx, func() error {
		_, err := d.call(ctx, a.method, a.request)
		return err
	})
}

// again tries for as long as the server says that it can't now, sooner than it
// says.
func again(ctx context.Context, call func() error) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := call()
		if status.Code(err) != codes.Unavailable {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return err
		}
	}
}

// has compares how many artefacts and scans a customer has.
func (d *deployment) has(ctx context.Context, t *testing.T, a *attempt, artefacts, scans int) {
	t.Helper()
	var gotArtefacts, gotScans int
	err := again(ctx, func() (err error) {
		gotArtefacts, gotScans, err = d.counts(ctx, a.on.customer)
		return err
	})
	if code := status.Code(err); code == codes.NotFound || code == codes.FailedPrecondition {
		gotArtefacts, gotScans, err = gone, gone, nil
	}
	if err != nil || gotArtefacts != artefacts || gotScans != scans {
		t.Errorf("%s: the customer has %d artefacts and %d scans, %v; want %d and %d", a.method.Name(), gotArtefacts, gotScans, err, artefacts, scans)
	}
}

// awaitHealth waits until the server says whether it serves. It remembers what it
// said for a second.
func (d *deployment) awaitHealth(t *testing.T, healthy bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for d.serving(t) != healthy {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Errorf("health goes on saying that the server serves: %v", !healthy)
			return
		}
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
	if want := f.ends(a.method); !slices.Contains(want, st.Code()) {
		t.Errorf("%s: %v; want one of %v", name, a.err, want)
	}
	text, reason, wait := told(st)
	if st.Code() == codes.Unavailable && (reason != custody.ReasonUnavailable && reason != server.ReasonAudit || wait <= 0) {
		t.Errorf("%s: %v of reason %q, to be tried again after %v", name, a.err, reason, wait)
	}
	if reason == server.ReasonAudit && len(a.answers) > 0 {
		t.Errorf("%s: %d answers that are not on record", name, len(a.answers))
	}
	for _, secret := range append(texts(a.request), d.confidential()...) {
		if a.err != nil && strings.Contains(text, secret) {
			t.Errorf("%s: the message tells what it should not, %q: %s", name, secret, text)
		}
	}
}

// told is all that a status tells, its reason, and when to try again.
func told(st *status.Status) (text, reason string, wait time.Duration) {
	text = st.Message()
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.GetReason()
		case *errdetails.RetryInfo:
			wait = detail.GetRetryDelay().AsDuration()
		}
		text += fmt.Sprint(" ", detail)
	}
	return text, reason, wait
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
