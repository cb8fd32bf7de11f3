package pki

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"path/filepath"

	"github.com/wertfach/wertfach/internal/atomicfile"
)

// Pair names the files of a certificate and its private key, both PEM.
type Pair struct{ CertFile, KeyFile string }

// in is the pair of that name in a folder.
func in(dir, name string) Pair {
	return Pair{CertFile: filepath.Join(dir, name+".pem"), KeyFile: filepath.Join(dir, name+"-key.pem")}
}

var errNoKey = errors.New("not an ECDSA key")

// read gives a certificate and its key, which belong to each other.
func (p Pair) read() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errNoKey
	}
	return pair.Leaf, key, nil
}

// write replaces both files, the certificate last. Where it breaks off between
// the two, they do not belong to each other, and the next start makes new ones.
func (p Pair) write(der []byte, key *ecdsa.PrivateKey) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := replace(p.KeyFile, "PRIVATE KEY", raw); err != nil {
		return err
	}
	return replace(p.CertFile, "CERTIFICATE", der)
}

// replace writes a PEM file that only its owner can read.
func replace(path, kind string, der []byte) error {
	return atomicfile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
