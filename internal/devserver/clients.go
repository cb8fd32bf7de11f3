package devserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/profile"
	"github.com/wertfach/wertfach/server/identity"
)

// clientName is the last part of the clients' names in their certificates.
const clientName = "dev"

// certificates are what the folder holds for both sides.
type certificates struct {
	server   config.TLS
	clients  map[string]profile.Profile // by role or person, without address
	profiles map[string]string          // by role or person, where the profiles are written
}

// Roles are the roles of clients, as certificates and profiles name them:
// "portal", "core-banking".
func Roles() []string {
	var roles []string
	for _, role := range identity.Roles() {
		roles = append(roles, identity.RoleName(role))
	}
	return roles
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
		machine := profile.Profile{CAFile: ca, CertFile: pair.CertFile, KeyFile: pair.KeyFile}
		c.add(clients, role, machine)
		for _, person := range slices.Backward(People(role)) { // the role's profile is that of the first
			machine.TokenFile = devissuer.TokenFile(clients, person)
			c.add(clients, person, machine)
			c.add(clients, role, machine)
		}
	}
	return c, nil
}

func (c *certificates) add(dir, name string, p profile.Profile) {
	c.clients[name] = p
	c.profiles[name] = filepath.Join(dir, name+".yaml")
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

// Profile is the client profile of a role, one of [Roles], or of one of its
// [People]: a file.
func (d *Dev) Profile(name string) string { return d.certificates.profiles[name] }

// Client is a client of that role or person. The caller closes it.
func (d *Dev) Client(name string) (*client.Client, error) {
	p, err := profile.Read(d.Profile(name))
	if err != nil {
		return nil, fmt.Errorf("profile of the client: %w", err)
	}
	return client.Open(client.Config{
		Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile, TokenFile: p.TokenFile,
	})
}

// ClientTLS is what a client of that role or person connects with. A person's
// token is not in it; see [Dev.DialOptions].
func (d *Dev) ClientTLS(name string) (*tls.Config, error) {
	p, err := profile.Read(d.Profile(name))
	if err != nil {
		return nil, fmt.Errorf("profile of the client: %w", err)
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

// DialOptions are for a connection of that role or person without the Go client:
// certificate and token.
func (d *Dev) DialOptions(name string) ([]grpc.DialOption, error) {
	secure, err := d.ClientTLS(name)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(secure))}
	if file := d.certificates.clients[name].TokenFile; file != "" {
		options = append(options, grpc.WithPerRPCCredentials(client.FromTokenFile(file)))
	}
	return options, nil
}
