package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/profile"
	"github.com/wertfach/wertfach/internal/testenv"
)

// deployment is a configuration on a Vault and a MinIO of its own.
type deployment struct {
	issuer    *devissuer.Issuer
	vault     *testenv.Vault
	minio     *testenv.Minio
	dir       string
	config    string   // the file of the server
	hasty     string   // the same with hardly any patience at the start
	sweeper   string   // the file of the sweeper
	operator  string   // that of the operator
	initFlags []string // who prepares it
	authority *pki.Authority
}

const (
	bucket      = "bank-vault"
	auditBucket = "bank-log"
)

// newDeployment sets up what an operator has before `wertfach init`: the two
// servers, and for the occasion a token and keys with the shipped policies.
func newDeployment(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{vault: testenv.NewVault(t), minio: testenv.NewMinio(t), dir: t.TempDir()}
	var err error
	if d.authority, err = pki.Open(filepath.Join(d.dir, "pki"), time.Now()); err != nil {
		t.Fatal(err)
	}
	server, err := d.authority.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if d.issuer, err = devissuer.Start(filepath.Join(d.dir, "issuer")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.issuer.Close() })
	if err := d.issuer.Renew(d.dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	text := func(id deploy.Identity) string {
		folder := filepath.Join(d.dir, "credentials", string(id))
		return fmt.Sprintf(`
listen: 127.0.0.1:0
tls: {cert_file: %q, key_file: %q, client_ca_file: %q}
callers:
  - {uri: "spiffe://dev.wertfach.example/portal/*", roles: [portal], institutes: ["*"]}
  - {uri: "spiffe://dev.wertfach.example/core-banking/*", roles: [core-banking], institutes: ["*"]}
  - {uri: "spiffe://dev.wertfach.example/privacy-officer/*", roles: [privacy-officer], institutes: ["*"]}
issuers:
  - {url: %q, audience: %q, groups: [{group: %q, roles: [privacy-officer], institutes: ["*"]}]}
institutes: [{id: musterbank}]
retention:
  - {class: artefacts, period: P0D, alignment: exact}
  - {class: customer, period: P0D, alignment: exact}
vault:
  address: %s
  auth:
    approle: {role_id_file: %q, secret_id_file: %q}
s3: {endpoint: %s, bucket: %s, access_key_file: %q, secret_key_file: %q}
audit: {bucket: %s, spool_file: %q, retention_days: 1}
`, server.CertFile, server.KeyFile, d.authority.CAFile(), d.issuer.URL(), devissuer.Audience, devissuer.Officers, d.vault.Addr(),
			filepath.Join(folder, "vault-role-id"), filepath.Join(folder, "vault-secret-id"),
			d.minio.Endpoint, bucket, filepath.Join(folder, "s3-access-key"), filepath.Join(folder, "s3-secret-key"),
			auditBucket, filepath.Join(d.dir, string(id)+".spool"))
	}
	d.config = d.write(t, "wertfach.yaml", text(deploy.Server))
	d.hasty = d.write(t, "hasty.yaml", text(deploy.Server)+"start_timeout: 400ms\n")
	d.sweeper = d.write(t, "sweeper.yaml", text(deploy.Sweeper))
	d.operator = d.write(t, "operator.yaml", text(deploy.Operator))
	d.initFlags = append([]string{"--vault-token-file", d.token(t)}, d.keys(t)...)
	return d
}

