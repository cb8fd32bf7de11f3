package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/testenv"
)

// vaultHouse is a deployment without a server, for the commands that open its
// back ends themselves.
type vaultHouse struct {
	dir, config string
}

// newHouse writes a configuration with those back ends and prepares them.
func newHouse(t *testing.T, backends string) *vaultHouse {
	t.Helper()
	h := &vaultHouse{dir: t.TempDir()}
	h.config = h.write(t, "wertfach.yaml", `
listen: 127.0.0.1:0
tls: {cert_file: none, key_file: none, client_ca_file: none}
callers: [{uri: spiffe://dev.wertfach.example/portal/test, roles: [portal], institutes: ["*"]}]
institutes: [{id: musterbank}, {id: kartenbank}]
start_timeout: 20s
log: {level: warn}
`+backends)
	h.with(t, h.config, func(*node.Backends, *custody.Custodian) {})
	return h
}

// houses are a deployment on files and one on a real Vault and MinIO.
func houses(t *testing.T) map[string]*vaultHouse {
	t.Helper()
	v, m := testenv.NewVault(t), testenv.NewMinio(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(v.RootToken()), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]*vaultHouse{
		"embedded": newHouse(t, `
keyring: {dir: keys}
embedded: {file: store.db}
audit: {spool_file: spool.db, file: locked.db}
`),
		"real": newHouse(t, fmt.Sprintf(`
vault: {address: %s, auth: {token_file: %q}}
s3: {endpoint: %s, bucket: wertfach, access_key_file: %q, secret_key_file: %q}
audit: {spool_file: spool.db, bucket: wertfach-audit, mode: governance, retention_days: 1}
`, v.Addr(), token, m.Endpoint, m.AccessKeyFile, m.SecretKeyFile)),
	}
}

