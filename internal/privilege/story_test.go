package privilege_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/privilege"
)

// enrolled is a customer of its own institute, enrolled by the server, with a SIM
// card.
func (s *site) enrolled(t *testing.T, institute string) (server *custody.Custodian, name resource.Customer, sim resource.Artefact) {
	t.Helper()
	server = s.custodian(t, deploy.Server, institute)
	name = resource.Customer{Institute: resource.Institute{ID: institute}, ID: "4711"}
	values := custodytest.NewSpecimens(1)
	if _, err := server.Enrol(t.Context(), name, custody.Enrolment{Values: values.PlainCustomer(), Services: custodytest.Services()}); err != nil {
		t.Fatal(err)
	}
	made, err := server.Register(t.Context(), name, []custody.Draft{{Kind: "sim_card", Values: values.Artefact("sim_card")}}, custody.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return server, name, made[0].Name
}

// testErasure: the server begins an erasure, says so, and the next sweep finishes
// it, without waiting for any claim to end. The key of an enrolment in vain is
// left to the sweep too.
func (s *site) testErasure(t *testing.T) {
	ctx := t.Context()
	server, name, _ := s.enrolled(t, "erasebank")
	sweeper := s.custodian(t, deploy.Sweeper, "erasebank")
	_, err := server.Enrol(ctx, name, custody.Enrolment{Values: custodytest.NewSpecimens(2).PlainCustomer()})
	if fault.ReasonOf(err) != custody.ReasonCustomerExists {
		t.Errorf("enrolled twice: %v", err)
	}
	asked := custody.ErasureDraft{Ground: "GROUND_CONSENT_WITHDRAWN", Reason: "asked for it", By: "officer-ines"}
	if _, err := server.RequestErasure(ctx, name, asked, custody.Request{}); err != nil {
		t.Fatal(err)
	}
	req := custody.Request{ID: "once", Content: []byte("erase")}
	for range 2 {
		_, err := server.Erase(ctx, name, custody.Confirmation{By: "officer-paul"}, req)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.Reason != custody.ReasonErasurePending || e.RetryAfter < time.Second {
			t.Fatalf("got %v", err)
		}
		if _, err := server.Customer(ctx, name); fault.ReasonOf(err) != custody.ReasonBeingErased {
			t.Errorf("still given out: %v", err)
		}
	}
	if report, err := sweeper.Sweep(ctx, custody.SweepOptions{}); err != nil || report != (custody.SweepReport{Resumed: 1, Settled: 1}) {
		t.Errorf("the sweep: %v, %+v", err, report)
	}
	out, err := server.Erase(ctx, name, custody.Confirmation{By: "officer-paul"}, req)
	if err != nil || out.Statement.Destroyed["dossier"] != 1 {
		t.Errorf("afterwards: %v, %+v", err, out.Statement)
	}
	if _, err := sweeper.Enrol(ctx, name, custody.Enrolment{Values: custodytest.NewSpecimens(2).PlainCustomer()}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the sweeper enrols: %v", err)
	}
}

// testShedding: when the contract ends the sweeper removes the secrets, and destroys
// the version of the key that they were sealed under, and can open none of them. It
// goes on where it broke off before the version was destroyed.
func (s *site) testShedding(t *testing.T) {
	ctx := t.Context()
	server, name, sim := s.enrolled(t, "shedbank")
	sweeper := s.custodian(t, deploy.Sweeper, "shedbank")
	if _, err := sweeper.Reveal(ctx, sim, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("revealed: %v", err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Terminate(ctx, name, time.Now().In(zone).Format(time.DateOnly), "", custody.Request{}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []custody.SweepReport{{Shed: 1}, {}, {}} {
		if report, err := sweeper.Sweep(ctx, custody.SweepOptions{Grace: -1}); err != nil || report != want {
			t.Errorf("sweep %d: %v, %+v, want %+v", i, err, report, want)
		}
		if i == 0 {
			key := s.config.Vault.TransitMount + "/keys/" + s.key(t, "shedbank")
			if _, err := s.vault.Client().Logical().WriteWithContext(ctx, key+"/config", map[string]any{"min_decryption_version": 2}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.mustBeTrimmed(t, "shedbank", 2)
	r, err := server.ExplainRetention(ctx, name, "")
	if err != nil || len(r.Holdings) != 2 || r.Next != r.Erase || r.Next == "" {
		t.Errorf("afterwards: %v, %+v", err, r)
	}
}

// testScrub: the server looks at everything, the operator at all but the content of
// scans; both mark anew.
func (s *site) testScrub(t *testing.T) {
	ctx := t.Context()
	server, name, _ := s.enrolled(t, "scrubbank")
	values := custodytest.NewSpecimens(4)
	made, err := server.Register(ctx, name, []custody.Draft{{Kind: "document", Values: values.Artefact("document")}}, custody.Request{})
	if err != nil {
		t.Fatal(err)
	}
	content := values.PDF(1000)
	draft := custody.ScanDraft{FileName: "scan.pdf", MediaType: "application/pdf", Size: int64(len(content))}
	if _, err := server.AddScan(ctx, made[0].Name, draft, bytes.NewReader(content), custody.Request{}); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Terminate(ctx, name, "2199-01-01", "", custody.Request{}); err != nil {
		t.Fatal(err)
	}
	for id, may := range map[deploy.Identity]bool{deploy.Server: true, deploy.Operator: false} {
		c := s.custodian(t, id, "scrubbank")
		if r, err := c.Scrub(ctx, custody.ScrubOptions{Institute: "scrubbank", Restart: true}); err != nil || r.Wrong() > 0 || (r.Done == 1) != may || (r.Failed() == 0) != may {
			t.Errorf("%s: %v, %+v", id, err, r)
		}
		_, root, _ := s.open(t, s.config)
		for info, err := range root.List(ctx, "scrubbank/due/") {
			if err == nil {
				err = root.Delete(ctx, info.Name)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2 {
			r, err := c.Scrub(ctx, custody.ScrubOptions{Institute: "scrubbank", NoScans: true, Restart: true})
			if err != nil || r.Done != 1 || r.Scans != 1 || r.Failed() > 0 || r.Remarked != 1-i || r.Problems[custody.ProblemNoMark] != 1-i || r.Wrong() != 1-i {
				t.Errorf("%s, after the mark was lost: %v, %+v", id, err, r)
			}
		}
	}
}

// testHotline: it lists and changes what is open, and can't reveal.
func (s *site) testHotline(t *testing.T) {
	ctx := t.Context()
	server, name, sim := s.enrolled(t, "hotbank")
	hotline := s.custodian(t, deploy.Hotline, "hotbank")
	if list, _, err := hotline.Artefacts(ctx, name, custody.Page{Size: 9}); err != nil || len(list) != 1 {
		t.Errorf("listing: %v, %d", err, len(list))
	}
	if _, err := hotline.Reveal(ctx, sim, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("revealed: %v", err)
	}
	made, err := hotline.Register(ctx, name, []custody.Draft{{Kind: "bike", Values: custodytest.NewSpecimens(3).Artefact("bike")}}, custody.Request{})
	if err != nil {
		t.Fatalf("registering a bike: %v", err)
	}
	if err := hotline.DeleteArtefact(ctx, made[0].Name, "", custody.Request{}); err != nil {
		t.Errorf("deleting it: %v", err)
	}
	if _, err := server.Reveal(ctx, sim, nil); err != nil {
		t.Errorf("revealing by the server: %v", err)
	}
}

// testAgain: what was installed stays, and so do credentials; what is missing is
// issued anew, and the others go on being good.
func (s *site) testAgain(t *testing.T) {
	own := *s
	first := own.credentials(t, s.dir)
	own.install(t)
	if again := own.credentials(t, s.dir); first != again {
		t.Error("credentials were replaced")
	}
	own.dir = t.TempDir()
	for _, name := range []string{"vault-role-id", "vault-secret-id"} {
		path := filepath.Join(privilege.Folder(own.dir, deploy.Hotline), name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("kept"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	i := own.installer(t)
	if err := i.IssueVault(t.Context(), own.dir); err != nil {
		t.Fatal(err)
	}
	if got := own.credential(t, own.dir, deploy.Hotline, "vault-secret-id"); got != "kept" {
		t.Error("what was there was replaced")
	}
	if _, err := os.Stat(filepath.Join(privilege.Folder(own.dir, deploy.Server), "vault-secret-id")); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(privilege.Folder(own.dir, deploy.Hotline), "vault-role-id")); err != nil {
		t.Fatal(err)
	}
	if err := i.IssueVault(t.Context(), own.dir); err == nil {
		t.Error("half of a pair of credentials is taken for a whole one")
	}
	// Other secret ids were given out meanwhile, and the first one still serves.
	keys, store, _ := s.open(t, s.as(deploy.Server))
	if err := errors.Join(keys.Ping(t.Context()), store.Ping(t.Context())); err != nil {
		t.Error(err)
	}
}

// credentials are all of them in one text, and that nobody else can read them.
func (s *site) credentials(t *testing.T, dir string) (all string) {
	t.Helper()
	for _, id := range deploy.Lasting() {
		for _, name := range []string{"vault-role-id", "vault-secret-id", "s3-access-key", "s3-secret-key"} {
			all += s.credential(t, dir, id, name) + "\n"
		}
	}
	return all
}

func (s *site) credential(t *testing.T, dir string, id deploy.Identity, name string) string {
	t.Helper()
	path := filepath.Join(privilege.Folder(dir, id), name)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s %s has mode %v", id, name, info.Mode())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// key is the name of the one key of the institute.
func (s *site) key(t *testing.T, institute string) string {
	t.Helper()
	list, err := s.vault.Client().Logical().ListWithContext(t.Context(), s.config.Vault.TransitMount+"/keys")
	if err != nil || list == nil {
		t.Fatalf("listing keys: %v", err)
	}
	var found []string
	for _, name := range list.Data["keys"].([]any) {
		if name := name.(string); strings.HasPrefix(name, institute+"-") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d keys of %s", len(found), institute)
	}
	return found[0]
}

// mustBeTrimmed checks that of the institute's one key all older versions were
// destroyed: those who may end the use of versions can't bring one back.
func (s *site) mustBeTrimmed(t *testing.T, institute string, oldest int) {
	t.Helper()
	path := s.config.Vault.TransitMount + "/keys/" + s.key(t, institute)
	key, err := s.vault.Client().Logical().ReadWithContext(t.Context(), path)
	if err != nil || key == nil {
		t.Fatalf("reading the key: %v", err)
	}
	for _, field := range []string{"min_available_version", "min_decryption_version", "min_encryption_version"} {
		if got := fmt.Sprint(key.Data[field]); got != fmt.Sprint(oldest) {
			t.Errorf("%s is %s, want %d", field, got, oldest)
		}
	}
	for id, want := range map[deploy.Identity]int{deploy.Sweeper: http.StatusBadRequest, deploy.Operator: http.StatusForbidden} {
		back := map[string]any{"min_decryption_version": oldest - 1, "min_encryption_version": oldest - 1}
		if status, said := s.ask(t, s.token(t, id), "PUT", path+"/config", back); status != want {
			t.Errorf("%s brings a version back: %d %s", id, status, said)
		}
	}
}

// testRotation: the operator gives a customer's key a new version, wraps anew what
// lies under the old one and gives that up for the sweeper to destroy, and opens no
// secret.
func (s *site) testRotation(t *testing.T) {
	ctx := t.Context()
	server, name, sim := s.enrolled(t, "rotbank")
	operator := s.custodian(t, deploy.Operator, "rotbank")
	if _, err := operator.Reveal(ctx, sim, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("revealed: %v", err)
	}
	for _, o := range []custody.RotateOptions{{}, {RetireOld: true, Grace: time.Nanosecond}} {
		o.Institute, o.Recorder = name.Institute.ID, unheard{}
		report, err := operator.Rotate(ctx, o)
		if err != nil || report.Failed() > 0 || report.Done != 1 {
			t.Errorf("rotating: %v, %+v", err, report)
		}
	}
	if report, err := s.custodian(t, deploy.Sweeper, "rotbank").Sweep(ctx, custody.SweepOptions{Grace: -1}); err != nil || report.Failures > 0 {
		t.Errorf("sweeping: %v, %+v", err, report)
	}
	s.mustBeTrimmed(t, "rotbank", 3)
	index, err := operator.RotateIndex(ctx, custody.IndexOptions{Grace: time.Nanosecond, Recorder: unheard{}})
	if err != nil || index.Rewritten != 1 {
		t.Errorf("rotating the index: %v, %+v", err, index)
	}
	if _, err := server.Reveal(ctx, sim, nil); err != nil {
		t.Errorf("revealing by the server: %v", err)
	}
	if _, err := operator.RequestErasure(ctx, name, custody.ErasureDraft{Ground: "GROUND_CHILD", Reason: "asked for it", By: "officer-ines"}, custody.Request{}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the operator erases: %v", err)
	}
	if _, err := server.Customer(ctx, name); err != nil {
		t.Errorf("the customer afterwards: %v", err)
	}
}

// unheard takes events that nobody reads here.
type unheard struct{}

// Ready is always.
func (unheard) Ready(context.Context, audit.Durability) error { return nil }

// Record forgets.
func (unheard) Record(context.Context, audit.Event, audit.Durability) error { return nil }
