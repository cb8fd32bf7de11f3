package identity_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

// TestPeople: a person may do what the groups and the machine both may.
func TestPeople(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	r := registry(t, l.config(c))
	cert := leaf(t, c.Now(), console)
	type at struct {
		role      wertfachv1.Role
		institute string
	}
	for name, test := range map[string]struct {
		groups any
		want   []at
	}{
		"one group":          {[]string{"hotline"}, []at{{roleHotline, "musterbank"}}},
		"a single one":       {"hotline", []at{{roleHotline, "musterbank"}}},
		"two":                {[]string{"hotline", "officers"}, []at{{roleHotline, "musterbank"}, {roleOfficer, "musterbank"}}},
		"unknown beside":     {[]string{"staff", "officers"}, []at{{roleOfficer, "musterbank"}}},
		"not the machine's":  {[]string{"hotline-two"}, nil}, // of kartenbank, and the console is not
		"together":           {[]string{"hotline-two", "hotline"}, []at{{roleHotline, "musterbank"}}},
		"the other way":      {[]string{"hotline", "hotline-two"}, []at{{roleHotline, "musterbank"}}},
		"a role of neither":  {[]string{"operators"}, nil}, // which the console has not
		"unknown":            {[]string{"Hotline", "portal", "*"}, nil},
		"none":               {[]string{}, nil},
		"no claim":           {nil, nil},
		"several of a group": {[]string{"hotline", "hotline"}, []at{{roleHotline, "musterbank"}}},
	} {
		p, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "one", l.claims(c.Now(), map[string]any{"groups": test.groups})))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.ID != l.url+"#agent-7" || p.Machine != console || !p.Person() {
			t.Errorf("%s: got %+v", name, p)
		}
		granted := 0
		for _, role := range identity.Roles() {
			for _, institute := range []string{"musterbank", "kartenbank", "otherbank"} {
				if has(p, role, institute) {
					granted++
				}
			}
		}
		for _, want := range test.want {
			if !has(p, want.role, want.institute) {
				t.Errorf("%s: lacks %v at %s", name, want.role, want.institute)
			}
		}
		if len(test.want) == 0 && len(p.Grants) > 0 {
			t.Errorf("%s: is granted %v", name, p.Grants)
		}
		if granted != len(test.want) {
			t.Errorf("%s: has %d roles at institutes, want %d", name, granted, len(test.want))
		}
	}
}

// TestMachineWithoutPeople: a token counts only by way of a machine that may act
// for people.
func TestMachineWithoutPeople(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	r := registry(t, l.config(c))
	good := signed(t, key, jose.ES256, "one", l.claims(c.Now(), nil))
	_, err := r.Identify(t.Context(), leaf(t, c.Now(), portal), good)
	refused(t, "a portal", err, fault.Unauthenticated, identity.ReasonTokenRefused)
	_, err = r.Identify(t.Context(), leaf(t, c.Now(), "spiffe://bank.example/nobody/x"), good)
	refused(t, "a stranger", err, fault.Unauthenticated, identity.ReasonCertificate)
	if l.fetches() != 0 {
		t.Error("the issuer was asked for a machine that may not act for people")
	}
	p, err := r.Identify(t.Context(), leaf(t, c.Now(), console), "")
	if err != nil || p.Person() || has(p, roleHotline, "musterbank") || !has(p, rolePortal, "musterbank") {
		t.Errorf("the console alone: %+v, %v", p, err)
	}
}

// TestExpires: a person is known no longer than token, age and certificate allow.
func TestExpires(t *testing.T) {
	t.Parallel()
	c, l, key := newClock(), newLogin(t), newKey(t)
	l.publish("one", key.Public(), jose.ES256)
	cfg := l.config(c)
	cfg.Issuers[0].MaxAge = 3 * time.Hour
	r := registry(t, cfg)
	now := c.Now()
	for name, test := range map[string]struct {
		ends, certificate, want time.Duration
	}{
		"token":       {2 * time.Hour, 24 * time.Hour, 2 * time.Hour},
		"age":         {1000 * time.Hour, 24 * time.Hour, 3 * time.Hour},
		"certificate": {2 * time.Hour, time.Hour, time.Hour},
	} {
		cert := leaf(t, now, console)
		cert.NotAfter = now.Add(test.certificate)
		p, err := r.Identify(t.Context(), cert, signed(t, key, jose.ES256, "one", l.claims(now, map[string]any{"exp": now.Add(test.ends).Unix()})))
		if err != nil || !p.Expires.Equal(now.Add(test.want)) {
			t.Errorf("%s: until %v, %v; want %v", name, p.Expires.Sub(now), err, test.want)
		}
	}
}
