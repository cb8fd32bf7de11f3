package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/server/identity"
)

// Caller is a machine that may call, or several alike.
type Caller struct {
	// URI is the one URI in its certificate, spiffe://TRUST-DOMAIN/role/name. With
	// /* at its end it is every URI with one further segment there; an entry with
	// the exact URI takes precedence over it, wholly. Needed.
	URI string `yaml:"uri"`
	// Roles are what it may be, at least one of portal, core-banking, hotline,
	// loss-partner, fulfilment, privacy-officer and operator. Those of people,
	// hotline and privacy-officer, count only while it acts for a person who has
	// the role too.
	Roles []string `yaml:"roles"`
	// Institutes are those that it may act for, by their ids, at least one; "*"
	// alone is all that are served.
	Institutes []string `yaml:"institutes"`
}

// Issuer is an OpenID Connect issuer: people show its tokens.
type Issuer struct {
	// URL is the issuer as its tokens name it in `iss`, https://host/path. Plain
	// http is taken for loopback addresses only. Needed.
	URL string `yaml:"url"`
	// Audience is what `aud` in its tokens must hold. Needed.
	Audience string `yaml:"audience"`
	// CAFile holds the authorities, PEM, that the issuer's certificate may come
	// from; those of the system where empty.
	CAFile string `yaml:"ca_file"`
	// JWKSURL is where the issuer's keys are; where empty, its discovery tells
	// (/.well-known/openid-configuration).
	JWKSURL string `yaml:"jwks_url"`
	// Algorithms are those that its tokens may be signed with; RS256, ES256, PS256
	// and EdDSA where empty.
	Algorithms []string `yaml:"algorithms"`
	// GroupsClaim is the claim that holds a person's groups; "groups" where empty.
	GroupsClaim string `yaml:"groups_claim"`
	// MaxAge is how long a token is taken after it was issued, however long it
	// lasts itself; 12h where empty.
	MaxAge time.Duration `yaml:"max_age"`
	// Groups are what its people may do, at least one group. Who is in none of
	// them may do nothing.
	Groups []Group `yaml:"groups"`
}

// Group is what the people in a group may do.
type Group struct {
	// Group is its name in the token, exactly. Needed.
	Group string `yaml:"group"`
	// Roles are as those of a caller. A person may do what both may: the group,
	// and the machine that the person comes by.
	Roles []string `yaml:"roles"`
	// Institutes are as those of a caller.
	Institutes []string `yaml:"institutes"`
}

// Identity is who may call, for identity.New and for Update of its registry.
func (c *Config) Identity() identity.Config {
	var who identity.Config
	for _, m := range c.Callers {
		who.Machines = append(who.Machines, identity.Machine(m))
	}
	for _, i := range c.Issuers {
		issuer := identity.Issuer{
			URL: i.URL, Audience: i.Audience, CAFile: i.CAFile, JWKSURL: i.JWKSURL,
			Algorithms: i.Algorithms, GroupsClaim: i.GroupsClaim, MaxAge: i.MaxAge,
		}
		for _, g := range i.Groups {
			issuer.Groups = append(issuer.Groups, identity.Group(g))
		}
		who.Issuers = append(who.Issuers, issuer)
	}
	return who
}

// needIssuer says whether a caller may act for people while nobody vouches for
// any.
func (c *Config) needIssuer() bool {
	return len(c.Issuers) == 0 && slices.ContainsFunc(c.Callers, func(caller Caller) bool {
		return slices.ContainsFunc(caller.Roles, func(name string) bool {
			role, _ := identity.ParseRole(name)
			return identity.OfPeople(role)
		})
	})
}

// callers checks who may call. What identity says of it is said here by the same
// keys; whether an institute is served is known only here.
func (r *rules) callers(c *Config) {
	r.must(len(c.Callers) > 0, "callers", "must list at least one; nobody could call")
	for _, p := range c.Identity().Problems() {
		r.add(p.Key, p.Rule)
	}
	var served []string
	for _, institute := range c.Institutes {
		served = append(served, institute.ID)
	}
	check := func(key string, institutes []string) {
		for i, id := range institutes {
			// What can't be an id was refused already.
			if resource.CheckID("", id) == nil && !slices.Contains(served, id) {
				r.add(fmt.Sprintf("%s.institutes[%d]", key, i), "must be one of those under institutes")
			}
		}
	}
	for i, caller := range c.Callers {
		check(fmt.Sprintf("callers[%d]", i), caller.Institutes)
	}
	for i, issuer := range c.Issuers {
		for j, g := range issuer.Groups {
			check(fmt.Sprintf("issuers[%d].groups[%d]", i, j), g.Institutes)
		}
	}
}
