package identity_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

func TestMachines(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := registry(t, identity.Config{Now: c.Now, Machines: []identity.Machine{
		{URI: "spiffe://bank.example/portal/*", Roles: []string{"portal"}, Institutes: []string{"musterbank"}},
		{URI: "spiffe://bank.example/portal/test", Roles: []string{"loss-partner"}, Institutes: []string{"*"}},
		{URI: console, Roles: []string{"hotline", "operator"}, Institutes: []string{"*"}},
	}})
	for uri, want := range map[string][]wertfachv1.Role{
		"spiffe://bank.example/portal/eu-1":                         {rolePortal},
		"spiffe://bank.example/portal/test":                         {wertfachv1.Role_ROLE_LOSS_PARTNER}, // the exact entry alone
		console:                                                     {wertfachv1.Role_ROLE_OPERATOR},     // without what is for people
		"spiffe://bank.example/portal":                              nil,
		"spiffe://bank.example/portal/":                             nil,
		"spiffe://bank.example/portal/eu/1":                         nil,
		"spiffe://bank.example/portal/*":                            nil,
		"spiffe://bank.example/portal/..":                           nil,
		"spiffe://bank.example/portal/%65u-1":                       nil,
		"spiffe://bank.example/portal/eu-1?a":                       nil,
		"spiffe://bank.example/portal/eu-1#a":                       nil,
		"spiffe://bank.example:443/portal/a":                        nil,
		"spiffe://a@bank.example/portal/a":                          nil,
		"spiffe://bank.example//portal/a":                           nil,
		"spiffe://other.example/portal/eu-1":                        nil,
		"SPIFFE://bank.example/Portal/eu-1":                         nil,
		"https://bank.example/portal/eu-1":                          nil,
		"spiffe://bank.example/console/main/x":                      nil,
		"spiffe://bank.example/portal/" + strings.Repeat("x", 2048): nil,
	} {
		cert := leaf(t, c.Now(), uri)
		p, err := r.Identify(t.Context(), cert, "")
		if want == nil {
			refused(t, uri, err, fault.Unauthenticated, identity.ReasonCertificate)
			if len(p.Grants) > 0 {
				t.Errorf("%s: is granted %v", uri, p.Grants)
			}
			continue
		}
		if err != nil || p.ID != uri || p.Person() || !p.Expires.Equal(cert.NotAfter) {
			t.Errorf("%s: got %+v, %v", uri, p, err)
		}
		var roles []wertfachv1.Role
		for _, g := range p.Grants {
			roles = append(roles, g.Role)
		}
		if !slices.Equal(roles, want) {
			t.Errorf("%s: may be %v, want %v", uri, roles, want)
		}
	}
}

// TestScopes: a machine is what it is at its own institutes only.
func TestScopes(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := registry(t, newLogin(t).config(c))
	p, err := r.Identify(t.Context(), leaf(t, c.Now(), portal), "")
	ok(t, err)
	for institute, want := range map[string]bool{"musterbank": true, "kartenbank": true, "otherbank": false, "": false, "*": false} {
		if has(p, rolePortal, institute) != want {
			t.Errorf("%q: %t", institute, !want)
		}
	}
}

// TestOneURI: a certificate that names two machines, or none, is of nobody.
func TestOneURI(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := registry(t, newLogin(t).config(c))
	for name, cert := range map[string]*x509.Certificate{
		"none":      leaf(t, c.Now()),
		"two":       leaf(t, c.Now(), portal, console),
		"the same":  leaf(t, c.Now(), portal, portal),
		"and https": leaf(t, c.Now(), portal, "https://bank.example"),
		"nothing":   nil,
	} {
		p, err := r.Identify(t.Context(), cert, "")
		refused(t, name, err, fault.Unauthenticated, identity.ReasonCertificate)
		if p.ID != "" {
			t.Errorf("%s: is known as somebody", name)
		}
	}
}

func TestCertificateEnds(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := registry(t, newLogin(t).config(c))
	cert := leaf(t, c.Now(), portal)
	_, err := r.Identify(t.Context(), cert, "")
	ok(t, err)
	c.pass(24*time.Hour + time.Second)
	p, err := r.Identify(t.Context(), cert, "")
	refused(t, "after its end", err, fault.Unauthenticated, identity.ReasonCertificateExpired)
	if p.ID != portal || len(p.Grants) > 0 {
		t.Errorf("got %+v, want the machine, for the record, without grants", p)
	}
	c.pass(-26 * time.Hour)
	_, err = r.Identify(t.Context(), cert, "")
	refused(t, "before its time", err, fault.Unauthenticated, identity.ReasonCertificateExpired)
}

// TestUpdate: who is taken out is refused from the next call on, and a
// configuration that is wrong changes nothing.
func TestUpdate(t *testing.T) {
	t.Parallel()
	c := newClock()
	cfg := newLogin(t).config(c)
	r := registry(t, cfg)
	cert := leaf(t, c.Now(), portal)
	spoilt := cfg
	spoilt.Machines = []identity.Machine{{URI: portal, Roles: []string{"portal"}}}
	if err := r.Update(spoilt); err == nil || !strings.Contains(err.Error(), "callers[0].institutes must list at least one") {
		t.Errorf("no institutes: %v", err)
	}
	_, err := r.Identify(t.Context(), cert, "")
	ok(t, err)
	cfg.Machines = cfg.Machines[1:]
	ok(t, r.Update(cfg))
	_, err = r.Identify(t.Context(), cert, "")
	refused(t, "taken out", err, fault.Unauthenticated, identity.ReasonCertificate)
}

// TestRoles: names go both ways, and the schema says which roles are of people.
func TestRoles(t *testing.T) {
	t.Parallel()
	var people []string
	for _, role := range identity.Roles() {
		name := identity.RoleName(role)
		if back, known := identity.ParseRole(name); !known || back != role {
			t.Errorf("%s does not come back", name)
		}
		if identity.OfPeople(role) {
			people = append(people, name)
		}
	}
	if want := []string{"hotline", "privacy-officer"}; !slices.Equal(people, want) {
		t.Errorf("of people: %v, want %v", people, want)
	}
	for _, name := range []string{"", "unspecified", "PORTAL", "ROLE_PORTAL", "core_banking"} {
		if role, known := identity.ParseRole(name); known {
			t.Errorf("%q is taken for %v", name, role)
		}
	}
	if identity.OfPeople(wertfachv1.Role(99)) {
		t.Error("a role that there is not is of people")
	}
}
