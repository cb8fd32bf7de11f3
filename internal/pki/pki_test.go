package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// issue opens the authority of the folder and asks for both kinds of
// certificate, as a start of `wertfach dev` does.
func issue(t *testing.T, dir string, now time.Time) (server, client Pair) {
	t.Helper()
	a, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = a.Server("localhost", "127.0.0.1", "::1"); err != nil {
		t.Fatal(err)
	}
	if client, err = a.Client("core-banking", "dev"); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func parse(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(content(t, file))
	if block == nil || len(rest) > 0 {
		t.Fatalf("%s: not one PEM block", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func verify(t *testing.T, dir string, leaf *x509.Certificate, now time.Time, usage x509.ExtKeyUsage, host string) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, filepath.Join(dir, "ca.pem")))
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: host})
	return err
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pki")
	server, client := issue(t, dir, start)
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := verify(t, dir, parse(t, server.CertFile), start, x509.ExtKeyUsageServerAuth, host); err != nil {
			t.Errorf("server as %s: %v", host, err)
		}
	}
	leaf := parse(t, client.CertFile)
	if err := verify(t, dir, leaf, start, x509.ExtKeyUsageClientAuth, ""); err != nil {
		t.Errorf("client: %v", err)
	}
	if len(leaf.URIs) != 1 || leaf.URIs[0].String() != "spiffe://dev.wertfach.example/core-banking/dev" {
		t.Errorf("client: URIs %v", leaf.URIs)
	}
	if verify(t, dir, leaf, start, x509.ExtKeyUsageServerAuth, "") == nil {
		t.Error("a client's certificate serves as a server's")
	}
}

// TestAuthorityIsConstrained: whoever trusts a development authority is not
// fooled by it about other names.
func TestAuthorityIsConstrained(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"bank.example", "192.0.2.1", "2001:db8::1"} {
		dir := t.TempDir()
		a, err := Open(dir, start)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := a.Server(host)
		if err != nil {
			t.Fatal(err)
		}
		var invalid x509.CertificateInvalidError
		err = verify(t, dir, parse(t, pair.CertFile), start, x509.ExtKeyUsageServerAuth, host)
		if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
			t.Errorf("%s: got %v", host, err)
		}
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pki")
	issue(t, dir, start)
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %o, want %o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 6 {
		t.Errorf("%d files, want a certificate and a key for each of three", files)
	}
}

// TestReuse takes a folder through time and accidents. The certificates of the
// last start are kept as long as they are good.
func TestReuse(t *testing.T) {
	t.Parallel()
	const ca, leaf = "ca.pem", "client-core-banking-dev.pem"
	key := func(cert string) string { return cert[:len(cert)-len(".pem")] + "-key.pem" }
	spoil := func(file string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, file), []byte("-----BEGIN"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(file string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		later          time.Duration
		accident       func(t *testing.T, dir string)
		newCA, newLeaf bool
	}{
		"next start":        {},
		"months later":      {later: leafLife - renewBefore - time.Hour},
		"leaf ends soon":    {later: leafLife - renewBefore + time.Hour, newLeaf: true},
		"leaf ended":        {later: leafLife + time.Hour, newLeaf: true},
		"CA ends soon":      {later: authorityLife - leafLife + time.Hour, newCA: true, newLeaf: true},
		"clock set back":    {later: -time.Hour, newCA: true, newLeaf: true},
		"leaf removed":      {accident: remove(leaf), newLeaf: true},
		"leaf's key gone":   {accident: remove(key(leaf)), newLeaf: true},
		"leaf cut":          {accident: spoil(leaf), newLeaf: true},
		"leaf's key cut":    {accident: spoil(key(leaf)), newLeaf: true},
		"CA removed":        {accident: remove(ca), newCA: true, newLeaf: true},
		"CA cut":            {accident: spoil(ca), newCA: true, newLeaf: true},
		"CA's key replaced": {accident: spoil(key(ca)), newCA: true, newLeaf: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			issue(t, dir, start)
			oldCA, oldLeaf := content(t, filepath.Join(dir, ca)), content(t, filepath.Join(dir, leaf))
			if test.accident != nil {
				test.accident(t, dir)
			}
			now := start.Add(test.later)
			server, client := issue(t, dir, now)
			if got := !bytes.Equal(oldCA, content(t, filepath.Join(dir, ca))); got != test.newCA {
				t.Errorf("new authority: %t, want %t", got, test.newCA)
			}
			if got := !bytes.Equal(oldLeaf, content(t, client.CertFile)); got != test.newLeaf {
				t.Errorf("new certificate: %t, want %t", got, test.newLeaf)
			}
			if _, _, err := client.read(); err != nil {
				t.Errorf("certificate and key: %v", err)
			}
			for usage, pair := range map[x509.ExtKeyUsage]Pair{x509.ExtKeyUsageServerAuth: server, x509.ExtKeyUsageClientAuth: client} {
				if err := verify(t, dir, parse(t, pair.CertFile), now, usage, ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestOtherHosts: a server that is to be reached by another address gets a
// certificate for it.
func TestOtherHosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issue(t, dir, start)
	a, err := Open(dir, start)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.Server("localhost", "127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, dir, parse(t, pair.CertFile), start, x509.ExtKeyUsageServerAuth, "127.0.0.2"); err != nil {
		t.Error(err)
	}
}

func TestCopyCA(t *testing.T) {
	t.Parallel()
	dir, clients := t.TempDir(), t.TempDir()
	for _, now := range []time.Time{start, start, start.Add(authorityLife)} {
		a, err := Open(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		file, err := a.CopyCA(clients)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(file) != clients || !bytes.Equal(content(t, file), content(t, a.CAFile())) {
			t.Errorf("%s is not a copy", file)
		}
	}
	if entries, err := os.ReadDir(clients); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v; want the certificate alone", entries, err)
	}
}

// TestUnreadable: files that are there and can't be read are not replaced.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ca.pem"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, start); err == nil {
		t.Error("a folder in the place of the certificate: no error")
	}
}

func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		a, err := Open(dir, start)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Server("localhost"); err != nil {
			b.Fatal(err)
		}
		for _, role := range []string{"portal", "core-banking", "hotline", "loss-partner", "fulfilment", "privacy-officer", "operator"} {
			if _, err := a.ClientIn(dir, role, "dev"); err != nil {
				b.Fatal(err)
			}
		}
	}
}
