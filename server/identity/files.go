package identity

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files are the server's own side of TLS: who it is, and whose certificates it
// takes. They may be renewed while it runs.
type Files struct {
	// Cert is the server's certificate with its chain, Key its private key, both
	// PEM.
	Cert, Key string
	// ClientCA holds the authorities, PEM, that clients' certificates may come
	// from.
	ClientCA string
	// Every is how often the files are looked at, at most; 2 seconds where zero.
	Every time.Duration
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Log takes that files were renewed, or can't be used; discarded where nil.
	Log *slog.Logger
}

// lookEvery is how often the files are looked at.
const lookEvery = 2 * time.Second

// Config is a TLS configuration that demands TLS 1.3 and a certificate of the
// clients' authorities, and that takes renewed files by itself: at each
// handshake it looks whether they changed. What can't be used, such as a
// certificate whose key is still to be written, leaves the old ones in force and
// is logged once. The error names the key of the configuration that is wrong.
//
// Connections that exist are not touched; [Registry.Identify] refuses calls on
// them once the client's certificate has ended. There are no session tickets: a
// connection that is resumed would not be checked against the authorities of
// now.
func (f Files) Config() (*tls.Config, error) {
	f.Every = cmp.Or(f.Every, lookEvery)
	if f.Now == nil {
		f.Now = time.Now
	}
	f.Log = cmp.Or(f.Log, slog.New(slog.DiscardHandler))
	first, hash, err := f.load()
	if err != nil {
		return nil, err
	}
	r := &renewal{files: f, config: first, loaded: hash, seen: hash, looked: f.Now()}
	outer := first.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.current(), nil }
	return outer, nil
}

// renewal is the configuration in force.
type renewal struct {
	files Files

	mu           sync.Mutex
	config       *tls.Config
	loaded, seen [sha256.Size]byte // of the files in force, and of those last looked at
	looked       time.Time
}

// current is the configuration for a handshake.
func (r *renewal) current() *tls.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.files.Now()
	if since := now.Sub(r.looked); since >= 0 && since < r.files.Every {
		return r.config
	}
	r.looked = now
	config, hash, err := r.files.load()
	switch {
	case err != nil:
		if hash != r.seen {
			r.files.Log.Warn("renewed TLS files can't be used; the old ones stay in force", "cause", err)
		}
	case hash != r.loaded:
		r.config, r.loaded = config, hash
		r.files.Log.Info("renewed TLS files are in force", "until", config.Certificates[0].Leaf.NotAfter)
	}
	r.seen = hash
	return r.config
}

// load reads the files. The hash tells their content from another, also where it
// can't be used; it is zero where a file can't be read.
func (f Files) load() (*tls.Config, [sha256.Size]byte, error) {
	var none [sha256.Size]byte
	var texts [3][]byte
	h := sha256.New()
	for i, file := range []struct{ key, path string }{
		{"tls.cert_file", f.Cert}, {"tls.key_file", f.Key}, {"tls.client_ca_file", f.ClientCA},
	} {
		text, err := os.ReadFile(file.path)
		if err != nil {
			return nil, none, fmt.Errorf("%s: %w", file.key, err)
		}
		sum := sha256.Sum256(text)
		h.Write(sum[:])
		texts[i] = text
	}
	hash := [sha256.Size]byte(h.Sum(nil))
	own, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, hash, fmt.Errorf("tls.cert_file and tls.key_file: %w", err)
	}
	if now := f.Now(); now.Before(own.Leaf.NotBefore) || now.After(own.Leaf.NotAfter) {
		return nil, hash, errors.New("tls.cert_file: the certificate is not valid at this time")
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(texts[2]) {
		return nil, hash, errors.New("tls.client_ca_file: no certificate in it")
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		Certificates:           []tls.Certificate{own},
		ClientCAs:              clients,
		NextProtos:             []string{"h2"},
		SessionTicketsDisabled: true,
		Time:                   f.Now,
	}, hash, nil
}