func (h *vaultHouse) write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(h.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// with does something with the back ends, which a server would have open.
func (h *vaultHouse) with(t *testing.T, file string, do func(*node.Backends, *custody.Custodian)) {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := node.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	custodian, err := b.Custodian(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	do(b, custodian)
}

// enrol enrols customers of the institute, each with a bike and a SIM card.
func (h *vaultHouse) enrol(t *testing.T, institute string, ids ...string) {
	t.Helper()
	h.with(t, h.config, func(_ *node.Backends, c *custody.Custodian) {
		s := custodytest.NewSpecimens(1)
		for _, id := range ids {
			name := resource.Customer{Institute: resource.Institute{ID: institute}, ID: id}
			if _, err := c.Enrol(t.Context(), name, custody.Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Register(t.Context(), name, []custody.Draft{
				{Field: "a", Kind: "bike", Values: s.Artefact("bike")}, {Field: "b", Kind: "sim_card", Values: s.Artefact("sim_card")},
			}, custody.Request{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// reveals reads everything of a customer, secrets too.
func reveals(ctx context.Context, c *custody.Custodian, name resource.Customer) error {
	list, _, err := c.Artefacts(ctx, name, custody.Page{Size: 100})
	if err == nil && len(list) != 2 {
		err = fmt.Errorf("%d artefacts", len(list))
	}
	for _, a := range list {
		if err == nil {
			_, err = c.Reveal(ctx, a.Name, nil)
		}
	}
	return err
}

// reported runs a command that must end with the code, and gives its report.
func reported[R any](t *testing.T, code int, args ...string) (out R) {
	t.Helper()
	r := expect(t, code, nil, args...)
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("wertfach %s: not a line of JSON: %s %v", strings.Join(args, " "), r.out, err)
	}
	if code == exitOK {
		checkLog(t, r.err)
	}
	return out
}

// TestKeys rotates one customer, an institute, all, and the index, and tells of
// it.
func TestKeys(t *testing.T) {
	t.Parallel()
	for name, h := range houses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.rotate(t)
			h.rotateIndex(t)
		})
	}
}

func (h *vaultHouse) rotate(t *testing.T) {
	t.Helper()
	h.enrol(t, "musterbank", "c1", "c2")
	h.enrol(t, "kartenbank", "c1")
	keys := func(args ...string) []string {
		return append([]string{"keys", "rotate", "--config", h.config}, args...)
	}
	one := reported[rotateReport](t, exitOK, keys("--customer", "institutes/musterbank/customers/c2")...)
	if one.Total != 1 || one.Rotated != 1 || one.Done != 1 || one.Rewrapped != 3 {
		t.Errorf("one customer: %+v", one)
	}
	bank := reported[rotateReport](t, exitOK, keys("--institute", "musterbank", "--rate", "1000/s")...)
	if bank.Total != 2 || bank.Rotated != 2 || bank.Done != 2 {
		t.Errorf("an institute: %+v", bank)
	}
	all := reported[rotateReport](t, exitOK, keys("--all")...)
	if all.Total != 3 || all.Rotated != 3 || all.Done != 3 || all.Resumed != "" {
		t.Errorf("all: %+v", all)
	}
	again := reported[rotateReport](t, exitOK, keys("--all", "--rewrap-only")...)
	if again.Rotated+again.Rewrapped != 0 || again.Done != 3 {
		t.Errorf("nothing to do: %+v", again)
	}
	events := 0
	h.with(t, h.config, func(b *node.Backends, c *custody.Custodian) {
		for _, id := range []string{"musterbank/customers/c1", "musterbank/customers/c2", "kartenbank/customers/c1"} {
			name, err := resource.ParseCustomer("", "institutes/"+id)
			if err == nil {
				err = reveals(t.Context(), c, name)
			}
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		events = len(recordedActions(t, b)["keys/Rotate"])
	})
	if events != 6 {
		t.Errorf("%d events of 6 rotations", events)
	}
}

func (h *vaultHouse) rotateIndex(t *testing.T) {
	t.Helper()
	r := reported[indexReport](t, exitOK, "keys", "rotate-index", "--config", h.config, "--grace", "1ms", "--rate", "1000")
	if !r.Complete || r.Total != 3 || r.Done != 3 || r.Rewritten != 3 {
		t.Errorf("%+v", r)
	}
	h.with(t, h.config, func(b *node.Backends, c *custody.Custodian) {
		for info, err := range b.Store.List(t.Context(), "index/") {
			if err != nil || !strings.HasPrefix(info.Name, "index/2/") {
				t.Errorf("%s, %v", info.Name, err)
			}
		}
		if err := reveals(t.Context(), c, resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: "c1"}); err != nil {
			t.Error(err)
		}
		got := recordedActions(t, b)
		if len(got["keys/RotateIndex"]) != 1 || len(got["keys/DropIndex"]) != 1 {
			t.Errorf("recorded %v", got)
		}
	})
}

// TestKeysInterrupted stops a rotation after a while, as Ctrl-C does, and lets
// the next one go on with it.
func TestKeysInterrupted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "keyring: {dir: keys}\nembedded: {file: store.db}\naudit: {spool_file: spool.db, file: locked.db}\n")
	var ids []string
	for i := range 12 {
		ids = append(ids, fmt.Sprintf("c%d", i))
	}
	h.enrol(t, "musterbank", ids...)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := start(ctx, "keys", "rotate", "--config", h.config, "--all", "--rate", "4/s")
	time.AfterFunc(1200*time.Millisecond, stop)
	if code := <-r.ended; code != exitInterrupted || !strings.Contains(r.logged(), `"total":12`) {
		t.Fatalf("ended with %d\n%s", code, r.logged())
	}
	var first rotateReport
	for line := range strings.Lines(r.logged()) {
		_ = json.Unmarshal([]byte(line), &first)
	}
	second := reported[rotateReport](t, exitOK, "keys", "rotate", "--config", h.config, "--all", "--rate", "1000")
	if second.Resumed == "" || second.Done != 12 || first.Done == 0 || second.Rotated > 12-first.Done {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// TestKeysMistakes are told before anything is rotated.
func TestKeysMistakes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "keyring: {dir: keys}\nembedded: {file: store.db}\naudit: {spool_file: spool.db, file: locked.db}\n")
	keys := func(args ...string) []string {
		return append([]string{"keys", "rotate", "--config", h.config}, args...)
	}
	expect(t, exitUsage, []string{"one of rotate, rotate-index"}, "keys")
	expect(t, exitUsage, []string{"one of --customer, --institute and --all"}, keys()...)
	expect(t, exitUsage, []string{"one of --customer, --institute and --all"}, keys("--all", "--institute", "musterbank")...)
	expect(t, exitUsage, []string{"--rate", "such as 50/s"}, keys("--all", "--rate", "fast")...)
	expect(t, exitUsage, []string{"--rate", "such as 50/s"}, keys("--all", "--rate", "0")...)
	expect(t, exitInvalid, []string{"--customer"}, keys("--customer", "4711")...)
	expect(t, exitNotFound, []string{"CUSTOMER_NOT_FOUND"}, keys("--customer", "institutes/musterbank/customers/4711")...)
	for _, institute := range []string{"elsewhere", "institutes/elsewhere"} {
		if r := expect(t, exitNotFound, []string{"INSTITUTE_NOT_FOUND"}, keys("--institute", institute)...); strings.Contains(r.err, "broke off") {
			t.Errorf("to repeat it would not help:\n%s", r.err)
		}
	}
	for _, institute := range []string{"institutes/", "/", "musterbank/customers"} { // not all institutes
		expect(t, exitInvalid, []string{"--institute: "}, keys("--institute", institute)...)
	}
	expect(t, exitUsage, []string{`"config"`}, "keys", "rotate-index")
	expect(t, exitUsage, []string{"flags only"}, keys("--all", "more")...)

	// A damaged dossier is a failure that a person must look at.
	h.enrol(t, "musterbank", "c1")
	h.with(t, h.config, func(b *node.Backends, _ *custody.Custodian) {
		for info, err := range b.Store.List(t.Context(), "musterbank/dossiers/") {
			if err == nil {
				_, err = b.Store.Put(t.Context(), info.Name, []byte("spoilt"), blobstore.Condition{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if r := reported[rotateReport](t, exitIncomplete, keys("--all")...); r.Failures["OBJECT_CORRUPT"] != 1 || r.Done != 0 {
		t.Errorf("%+v", r)
	}
	expect(t, exitIncomplete, []string{`"institute":"musterbank","pseudonym":"`, `"reason":"OBJECT_CORRUPT","cause":"`}, keys("--all")...)
	if r := reported[indexReport](t, exitIncomplete, "keys", "rotate-index", "--config", h.config, "--grace", "1ms"); r.Complete || r.Failures["OBJECT_CORRUPT"] != 1 {
		t.Errorf("%+v", r)
	}

	// Another process has the spool.
	driver, err := embedded.Open(filepath.Join(h.dir, "spool.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer driver.Close()
	expect(t, exitUsage, []string{"audit.spool_file", "another file"}, keys("--all")...)
}

// recordedActions are the subjects of the events that this process has on
// record, by action.
func recordedActions(t *testing.T, b *node.Backends) map[string][]string {
	t.Helper()
	page, err := b.Events().List(t.Context(), audit.Query{Principal: operator(), From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Size: 1000})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range page.Events {
		got[e.Action] = append(got[e.Action], e.Subject)
	}
	return got
}
