// Package pki makes the certificates that `wertfach dev` works with: an
// authority of its own for each data folder, a certificate for the server, and
// one for each role of client.
//
// Deployments bring certificates of their own. These serve one machine: the
// authority is constrained to loopback names and to the trust domain
// [TrustDomain], so that a program which is made to trust it can't be fooled
// about anything else.
//
// [Open] reads the authority of a folder or makes one; [Authority.Server] and
// [Authority.Client] give certificates, those of the last start as long as they
// are good, so that clients which hold one go on working.
//
// All keys are ECDSA on P-256, quick to make and small in a handshake. Files are
// readable by their owner only and replaced as a whole.
package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/wertfach/wertfach/internal/atomicfile"
)

// TrustDomain is the SPIFFE trust domain of development certificates. The name
// is of those that never resolve (RFC 2606).
const TrustDomain = "dev.wertfach.example"

const (
	authorityLife = 5 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	// renewBefore is how long a certificate must still be good to be used for
	// another start.
	renewBefore = 30 * 24 * time.Hour
	// skew is how far clocks in containers and virtual machines may be behind.
	skew = 5 * time.Minute
)

// Authority is the certificate authority of one folder. It is not for
// concurrent use, and one process at a time uses a folder.
type Authority struct {
	dir  string
	now  time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open reads the authority that lies in the folder, or makes folder and
// authority where there is none that can be used at the time now. All
// certificates that a replaced authority gave are replaced when they are next
// asked for.
func Open(dir string, now time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	a := &Authority{dir: dir, now: now}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("pki: authority: %w", err)
	}
	if a.cert == nil {
		if err := a.create(); err != nil {
			return nil, fmt.Errorf("pki: authority: %w", err)
		}
	}
	return a, nil
}

// CAFile is the authority's own certificate: what both sides trust.
func (a *Authority) CAFile() string { return in(a.dir, "ca").CertFile }

// CopyCA keeps a copy of the authority's certificate, without its key, in
// another folder, so that the folder can go elsewhere as a whole.
func (a *Authority) CopyCA(dir string) (file string, err error) {
	own, err := os.ReadFile(a.CAFile())
	if err != nil {
		return "", fmt.Errorf("pki: %w", err)
	}
	file = in(dir, "ca").CertFile
	if there, err := os.ReadFile(file); err == nil && bytes.Equal(there, own) {
		return file, nil
	}
	if err := atomicfile.Write(file, own, 0o600); err != nil {
		return "", fmt.Errorf("pki: %w", err)
	}
	return file, nil
}

// load takes the authority from its files if it is good for long enough. An
// error is only what stands in the way of making a new one.
func (a *Authority) load() error {
	cert, key, err := in(a.dir, "ca").read()
	if err != nil {
		return fileError(err)
	}
	if cert.IsCA && a.lasts(cert, leafLife) {
		a.cert, a.key = cert, key
	}
	return nil
}

// create makes a new authority. Its certificate goes to disk last: without it
// the key counts for nothing.
func (a *Authority) create() error {
	_, loopback4, _ := net.ParseCIDR("127.0.0.0/8")
	_, loopback6, _ := net.ParseCIDR("::1/128")
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "wertfach development authority"},
		NotBefore:             a.now.Add(-skew),
		NotAfter:              a.now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges:           []*net.IPNet{loopback4, loopback6},
		PermittedURIDomains:         []string{TrustDomain},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := in(a.dir, "ca").write(der, key); err != nil {
		return err
	}
	a.key = key
	a.cert, err = x509.ParseCertificate(der)
	return err
}

// lasts says whether a certificate is good now and for the given time.
func (a *Authority) lasts(cert *x509.Certificate, d time.Duration) bool {
	return !cert.NotBefore.After(a.now) && cert.NotAfter.After(a.now.Add(d))
}

// fileError keeps what the file system says, save that a file is missing. All
// else that can be wrong with a pair is cured by making a new one.
func fileError(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
