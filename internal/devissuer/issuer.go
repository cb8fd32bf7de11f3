// Package devissuer is a small OpenID Connect issuer for `wertfach dev`: it says
// who the sample people are, as a bank's own issuer says of its staff.
//
//	issuer, err := devissuer.Start(dir)
//	…
//	err = issuer.Renew(folder, time.Now()) // writes PERSON.token for each of them
//
// A server takes its tokens as it takes those of any other issuer: it fetches
// the discovery document and the keys over HTTP, on loopback. Nobody logs in:
// whoever reads the folder is anybody in it, as with everything of `wertfach
// dev`.
//
// The key and the address are kept in the folder, so that a person is the same
// one after the next start: a principal is named by the issuer's URL and the
// person's name there. Only where another program has taken the port meanwhile
// does the URL change, and then people are new to the server.
//
// http.go has what is served, token.go the tokens. A log-in by browser (the
// authorization code flow) is two further handlers, /authorize and /token, their
// lines in the discovery document, and [Issuer.Token] for the answer.
package devissuer

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/wertfach/wertfach/internal/atomicfile"
)

// Audience is the service that the tokens are for.
const Audience = "wertfach"

// Lifetime is how long a token lasts.
const Lifetime = 12 * time.Hour

// Groups of the sample people.
const (
	// Hotline is the group of the agents.
	Hotline = "hotline"
	// Officers is the group of the privacy officers.
	Officers = "privacy-officers"
)

// Person is somebody who can be asked about.
type Person struct {
	// Name names the person in the issuer (`sub`), and the token's file.
	Name string
	// Groups are those that the person is in.
	Groups []string
}

// People are the sample people. Of each group there are two, as some things take
// two different ones.
func People() []Person {
	return []Person{
		{"agent-lena", []string{Hotline}}, {"agent-tom", []string{Hotline}},
		{"officer-ines", []string{Officers}}, {"officer-paul", []string{Officers}},
	}
}

const (
	keyFile     = "key.pem"
	addressFile = "address"
	// headerTime bounds how long a client may take to ask.
	headerTime = 5 * time.Second
)

// Issuer is a running issuer.
type Issuer struct {
	url    string
	key    *ecdsa.PrivateKey
	server *http.Server
	served chan error
}

// Start serves an issuer on loopback that keeps its key and its address in the
// folder, which it makes. Close it when done.
func Start(dir string) (*Issuer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	key, err := openKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("issuer: key: %w", err)
	}
	listener, err := listen(filepath.Join(dir, addressFile))
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	i := &Issuer{url: "http://" + listener.Addr().String(), key: key, served: make(chan error, 1)}
	i.server = &http.Server{Handler: i.handler(), ReadHeaderTimeout: headerTime}
	go func() { i.served <- i.server.Serve(listener) }()
	return i, nil
}

// listen takes the address of the last start, or a free one, and keeps it.
func listen(file string) (net.Listener, error) {
	const free = "127.0.0.1:0"
	var listening net.ListenConfig
	last := free
	if text, err := os.ReadFile(file); err == nil {
		if host, _, err := net.SplitHostPort(strings.TrimSpace(string(text))); err == nil && host == "127.0.0.1" {
			last = strings.TrimSpace(string(text))
		}
	}
	listener, err := listening.Listen(context.Background(), "tcp", last)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
		listener, err = listening.Listen(context.Background(), "tcp", free)
	}
	if err != nil {
		return nil, err
	}
	if now := listener.Addr().String(); now != last {
		if err := atomicfile.Write(file, []byte(now+"\n"), 0o600); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	return listener, nil
}

// URL is the issuer's name in its tokens, and where it is.
func (i *Issuer) URL() string { return i.url }

// Close stops serving.
func (i *Issuer) Close() error {
	err := i.server.Close()
	if served := <-i.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
