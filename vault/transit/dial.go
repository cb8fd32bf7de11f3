package transit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// newTransport makes the pool of connections to Vault. They speak HTTP/1.1, a
// connection per call in flight: calls are small and many, which multiplexing
// makes no cheaper, and one stalled connection then stalls one call. The
// environment's proxies are not for keys.
func newTransport(c Config) (*http.Transport, error) {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: c.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: c.Timeout,
		MaxIdleConns:        c.Connections,
		MaxIdleConnsPerHost: c.Connections,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true, // answers are short, and hold keys
		Protocols:           new(http.Protocols),
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			ServerName:         c.ServerName,
			ClientSessionCache: tls.NewLRUClientSessionCache(c.Connections),
		},
	}
	t.Protocols.SetHTTP1(true)
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("transit: CA file: %w", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("transit: CA file: no certificate in it")
		}
	}
	if c.CertFile != "" {
		own := func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("transit: own certificate: %w", err)
			}
			return &cert, nil
		}
		if _, err := own(); err != nil { // a mistake shows at start
			return nil, err
		}
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return own()
		}
	}
	return t, nil
}
