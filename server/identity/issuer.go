package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
)

const (
	// skew is how far an issuer's clock may be ahead of ours; that of the library
	// for `nbf` is the same.
	skew = 5 * time.Minute
	// maxSubject is how long a subject is at most, in bytes (OpenID Connect Core,
	// section 2).
	maxSubject = 255
)

// issuer checks the tokens of one issuer.
type issuer struct {
	url         string
	keys        *keys
	verifying   oidc.Config
	groupsClaim string
	maxAge      time.Duration
	groups      map[string][]Grant
	now         func() time.Time
}

func newIssuer(cfg Issuer, keys *keys, now func() time.Time) *issuer {
	algorithms := cfg.Algorithms
	if len(algorithms) == 0 {
		algorithms = DefaultAlgorithms()
	}
	i := &issuer{
		url: cfg.URL, keys: keys, now: now,
		verifying:   oidc.Config{ClientID: cfg.Audience, SupportedSigningAlgs: algorithms, Now: now},
		groupsClaim: cmp.Or(cfg.GroupsClaim, DefaultGroupsClaim),
		maxAge:      cmp.Or(cfg.MaxAge, DefaultMaxAge),
		groups:      map[string][]Grant{},
	}
	for _, g := range cfg.Groups {
		i.groups[g.Group] = grants(g.Roles, g.Institutes)
	}
	return i
}

// person is whom a token names, with what that person's groups grant.
func (w *who) person(ctx context.Context, text string) (Principal, error) {
	name, err := claimedIssuer(text)
	if err != nil {
		return Principal{}, err
	}
	issuer := w.issuers[name]
	if issuer == nil {
		return Principal{}, invalid("the token is of an issuer that is not known here")
	}
	return issuer.person(ctx, text)
}

// claimedIssuer is who a token says that it is of. Nothing is believed yet: it
// only chooses the keys to check it with.
func claimedIssuer(text string) (string, error) {
	var all []jose.SignatureAlgorithm
	for _, name := range signatures {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	parsed, err := jose.ParseSignedCompact(text, all)
	if err != nil {
		return "", invalid("the token is not a signed JSON Web Token")
	}
	var claims map[string]json.RawMessage
	var name string
	if json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), &claims) != nil || json.Unmarshal(claims["iss"], &name) != nil {
		return "", invalid("the token does not name its issuer")
	}
	return name, nil
}

func (i *issuer) person(ctx context.Context, text string) (Principal, error) {
	signature := &signature{keys: i.keys}
	checked, err := oidc.NewVerifier(i.url, signature, &i.verifying).Verify(ctx, text)
	var expired *oidc.TokenExpiredError
	switch {
	case signature.err != nil:
		return Principal{}, signature.err
	case errors.As(err, &expired):
		return Principal{}, over()
	case err != nil:
		return Principal{}, invalid("the token is not one of its issuer for this service, at this time")
	}
	var claims map[string]json.RawMessage
	if err := checked.Claims(&claims); err != nil {
		return Principal{}, invalid("the token's claims are not an object")
	}
	if ambiguous(claims) {
		return Principal{}, invalid("the token has a claim twice")
	}
	if !isSubject(checked.Subject) {
		return Principal{}, invalid("the token must name its subject: 1 to 255 printable ASCII characters")
	}
	groups, err := groupsIn(claims[i.groupsClaim])
	if err != nil {
		return Principal{}, err
	}
	until := checked.IssuedAt.Add(i.maxAge)
	switch now := i.now(); {
	case checked.IssuedAt.IsZero() || checked.IssuedAt.After(now.Add(skew)):
		return Principal{}, invalid("the token must say when it was issued, in the past")
	case now.After(until):
		return Principal{}, over()
	}
	if checked.Expiry.Before(until) {
		until = checked.Expiry
	}
	return Principal{ID: i.url + "#" + checked.Subject, Grants: i.granted(groups), Expires: until}, nil
}

// over refuses a token whose time is over.
func over() error {
	return fault.New(fault.Unauthenticated, ReasonTokenExpired, "the token is too old: log in again")
}

// granted is what the groups grant together, each role once.
func (i *issuer) granted(groups []string) []Grant {
	var all []Grant
	for _, name := range groups {
		for _, g := range i.groups[name] {
			at := slices.IndexFunc(all, func(have Grant) bool { return have.Role == g.Role })
			if at < 0 {
				all = append(all, g)
			} else {
				all[at].Institutes = all[at].Institutes.Either(g.Institutes)
			}
		}
	}
	return all
}

// ambiguous says whether a claim that decides something stands there in another
// spelling too: Go's decoder takes "Sub", and even "ſub", for "sub".
func ambiguous(claims map[string]json.RawMessage) bool {
	for name := range claims {
		for _, deciding := range []string{"iss", "sub", "aud", "exp", "nbf", "iat"} {
			if name != deciding && strings.EqualFold(name, deciding) {
				return true
			}
		}
	}
	return false
}

func isSubject(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// groupsIn are the groups in a claim: a list, a single one, or none.
func groupsIn(claim json.RawMessage) ([]string, error) {
	if claim == nil {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(claim, &list) == nil {
		return list, nil
	}
	var single string
	if json.Unmarshal(claim, &single) == nil {
		return []string{single}, nil
	}
	return nil, invalid("the token's groups must be a list of names")
}
