package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// TestNothingErasedComesBack is TARGETS R8 on a real Vault and MinIO: a snapshot of
// Vault's raft storage and a copy of MinIO's drive from before an erasure are
// restored. Every process has the rights of deploy/ and no others.
func TestNothingErasedComesBack(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	keys := filepath.Join(d.dir, "attest.pem")
	expect(t, exitOK, nil, append([]string{"init", "--config", d.config, "--keys-out", keys, "--credentials-out", filepath.Join(d.dir, "credentials")}, d.initFlags...)...)
	server, address := d.serve(t)
	as := func(profile string, args ...string) string {
		t.Helper()
		return expect(t, exitOK, nil, append([]string{"--profile", profile}, args...)...).out
	}
	portal := d.client(t, "portal", address)
	enrol := func(id string) (customer, sim string) {
		t.Helper()
		file := d.write(t, id+".json", strings.Replace(customerJSON, "customers/4711", "customers/"+id, 1))
		as(portal, "customer", "enrol", "-f", file)
		customer = strings.Replace(customerName, "4711", id, 1)
		sim = name(t, as(portal, "artefact", "register", "--customer", customer, "-f", d.write(t, "sim.json", simJSON)))
		pdf := d.write(t, "receipt.pdf", "%PDF-1.7\n"+strings.Repeat("a line of the receipt\n", 10_000))
		as(portal, "scan", "upload", "--artefact", sim, pdf)
		return customer, sim
	}
	erased, _ := enrol("4711")
	stays, sim := enrol("4712")
	stop := func() {
		t.Helper()
		server.stop()
		if code := <-server.ended; code != exitOK {
			t.Errorf("serve ended with %d", code)
		}
	}
	stop()
	var snapshot bytes.Buffer
	if err := d.vault.Client().Sys().RaftSnapshotWithContext(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(d.dir, "backup")
	data := filepath.Join(d.minio.Drive, bucket)
	d.whileStopped(t, func() error { return os.CopyFS(backup, os.DirFS(data)) })

	server, address = d.serve(t)
	ines, paul := d.client(t, "officer-ines", address), d.client(t, "officer-paul", address)
	as(ines, "erase", "request", erased, "--ground", "consent-withdrawn", "--reason", "account closed")
	expect(t, exitUnavailable, []string{"ERASURE_PENDING"}, "--profile", paul, "--timeout", "2s", "erase", "confirm", erased)
	d.sweepAlongside(t)
	evidence := decoded(t, as(paul, "erase", "confirm", erased))
	key, _ := evidence["keyName"].(string)
	stop()

	// The disaster: both are restored from before it.
	if err := d.vault.Client().Sys().RaftSnapshotRestoreWithContext(t.Context(), bytes.NewReader(snapshot.Bytes()), true); err != nil {
		t.Fatal(err)
	}
	if err := d.vault.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.whileStopped(t, func() error {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		return os.CopyFS(data, os.DirFS(backup))
	})
	if !d.keyThere(t, key) || len(d.objects(t, "musterbank/dossiers/")) != 2 {
		t.Fatal("nothing has come back, so the test proves nothing")
	}
	refused := []string{"sweep --after-restore"}
	expect(t, exitUnavailable, refused, "serve", "--config", d.config)
	expect(t, exitUnavailable, refused, "sweep", "--config", d.sweeper)
	for _, want := range []restoreReport{{Receipts: 1, PutBack: 1, CameBack: 1, Destroyed: 1}, {Receipts: 1}} {
		r := expect(t, exitOK, nil, "sweep", "--after-restore", "--config", d.sweeper)
		var got restoreReport
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || got != want {
			t.Errorf("got %s, %v; want %+v", r.out, err, want)
		}
		checkLog(t, r.err)
	}
	if d.keyThere(t, key) || len(d.objects(t, "musterbank/dossiers/")) != 1 || len(d.objects(t, "musterbank/scans/")) != 1 {
		t.Errorf("key there: %t; objects %v", d.keyThere(t, key), d.objects(t, "musterbank/"))
	}
	server, address = d.serve(t)
	portal = d.client(t, "portal", address)
	expect(t, exitNotFound, []string{"CUSTOMER_NOT_FOUND"}, "--profile", portal, "customer", "get", erased)
	expect(t, exitOK, []string{"12345678"}, "--profile", portal, "artefact", "reveal", sim, "--purpose", "unlock")
	as(portal, "customer", "get", stays)
	core, file := d.client(t, "core-banking", address), filepath.Join(d.dir, "receipt.json")
	as(core, "receipt", "get", evidence["name"].(string), "--out", file)
	verified := expect(t, exitOK, nil, "receipt", "verify", file, "--key", keys)
	if says := decoded(t, verified.out); says["key_name"] != key || says["key_destroyed_time"] == "" {
		t.Errorf("the receipt says %v", says)
	}
	stop()
}

// whileStopped does something with MinIO's drive while MinIO is stopped.
func (d *deployment) whileStopped(t *testing.T, do func() error) {
	t.Helper()
	if err := d.minio.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if err := d.minio.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// keyThere says whether Vault has a key, as its root sees it.
func (d *deployment) keyThere(t *testing.T, key string) bool {
	t.Helper()
	secret, err := d.vault.Client().Logical().ReadWithContext(t.Context(), "transit/keys/"+key)
	if err != nil {
		t.Fatal(err)
	}
	return secret != nil
}

// objects are the names of objects in the bucket of data.
func (d *deployment) objects(t *testing.T, prefix string) (names []string) {
	t.Helper()
	client, err := d.minio.Client()
	if err != nil {
		t.Fatal(err)
	}
	for o := range client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		names = append(names, o.Key)
	}
	return names
}
