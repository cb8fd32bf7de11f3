package transit

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Config says which Vault to use and who we are there.
type Config struct {
	// Address is Vault's URL, "https://vault.example:8200". Plain http is
	// accepted for a loopback address only: tokens and data keys travel on it.
	Address string
	// Namespace is the Vault Enterprise namespace; empty for none.
	Namespace string
	// Mount is the path of the transit engine; "transit" if empty.
	Mount string

	// CAFile is a PEM file with the authorities that Vault's certificate may
	// come from; empty for the system's.
	CAFile string
	// CertFile and KeyFile are our own certificate and its key, PEM, where
	// Vault's listener asks for one. They are read again for each connection,
	// so that a renewed certificate is taken up without a restart.
	CertFile, KeyFile string
	// ServerName is the name in Vault's certificate, where it is not the one in
	// Address.
	ServerName string

	// Login is how we prove who we are.
	Login Login

	// Timeout bounds each call to Vault whose context has no earlier deadline;
	// 10 seconds if zero.
	Timeout time.Duration
	// Connections is how many idle connections to Vault are kept; 128 if zero.
	// It should not be less than the number of requests served at once.
	Connections int
	// CacheSize is how many keys Prepare lets Vault hold in memory; 16,384 if
	// zero. Vault's own default is no limit at all, which with a key per
	// customer ends when the memory does.
	CacheSize int

	// Log is told of logins and of renewals that fail; nil for nobody.
	Log *slog.Logger
}

// Login is exactly one way to log in.
type Login struct {
	// RoleIDFile and SecretIDFile are the files of an AppRole, the way for
	// servers. They are read at each login.
	RoleIDFile, SecretIDFile string
	// AppRoleMount is where the AppRole method is mounted; "approle" if empty.
	AppRoleMount string

	// TokenFile holds a token, as Vault Agent writes it. It is read again when
	// the token nears its end or is refused.
	TokenFile string

	// Token is the token itself, for tests and for an operator's one command.
	Token string
}

const (
	defaultMount       = "transit"
	defaultAppRole     = "approle"
	defaultTimeout     = 10 * time.Second
	defaultConnections = 128
	defaultCacheSize   = 16384
)

var mountPath = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$`)

// complete checks the configuration and fills in what was left empty.
func (c Config) complete() (Config, *url.URL, error) {
	u, err := url.Parse(c.Address)
	if err != nil {
		return c, nil, errors.New("transit: address: not a URL") // its text would repeat the input
	}
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return c, nil, errors.New("transit: address: want https://host:port")
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme == "http":
		return c, nil, errors.New("transit: address: plain http is for loopback only, use https")
	default:
		return c, nil, errors.New("transit: address: want https://host:port")
	}
	c.Mount = orDefault(strings.Trim(c.Mount, "/"), defaultMount)
	c.Login.AppRoleMount = orDefault(strings.Trim(c.Login.AppRoleMount, "/"), defaultAppRole)
	c.Timeout = orDefault(c.Timeout, defaultTimeout)
	c.Connections = orDefault(c.Connections, defaultConnections)
	c.CacheSize = orDefault(c.CacheSize, defaultCacheSize)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for field, path := range map[string]string{"mount": c.Mount, "AppRole mount": c.Login.AppRoleMount} {
		if !mountPath.MatchString(path) {
			return c, nil, fmt.Errorf("transit: %s: want a path of lower-case letters, digits, - and _", field)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return c, nil, errors.New("transit: a certificate and its key are given together")
	}
	if c.Timeout < 0 || c.Connections < 0 || c.CacheSize < 0 {
		return c, nil, errors.New("transit: timeout, connections and cache size are not negative")
	}
	return c, u, c.Login.check()
}

func (l Login) check() error {
	ways := 0
	for _, given := range []bool{l.RoleIDFile != "" || l.SecretIDFile != "", l.TokenFile != "", l.Token != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("transit: login: want exactly one of AppRole files, token file and token")
	}
	if (l.RoleIDFile == "") != (l.SecretIDFile == "") {
		return errors.New("transit: login: an AppRole needs a role id file and a secret id file")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
