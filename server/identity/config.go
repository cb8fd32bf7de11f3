package identity

import (
	"log/slog"
	"time"
)

// Config says who there is. Names in it are those of the configuration file.
type Config struct {
	// Machines are the callers that have a certificate; others are refused.
	Machines []Machine
	// Issuers are whose tokens people may show; none means that no person calls.
	Issuers []Issuer
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Timeout bounds how long an issuer is waited for; 5 seconds where zero.
	Timeout time.Duration
	// Log takes what is wrong with an issuer; discarded where nil.
	Log *slog.Logger
}

// Machine is a caller with a certificate, or several alike.
type Machine struct {
	// URI is the one in the certificate, a SPIFFE ID:
	// spiffe://bank.example/portal/eu-1. With /* at its end it is every URI with
	// one further segment there; an entry with the exact URI takes precedence over
	// it, wholly.
	URI string
	// Roles are what the machine may be, at least one: "portal",
	// "privacy-officer". Those of people count only while it acts for one.
	Roles []string
	// Institutes are the ids of those that it may act for, at least one; "*" alone
	// is every institute.
	Institutes []string
}

// Issuer is an OpenID Connect issuer whose tokens people may show.
type Issuer struct {
	// URL is the issuer as its tokens name it in `iss`, https://login.bank.example.
	// Plain http is taken for loopback addresses only.
	URL string
	// Audience is what `aud` of its tokens must hold: wertfach's name there.
	Audience string
	// CAFile holds the authorities, PEM, that the issuer's certificate may come
	// from; those of the system where empty. It is read each time that keys are
	// fetched.
	CAFile string
	// JWKSURL is where its keys are, in place of what its discovery says.
	JWKSURL string
	// Algorithms are those that its tokens may be signed with; RS256, ES256, PS256
	// and EdDSA where empty. None of them works with a shared secret.
	Algorithms []string
	// GroupsClaim is the claim that holds a person's groups, a list or a single
	// one; "groups" where empty.
	GroupsClaim string
	// MaxAge is how long a token is taken after it was issued, whatever it says
	// itself; 12 hours where zero.
	MaxAge time.Duration
	// Groups are what people may do, at least one group.
	Groups []Group
}

// Group is what the people in a group may do.
type Group struct {
	// Group is its name in the token, exactly.
	Group string
	// Roles are what its people may be, at least one.
	Roles []string
	// Institutes are the ids of those that they may act for, at least one; "*"
	// alone is every institute.
	Institutes []string
}

// DefaultGroupsClaim is the claim that holds a person's groups.
const DefaultGroupsClaim = "groups"

// DefaultMaxAge is how long a token is taken after it was issued: a shift.
const DefaultMaxAge = 12 * time.Hour

// DefaultAlgorithms are those that tokens may be signed with.
func DefaultAlgorithms() []string { return []string{"RS256", "ES256", "PS256", "EdDSA"} }
