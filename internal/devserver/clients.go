package devserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/profile"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// clientName is the last part of the clients' names in their certificates.
const clientName = "dev"

// certificates are what the folder holds for both sides.
type certificates struct {
	server   config.TLS
	clients  map[string]profile.Profile // by role, without address
	profiles map[string]string          // by role, where the profiles are written
}

// Roles are the roles of clients, as certificates and profiles name them:
// "portal", "core-banking".
func Roles() []string {
	var roles []string
	for number := range len(wertfachv1.Role_name) {
		if role := wertfachv1.Role(number); role != wertfachv1.Role_ROLE_UNSPECIFIED {
			roles = append(roles, roleName(role))
		}
	}
	return roles
}

func roleName(role wertfachv1.Role) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")), "_", "-")
}

// prepare makes sure that there are certificates for a server that is reached
// by that host, and for its clients.
func prepare(dir, host string) (*certificates, error) {
	authority, err := pki.Open(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		return nil, err
	}
	server, err := authority.Server(hosts(host)...)
	if err != nil {
		return nil, err
	}
	c := &certificates{
		server:  config.TLS{CertFile: server.CertFile, KeyFile: server.KeyFile, ClientCAFile: authority.CAFile()},
		clients: map[string]profile.Profile{}, profiles: map[string]string{},
	}
	clients := filepath.Join(dir, "clients")
	if err := os.MkdirAll(clients, 0o700); err != nil {
		return nil, fmt.Errorf("client profiles: %w", err)
	}
	ca, err := authority.CopyCA(clients)
	if err != nil {
		return nil, err
	}
	for _, role := range Roles() {
		pair, err := authority.ClientIn(clients, role, clientName)
		if err != nil {
			return nil, err
		}
		c.clients[role] = profile.Profile{CAFile: ca, CertFile: pair.CertFile, KeyFile: pair.KeyFile}
		c.profiles[role] = filepath.Join(clients, role+".yaml")
	}
	return c, nil
}

// hosts are the names by which a server is called that listens on one of them.
func hosts(host string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if slices.Contains(names, host) {
		return names
	}
	return append(names, host)
}

// writeProfiles writes the profiles that are not as they should be.
func (c *certificates) writeProfiles(address string) error {
	for role, file := range c.profiles {
		want := c.clients[role]
		want.Address = address
		if have, err := profile.Read(file); err == nil && have == want {
			continue
		}
		if err := profile.Write(file, want); err != nil {
			return fmt.Errorf("client profiles: %w", err)
		}
	}
	return nil
}

// Profile is the client profile of a role, a file. The role is one of [Roles].
func (d *Dev) Profile(role string) string { return d.certificates.profiles[role] }

// Client is a client of that role, one of [Roles]. The caller closes it.
func (d *Dev) Client(role string) (*client.Client, error) {
	p, err := profile.Read(d.Profile(role))
	if err != nil {
		return nil, fmt.Errorf("profile of the role: %w", err)
	}
	return client.Open(client.Config{Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile})
}

// ClientTLS is what a client of that role, one of [Roles], connects with.
func (d *Dev) ClientTLS(role string) (*tls.Config, error) {
	p, err := profile.Read(d.Profile(role))
	if err != nil {
		return nil, fmt.Errorf("profile of the role: %w", err)
	}
	own, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the profile's ca_file holds no certificate")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: roots}, nil
}
