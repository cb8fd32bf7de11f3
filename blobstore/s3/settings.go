package s3

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// Settings say where the store is and who we are there.
type Settings struct {
	// Endpoint is the server's URL without a path, "https://host:port". Plain
	// HTTP is accepted for loopback addresses and "localhost" only. Needed.
	Endpoint string
	// Region is the one in which the bucket lies; "us-east-1" where empty,
	// which is MinIO's default.
	Region string
	// Bucket holds the objects; nothing else should be in it. Needed.
	Bucket string
	// AccessKeyFile and SecretKeyFile name files that hold the two credentials;
	// white space around them is ignored. They are read once, by [Open]. Needed.
	AccessKeyFile, SecretKeyFile string
	// CAFile names a PEM file with the certificate authorities that may vouch
	// for the server. If empty, those of the system may.
	CAFile string
	// Connections is how many idle connections are kept for the next requests;
	// 160 where zero. It should be the sum of the store's limits for reads,
	// writes and streams, so that a burst leaves none to be opened anew.
	Connections int
}

const (
	defaultRegion      = "us-east-1"
	defaultConnections = 160
	maxKeyFile         = 4 << 10
)

// endpoint takes the URL apart into what the client library wants.
func (s Settings) endpoint() (host string, secure bool, err error) {
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, errors.New("endpoint is not of the form https://host:port")
	}
	switch {
	case u.Scheme == "https":
		return u.Host, true, nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return u.Host, false, nil
	case u.Scheme == "http":
		return "", false, errors.New("endpoint has plain HTTP to another machine; use https")
	default:
		return "", false, errors.New("endpoint is neither https nor http")
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// dialsLoopback is whether that address, which a dialler has resolved, is on
// this machine: "localhost" is only a name.
func dialsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && host != "localhost" && loopback(host)
}

// keys reads the credentials.
func (s Settings) keys() (access, secret string, err error) {
	if access, err = readKey("access key", s.AccessKeyFile); err != nil {
		return "", "", err
	}
	if secret, err = readKey("secret key", s.SecretKeyFile); err != nil {
		return "", "", err
	}
	return access, secret, nil
}

// readKey says in its errors which file it was, never what is in it.
func readKey(what, path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%s: no file is named", what)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	key := strings.TrimSpace(string(b))
	if key == "" || len(b) > maxKeyFile || strings.ContainsFunc(key, notInKey) {
		return "", fmt.Errorf("%s: file %s does not hold one key", what, path)
	}
	return key, nil
}

func notInKey(r rune) bool { return r <= ' ' || r > '~' }

// roots is the pool of CAFile, or nil for the system's.
func (s Settings) roots() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate authorities: file %s holds no PEM certificate", s.CAFile)
	}
	return pool, nil
}
