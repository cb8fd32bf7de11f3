package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/profile"
	"github.com/wertfach/wertfach/internal/testenv"
)

// deployment is a configuration file on a Vault and a MinIO of its own.
type deployment struct {
	vault     *testenv.Vault
	minio     *testenv.Minio
	dir       string
	config    string // the file
	hasty     string // the same with hardly any patience at the start
	initToken string // the file with the token for init
	authority *pki.Authority
}

const bucket = "wertfach"

// newDeployment sets up what an operator has before `wertfach init`: the two
// servers, the two policies of deploy/vault and nothing that they do not allow.
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
	const role = "wertfach-server"
	files, err := d.vault.AppRole(t.Context(), testenv.AppRole{Name: role, Policy: policy(t, "server")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.vault.Client().Logical().WriteWithContext(t.Context(), "auth/approle/role/"+role,
		map[string]any{"token_no_default_policy": true}); err != nil {
		t.Fatal(err)
	}
	d.initToken = d.token(t, "init")
	text := fmt.Sprintf(`
listen: 127.0.0.1:0
tls: {cert_file: %q, key_file: %q, client_ca_file: %q}
institutes: [{id: musterbank}]
vault:
  address: %s
  auth:
    approle: {role_id_file: %q, secret_id_file: %q}
s3: {endpoint: %s, bucket: %s, access_key_file: %q, secret_key_file: %q}
`, server.CertFile, server.KeyFile, d.authority.CAFile(), d.vault.Addr(), files.RoleID, files.SecretID,
		d.minio.Endpoint, bucket, d.minio.AccessKeyFile, d.minio.SecretKeyFile)
	d.config = d.write(t, "wertfach.yaml", text)
	d.hasty = d.write(t, "hasty.yaml", text+"start_timeout: 400ms\n")
	return d
}

// policy reads a policy as it is shipped.
func policy(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "vault", name+".hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// token makes a token with a shipped policy and no other rights.
func (d *deployment) token(t *testing.T, name string) (file string) {
	t.Helper()
	if err := d.vault.Client().Sys().PutPolicyWithContext(t.Context(), name, policy(t, name)); err != nil {
		t.Fatal(err)
	}
	s, err := d.vault.Client().Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{
		Policies: []string{name}, NoDefaultPolicy: true, TTL: "10m",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.write(t, name+".token", s.Auth.ClientToken)
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
	pair, err := d.authority.Client(role, "test")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(d.dir, role+".yaml")
	p := profile.Profile{Address: address, CAFile: d.authority.CAFile(), CertFile: pair.CertFile, KeyFile: pair.KeyFile}
	if err := profile.Write(file, p); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDeployment is the life of a deployment on a real Vault and MinIO, under
// exactly the rights that deploy/vault grants.
func TestDeployment(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	expect(t, exitUnavailable, []string{"gave up waiting", "NoSuchBucket"}, "serve", "--config", d.hasty)

	keys := filepath.Join(d.dir, "attest.pem")
	initialise := []string{"init", "--config", d.config, "--vault-token-file", d.initToken, "--keys-out", keys}
	if r := expect(t, exitOK, nil, initialise...); strings.Count(r.out, " made\n") != 4 {
		t.Errorf("the first init says\n%s", r.out)
	}
	if r := expect(t, exitOK, nil, initialise...); strings.Count(r.out, " was there\n") != 4 {
		t.Errorf("the second init says\n%s", r.out)
	}
	expect(t, exitInternal, []string{"denied"}, "init", "--config", d.config) // as the server

	server, address := d.serve(t)
	d.work(t, address, keys)
	d.sweep(t)
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
	// A second secret under a data key of its own: revealing both is a batch.
	as(portal, "artefact", "update", sim, "-f", d.write(t, "update.json", `{"simCard": {"pin": "0815"}}`))
	expect(t, exitOK, []string{"0815", "12345678"}, "--profile", portal, "artefact", "reveal", sim, "--purpose", "unlock")
	pdf := d.write(t, "receipt.pdf", "%PDF-1.7\n"+strings.Repeat("a line of the receipt\n", 10_000))
	as(portal, "scan", "upload", "--artefact", sim, pdf)
	out := as(core, "customer", "erase", customerName, "--reason", "account closed")
	receipt := filepath.Join(d.dir, "receipt.json")
	as(core, "receipt", "get", name(t, out), "--out", receipt)
	expect(t, exitOK, nil, "receipt", "verify", receipt, "--key", keys)

	// Another one, whom the sweep is to erase.
	as(portal, "customer", "enrol", "-f", d.write(t, "customer.json", customerJSON))
	as(core, "contract", "terminate", "--customer", customerName, "--effective", "today", "--reason", "account closed")
}

// sweep runs while the server does, under its rights.
func (d *deployment) sweep(t *testing.T) {
	t.Helper()
	for _, want := range []sweepReport{{Erased: 1}, {}} {
		var got sweepReport
		r := expect(t, exitOK, nil, "sweep", "--config", d.config)
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Erased != want.Erased || got.Failures != 0 {
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
	expect(t, exitIncomplete, []string{`"failures":1`, "see the log"}, "sweep", "--config", d.config)
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
