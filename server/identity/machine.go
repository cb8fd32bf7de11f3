package identity

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
)

// machine is what a caller with a certificate may be.
type machine struct {
	// all are its grants with those of people, own those that it has alone.
	all, own []Grant
	// people says whether it may act for a person.
	people bool
}

// machines are all of them, by their URIs. A pattern lies there by the part
// before its star, which ends in a slash and so is no URI.
type machines map[string]*machine

func newMachines(list []Machine) machines {
	all := machines{}
	for _, m := range list {
		made := &machine{all: grants(m.Roles, m.Institutes)}
		for _, g := range made.all {
			if OfPeople(g.Role) {
				made.people = true
			} else {
				made.own = append(made.own, g)
			}
		}
		all[strings.TrimSuffix(m.URI, "*")] = made
	}
	return all
}

// find is the machine of a URI, or nil: the exact one, or else the one of the
// pattern.
func (m machines) find(uri string) *machine {
	if exact := m[uri]; exact != nil {
		return exact
	}
	return m[uri[:strings.LastIndexByte(uri, '/')+1]]
}

// grants are the roles, whose names were checked, at the institutes.
func grants(roles, institutes []string) []Grant {
	scope := Institutes(institutes...)
	if len(institutes) == 1 && institutes[0] == everyInstitute {
		scope = AllInstitutes()
	}
	var all []Grant
	for _, name := range roles {
		if role, known := ParseRole(name); known {
			all = append(all, Grant{Role: role, Institutes: scope})
		}
	}
	return all
}

// uriOf is the URI of a certificate that TLS has verified, or "" where it is not
// of the form that a machine's has. More than one would leave open who it is.
func uriOf(leaf *x509.Certificate) string {
	if leaf == nil || len(leaf.URIs) != 1 {
		return ""
	}
	if uri := leaf.URIs[0].String(); isSPIFFE(uri) {
		return uri
	}
	return ""
}

// valid is whether a certificate is in force now. TLS looks at that only when a
// connection begins, and a connection may last for days.
func valid(leaf *x509.Certificate, now time.Time) error {
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fault.New(fault.Unauthenticated, ReasonCertificateExpired, "the client certificate is not valid at this time")
	}
	return nil
}
