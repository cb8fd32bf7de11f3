package e2e_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestEveryCallIsOnRecord makes every RPC, so that it succeeds and so that it
// fails in each way, and looks for its one event.
func TestEveryCallIsOnRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		operator := *s
		operator.conn = s.dialAs(t, "fulfilment")
		for _, m := range everyMethod(t) {
			rule := ruleOf(t, m)
			x := s.prepared(t, m, "of-"+strings.ToLower(string(m.Name())))
			good := requests()[m.Name()].good(x)
			wrong, strange := proto.Clone(good), proto.Clone(good)
			spoil(wrong)
			for _, f := range nameFields(m.Input(), m.Input(), "") {
				set(strange, f.path, strings.Replace(get(strange, f.path), bank, "institutes/strange", 1))
			}
			for _, try := range []struct {
				what  string
				scene *scene
				req   proto.Message
				skip  bool
			}{
				{"a stranger to it", &operator, good, m.Name() == "DownloadScan"},
				{"nothing of that name", s, strange, rule.Resource == ""},
				{"a bad id", s, wrong, proto.Equal(wrong, good)},
				{"success", s, good, false},
			} {
				if try.skip {
					continue
				}
				s.edge.Flush(t)
				begun := time.Now()
				_, err := try.scene.call(t.Context(), m, try.req)
				code, reason, _ := said(err)
				if (err == nil) != (try.what == "success") {
					t.Errorf("%s, %s: %v", m.Name(), try.what, err)
				}
				checkRecord(t, s, m, try.what, s.edge.Recorded(t, begun), code, reason)
			}
		}
		report, err := s.edge.Events.Verify(t.Context(), time.Time{}, time.Now())
		if err != nil || !report.Intact() {
			t.Errorf("the log: %+v, %v", report.Findings, err)
		}
	})
}

// checkRecord wants one event, and that it says what is known of the call.
func checkRecord(t *testing.T, s *scene, m protoreflect.MethodDescriptor, what string, events []audit.Event, code codes.Code, reason string) {
	t.Helper()
	if len(events) != 1 {
		t.Errorf("%s, %s: %d events: %+v", m.Name(), what, len(events), events)
		return
	}
	e, rule := events[0], ruleOf(t, m)
	if e.Action != rule.Action || e.Code != codeText(code) || e.Reason != reason || e.ID == "" || e.Principal == "" {
		t.Errorf("%s, %s: %v %s is on record as %+v", m.Name(), what, code, reason, e)
	}
	if what == "success" && (e.Role == "" || rule.Resource != "" && e.Institute != strings.TrimPrefix(bank, "institutes/")) {
		t.Errorf("%s, %s: in no role or of no institute: %+v", m.Name(), what, e)
	}
	if what == "nothing of that name" && e.Institute != "" {
		t.Errorf("%s: an institute that is not served is on record: %s", m.Name(), e.Institute)
	}
	reveal := m.Name() == "RevealArtefact" && what == "success"
	if reveal != (len(e.Fields) > 0) || reveal != (e.Purpose != "") && what == "success" {
		t.Errorf("%s, %s: revealed %v for %q", m.Name(), what, e.Fields, e.Purpose)
	}
	if m.Name() == "ListErasureReceipts" {
		return // about no customer, or many
	}
	receipt := m.Name() == "GetErasureReceipt" || m.Name() == "EraseCustomer"
	if what == "success" && rule.Resource != "" && (e.Subject == "") != receipt || (e.Receipt != "") != (receipt && what == "success") {
		t.Errorf("%s, %s: about subject %q and receipt %q", m.Name(), what, e.Subject, e.Receipt)
	}
}

func codeText(code codes.Code) string {
	return map[codes.Code]string{
		codes.OK: "OK", codes.InvalidArgument: "INVALID_ARGUMENT", codes.NotFound: "NOT_FOUND", codes.PermissionDenied: "PERMISSION_DENIED",
		codes.Unauthenticated: "UNAUTHENTICATED",
	}[code]
}

// waits says whether the RPC waits for the locked store.
func waits(t testing.TB, m protoreflect.MethodDescriptor) bool {
	t.Helper()
	effect := ruleOf(t, m).Effect
	return effect != wertfachv1.Effect_EFFECT_READ && effect != wertfachv1.Effect_EFFECT_WRITE
}