// token makes a token with the policy for init, and no other rights.
func (d *deployment) token(t *testing.T) (file string) {
	t.Helper()
	name, client := deploy.Init.Name(), d.vault.Client()
	if err := client.Sys().PutPolicyWithContext(t.Context(), name, deploy.Vault{}.Policy(deploy.Init)); err != nil {
		t.Fatal(err)
	}
	s, err := client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{
		Policies: []string{name}, NoDefaultPolicy: true, TTL: "10m",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.write(t, "init.token", s.Auth.ClientToken)
}

// keys makes a user of MinIO with the policy for init, and no other rights.
func (d *deployment) keys(t *testing.T) (flags []string) {
	t.Helper()
	admin, err := minioadmin.New(minioadmin.Config{
		Endpoint: d.minio.Endpoint, AccessKeyFile: d.minio.AccessKeyFile, SecretKeyFile: d.minio.SecretKeyFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	const secret = "for-the-occasion"
	name, policy := deploy.Init.Name(), deploy.Buckets{Data: bucket, Audit: auditBucket}.Policy(deploy.Init)
	err = errors.Join(
		admin.PutPolicy(t.Context(), name, []byte(policy)), admin.PutUser(t.Context(), name, secret), admin.Attach(t.Context(), name, name),
	)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"--s3-access-key-file", d.write(t, "init.access", name), "--s3-secret-key-file", d.write(t, "init.secret", secret)}
}

func (d *deployment) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expect runs a command that must end with the code and say the words.
func expect(t *testing.T, code int, words []string, args ...string) result {
	t.Helper()
	r := command(t.Context(), "", false, args...)
	if r.code != code {
		t.Fatalf("wertfach %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	for _, word := range words {
		if !strings.Contains(r.out+r.err, word) {
			t.Errorf("wertfach %s: does not say %q\n%s%s", strings.Join(args, " "), word, r.out, r.err)
		}
	}
	return r
}

// serve runs `wertfach serve` and gives the address that it logs.
func (d *deployment) serve(t *testing.T) (r *running, address string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	r = start(ctx, "serve", "--config", d.config)
	r.stop = stop
	r.wait(t, func(logged string) bool {
		for line := range strings.Lines(logged) {
			var record struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "serving" {
				address = record.Address
			}
		}
		return address != ""
	})
	return r, address
}

// client writes a profile of a role.
func (d *deployment) client(t *testing.T, role, address string) (file string) {
	t.Helper()
	machine, token := role, ""
	if strings.HasPrefix(role, "officer-") { // a person, at a machine
		machine, token = "privacy-officer", devissuer.TokenFile(d.dir, role)
	}
	pair, err := d.authority.Client(machine, "test")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(d.dir, role+".yaml")
	p := profile.Profile{Address: address, CAFile: d.authority.CAFile(), CertFile: pair.CertFile, KeyFile: pair.KeyFile, TokenFile: token}
	if err := profile.Write(file, p); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDeployment is the life of a deployment on a real Vault and MinIO. Each of its
// processes logs in with what `wertfach init` gave out, and has exactly the rights
// of deploy/vault and deploy/s3.
func TestDeployment(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	expect(t, exitInternal, []string{"no such file"}, "serve", "--config", d.config)

	keys := filepath.Join(d.dir, "attest.pem")
	credentials := filepath.Join(d.dir, "credentials")
	initialise := append([]string{"init", "--config", d.config, "--keys-out", keys, "--credentials-out", credentials}, d.initFlags...)
	if r := expect(t, exitOK, nil, initialise...); strings.Count(r.out, " made\n") != 5 || strings.Count(r.out, " written\n") != 2 {
		t.Errorf("the first init says\n%s", r.out)
	}
	first := d.secrets(t, credentials)
	r := expect(t, exitOK, nil, initialise...)
	if strings.Count(r.out, " was there\n") != 5 {
		t.Errorf("the second init says\n%s", r.out)
	}
	if again := d.secrets(t, credentials); !slices.Equal(first, again) {
		t.Error("the second init gave out other credentials")
	}
	for _, secret := range first {
		if strings.Contains(r.out+r.err, secret) {
			t.Error("init prints what it gives out")
		}
	}
	hint := []string{"not done: ", "denied", "init needs rights of its own: --vault-token-file"}
	expect(t, exitInternal, hint, "init", "--config", d.config) // as the server
	expect(t, exitInternal, hint, "init", "--config", d.config, "--policies")

	server, address := d.serve(t)
	d.work(t, address, keys)
	d.sweep(t)
	d.rotate(t)
	server.stop()
	if code := <-server.ended; code != exitOK {
		t.Errorf("serve ended with %d", code)
	}
	checkLog(t, server.logged())

	if err := d.vault.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"serve", "sweep", "init"} {
		expect(t, exitUnavailable, []string{"gave up waiting", "keeper of keys unavailable"}, verb, "--config", d.hasty)
	}
}

// secrets are all that was given out, to the owner alone.
func (d *deployment) secrets(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, id := range deploy.Lasting() {
		for _, name := range []string{"vault-secret-id", "s3-secret-key"} {
			path := filepath.Join(dir, string(id), name)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
			}
			all = append(all, strings.TrimSpace(string(content)))
		}
	}
	return all
}

// work goes through everything that asks something of Vault.
func (d *deployment) work(t *testing.T, address, keys string) {
	t.Helper()
	portal, core := d.client(t, "portal", address), d.client(t, "core-banking", address)
	as := func(profile string, args ...string) string {
		t.Helper()
		return expect(t, exitOK, nil, append([]string{"--profile", profile}, args...)...).out
	}
	as(portal, "customer", "enrol", "-f", d.write(t, "customer.json", customerJSON))
	sim := name(t, as(portal, "artefact", "register", "--customer", customerName, "-f", d.write(t, "sim.json", simJSON)))
	// A second secret, under a data key of its own.
	as(portal, "artefact", "update", sim, "-f", d.write(t, "update.json", `{"simCard": {"pin": "0815"}}`))
	expect(t, exitOK, []string{"0815", "12345678"}, "--profile", portal, "artefact", "reveal", sim, "--purpose", "unlock")
	pdf := d.write(t, "receipt.pdf", "%PDF-1.7\n"+strings.Repeat("a line of the receipt\n", 10_000))
	as(portal, "scan", "upload", "--artefact", sim, pdf)
	// The server may begin an erasure. The sweeper, which runs all the while,
	// finishes it.
	ines, paul := d.client(t, "officer-ines", address), d.client(t, "officer-paul", address)
	as(ines, "erase", "request", customerName, "--ground", "consent-withdrawn", "--reason", "account closed")
	confirm := []string{"--profile", paul, "--timeout", "5s", "erase", "confirm", customerName}
	expect(t, exitUnavailable, []string{"ERASURE_PENDING", "can't be undone"}, confirm...)
	expect(t, exitState, []string{"BEING_ERASED"}, "--profile", portal, "customer", "get", customerName)
	d.sweepAlongside(t)
	out := as(paul, "erase", "confirm", customerName)
	receipt := filepath.Join(d.dir, "receipt.json")
	as(core, "receipt", "get", name(t, out), "--out", receipt)
	expect(t, exitOK, nil, "receipt", "verify", receipt, "--key", keys)

	// Another one, whom the sweep is to erase.
	as(portal, "customer", "enrol", "-f", d.write(t, "customer.json", customerJSON))
	as(core, "contract", "terminate", "--customer", customerName, "--effective", "today", "--reason", "account closed")
}

// sweepAlongside runs sweeps one after the other until one has finished an
// erasure, and stops them.
func (d *deployment) sweepAlongside(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := start(ctx, "sweep", "--config", d.sweeper, "--every", "20ms")
	r.wait(t, func(logged string) bool {
		return strings.Contains(logged, `"resumed":1`) && strings.Count(logged, `"resumed":0`) > 1
	})
	stop()
	if code := <-r.ended; code != exitOK {
		t.Errorf("sweep --every ended with %d\n%s", code, r.logged())
	}
	checkLog(t, r.logged())
}

// rotate rotates the keys while the server serves.
func (d *deployment) rotate(t *testing.T) {
	t.Helper()
	checkLog(t, expect(t, exitOK, nil, "keys", "rotate", "--config", d.operator, "--all").err)
}

// sweep runs while the server does, under rights of its own. Under the server's
// nothing is erased.
func (d *deployment) sweep(t *testing.T) {
	t.Helper()
	asServer := d.write(t, "as-server.yaml", strings.ReplaceAll(d.read(t, d.sweeper), "credentials/sweeper/", "credentials/server/"))
	denied := []string{`"cause":`, "vault answered 403", `"institute":"musterbank","pseudonym":"`}
	for _, tried := range []result{
		expect(t, exitUnavailable, append(denied[:2:2], "it broke off"), "keys", "rotate", "--config", asServer, "--customer", customerName),
		expect(t, exitIncomplete, append(denied, `"failures":1`, "see the log"), "sweep", "--config", asServer),
	} {
		log, said, _ := strings.Cut(tried.err, "wertfach: ")
		checkLog(t, log)
		if strings.Count(said, "\n") != 1 {
			t.Errorf("a refusal is told so:\n%s", said)
		}
	}
	for _, want := range []sweepReport{{Resumed: 1}, {}} {
		var got sweepReport
		r := expect(t, exitOK, nil, "sweep", "--config", d.sweeper)
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || got != want {
			t.Errorf("sweep: got %s, %v; want %+v", r.out, err, want)
		}
		checkLog(t, r.err)
	}
	// An intent that can't be read is a failure that a person must look at.
	client, err := d.minio.Client()
	if err != nil {
		t.Fatal(err)
	}
	object := "musterbank/erasing/" + strings.Repeat("0", 32)
	if _, err := client.PutObject(t.Context(), bucket, object, strings.NewReader("spoilt"), 6, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	expect(t, exitIncomplete, []string{`"failures":1`, "see the log"}, "sweep", "--config", d.sweeper)
	if err := client.RemoveObject(t.Context(), bucket, object, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (d *deployment) read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkLog wants JSON lines without a customer's data.
func checkLog(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	for _, value := range []string{"customers/", "Anna", "Muster", "Lindenallee", "DE89", "Blaue", "account closed", "receipt.pdf", "hvs."} {
		if strings.Contains(log, value) {
			t.Errorf("the log holds %q:\n%s", value, log)
		}
	}
}

// TestServerMistakes are found before anything is opened.
func TestServerMistakes(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("listen: nowhere\nlisten: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"serve", "init", "sweep"} {
		expect(t, exitUsage, []string{`"config"`}, verb)
		expect(t, exitUsage, []string{"flags only"}, verb, "--config", broken, "more")
		expect(t, exitUsage, []string{"line 2: listen is given twice"}, verb, "--config", broken)
		expect(t, exitUsage, []string{"no such file"}, verb, "--config", broken+".not")
	}
	expect(t, exitUsage, []string{`"data"`}, "dev")
	expect(t, exitUsage, []string{"loopback only"}, "dev", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "0.0.0.0:0")
}
