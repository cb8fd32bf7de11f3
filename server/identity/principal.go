package identity

import (
	"maps"
	"time"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Principal is who calls, as it was proved.
type Principal struct {
	// ID is the machine's URI, such as spiffe://bank.example/portal/eu-1, or for
	// a person the issuer and the subject there, "https://issuer.example#8f3a".
	ID string
	// Machine is the URI of the machine that acts for a person; empty where the
	// principal is a machine.
	Machine string
	// Grants are what the principal may be. For a person they are what the
	// person and the machine both may.
	Grants []Grant
	// Expires is when the proof ends: of the certificate, or of the token where
	// that is sooner.
	Expires time.Time
}

// Person says whether a person calls, by way of a machine.
func (p Principal) Person() bool { return p.Machine != "" }

// Grant is a role at some institutes.
type Grant struct {
	Role       wertfachv1.Role
	Institutes Scope
}

// Scope is a set of institutes. The zero value is none of them.
type Scope struct {
	all bool
	ids map[string]bool
}

// AllInstitutes is every institute that is served.
func AllInstitutes() Scope { return Scope{all: true} }

// Institutes is the scope of these institutes, by their ids.
func Institutes(ids ...string) Scope {
	s := Scope{ids: map[string]bool{}}
	for _, id := range ids {
		s.ids[id] = true
	}
	return s
}

// Has says whether the institute is in the scope.
func (s Scope) Has(institute string) bool { return s.all || s.ids[institute] }

// Both is what is in the scope and in another one.
func (s Scope) Both(other Scope) Scope {
	if s.all {
		return other
	}
	if other.all {
		return s
	}
	both := Scope{ids: map[string]bool{}}
	for id := range s.ids {
		if other.ids[id] {
			both.ids[id] = true
		}
	}
	return both
}

// Either is what is in the scope or in another one.
func (s Scope) Either(other Scope) Scope {
	if s.all || other.all {
		return AllInstitutes()
	}
	either := Scope{ids: map[string]bool{}}
	maps.Copy(either.ids, s.ids)
	maps.Copy(either.ids, other.ids)
	return either
}

// Empty says whether no institute is in the scope.
func (s Scope) Empty() bool { return !s.all && len(s.ids) == 0 }
