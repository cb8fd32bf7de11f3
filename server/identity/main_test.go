package identity_test

import (
	"crypto/x509"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	portal  = "spiffe://bank.example/portal/eu-1"
	console = "spiffe://bank.example/console/main"

	roleHotline = wertfachv1.Role_ROLE_HOTLINE
	rolePortal  = wertfachv1.Role_ROLE_PORTAL
	roleOfficer = wertfachv1.Role_ROLE_PRIVACY_OFFICER
)

// clock is one that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// leaf is a client's certificate as TLS hands it over, verified.
func leaf(t testing.TB, now time.Time, uris ...string) *x509.Certificate {
	t.Helper()
	cert := &x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		cert.URIs = append(cert.URIs, u)
	}
	return cert
}

func registry(t testing.TB, cfg identity.Config) *identity.Registry {
	t.Helper()
	r, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// refused wants an error of the kind and reason.
func refused(t testing.TB, name string, err error, kind fault.Kind, reason string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || fault.ReasonOf(err) != reason {
		t.Errorf("%s: got %v (%s), want %s", name, err, fault.ReasonOf(err), reason)
	}
}

// has says whether the role at the institute is among what is granted.
func has(p identity.Principal, role wertfachv1.Role, institute string) bool {
	for _, g := range p.Grants {
		if g.Role == role && g.Institutes.Has(institute) {
			return true
		}
	}
	return false
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
