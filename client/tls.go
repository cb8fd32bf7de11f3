package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// secure is the TLS configuration that a Config asks for.
func (cfg Config) secure() (*tls.Config, error) {
	if cfg.TLS != nil {
		if cfg.CAFile != "" || cfg.CertFile != "" || cfg.KeyFile != "" {
			return nil, errors.New("client: TLS and the files for it exclude each other")
		}
		secure := cfg.TLS.Clone()
		secure.MinVersion = tls.VersionTLS13
		return secure, nil
	}
	if cfg.CertFile == "" || cfg.KeyFile == "" {
		return nil, errors.New("client: a certificate and its key are needed")
	}
	if _, err := cfg.certificate(nil); err != nil {
		return nil, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS13, GetClientCertificate: cfg.certificate}
	if cfg.CAFile != "" {
		text, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("client: certificate authority: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("client: %s holds no certificate in PEM", cfg.CAFile)
		}
	}
	return secure, nil
}

// certificate reads the client's certificate and key.
func (cfg Config) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("client: certificate and key: %w", err)
	}
	return &cert, nil
}
