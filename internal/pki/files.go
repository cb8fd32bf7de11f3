package pki

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

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

// replace writes a file of mode 0600 as a whole. It is not synchronised to
// disk: what a power cut spoils is made anew.
func replace(path, kind string, der []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // with mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