// TestLockedStoreAway: what can't be taken back and what opens a secret is
// refused before anything happens; the rest goes on until the spool is full.
func TestLockedStoreAway(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		begun := time.Now()
		targets := map[protoreflect.Name]target{}
		for _, m := range everyMethod(t) {
			targets[m.Name()] = s.prepared(t, m, "of-"+strings.ToLower(string(m.Name())))
		}
		s.edge.ArchiveOutage.Begin()
		for s.edge.Log.Ready(t.Context(), audit.Locked) == nil {
			continue // what it took a moment ago proves it writable for a second
		}
		made := map[protoreflect.Name]int{}
		for _, m := range everyMethod(t) {
			try := func() error {
				_, err := s.call(t.Context(), m, requests()[m.Name()].good(targets[m.Name()]))
				made[m.Name()]++
				return err
			}
			if !waits(t, m) {
				if err := try(); err != nil {
					t.Errorf("%s: %v", m.Name(), err)
				}
				continue
			}
			s.unchanged(t, string(m.Name()), func() {
				if code, reason, _ := said(try()); code != codes.Unavailable || reason != "AUDIT_UNAVAILABLE" {
					t.Errorf("%s: %v %s", m.Name(), code, reason)
				}
			})
		}
		s.edge.ArchiveOutage.End()
		got := map[string]int{}
		for _, e := range s.edge.Recorded(t, begun) {
			if e.Code == "UNAVAILABLE" || e.Code == "OK" {
				got[e.Action+e.Code]++
			}
		}
		for _, m := range everyMethod(t) {
			code := map[bool]string{true: "UNAVAILABLE", false: "OK"}[waits(t, m)]
			if n := got[ruleOf(t, m).Action+code]; n < made[m.Name()] {
				t.Errorf("%s: %d events of %d calls", m.Name(), n, made[m.Name()])
			}
		}
		for _, m := range everyMethod(t) {
			if waits(t, m) { // now it is done
				if _, err := s.call(t.Context(), m, requests()[m.Name()].good(targets[m.Name()])); err != nil {
					t.Errorf("%s once the locked store is back: %v", m.Name(), err)
				}
			}
		}
	})
}

// TestSpoolUnwritable: without a spool nothing is done for anybody.
func TestSpoolUnwritable(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "target")
		s.edge.SpoolOutage.Begin()
		_, err := s.call(t.Context(), everyMethod(t)[0], requests()[everyMethod(t)[0].Name()].good(x)) // the one that finds it out
		if code, reason, _ := said(err); code != codes.Unavailable || reason != "AUDIT_UNAVAILABLE" {
			t.Errorf("the first: %v", err)
		}
		for _, m := range everyMethod(t) {
			s.unchanged(t, string(m.Name()), func() {
				_, err := s.call(t.Context(), m, requests()[m.Name()].good(fresh(m, x)))
				if code, reason, _ := said(err); code != codes.Unavailable || reason != "AUDIT_UNAVAILABLE" {
					t.Errorf("%s: %v", m.Name(), err)
				}
			})
		}
		s.edge.SpoolOutage.End()
		for _, m := range everyMethod(t) {
			x := s.prepared(t, m, "then-"+strings.ToLower(string(m.Name())))
			if _, err := s.call(t.Context(), m, requests()[m.Name()].good(x)); err != nil {
				t.Errorf("%s once it can be written again: %v", m.Name(), err)
			}
		}
	})
}

// TestSpoolFull: while the locked store is away routine calls go on until the
// spool's bound, and then fail too, until it is back.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	s := newScene(t, embeddedBackends(t))
	x := s.target(t, "target")
	s.edge = servertest.NewBounded(t, s.custodian, s.keys, s.store, bound)
	s.start(t)
	s.redial(t)
	s.edge.ArchiveOutage.Begin()
	read := &wertfachv1.GetCustomerRequest{Name: x.customer.GetName()}
	calls := 0
	for ; ; calls++ {
		_, err := s.customers.GetCustomer(t.Context(), read)
		if err == nil {
			continue
		}
		if code, reason, _ := said(err); code != codes.Unavailable || reason != "AUDIT_UNAVAILABLE" {
			t.Fatalf("after %d calls: %v", calls, err)
		}
		break
	}
	if calls < bound/1000 || calls > bound/100 {
		t.Errorf("%d calls were answered", calls)
	}
	s.unchanged(t, "a full spool", func() {
		for _, m := range everyMethod(t) {
			_, err := s.call(t.Context(), m, requests()[m.Name()].good(fresh(m, x)))
			if code, reason, _ := said(err); code != codes.Unavailable || reason != "AUDIT_UNAVAILABLE" {
				t.Errorf("%s: %v", m.Name(), err)
			}
		}
	})
	s.edge.ArchiveOutage.End()
	s.edge.Flush(t)
	_, err := s.customers.GetCustomer(t.Context(), read)
	ok(t, err)
}
