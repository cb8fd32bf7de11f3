package identity

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/custody/resource"
)

// Problem is something that is wrong in a [Config].
type Problem struct {
	// Key is the path of the key in the configuration file: "callers[0].uri".
	Key string
	// Rule is what must hold, as a sentence that goes on after the key. It never
	// repeats a value.
	Rule string
}

// everyInstitute is the name of all institutes in a configuration.
const everyInstitute = "*"

// maxURI is how long a SPIFFE ID is at most, in bytes.
const maxURI = 2048

// spiffeID is the form of a SPIFFE ID with a path.
var spiffeID = regexp.MustCompile(`^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)+$`)

// isSPIFFE says whether a URI is a SPIFFE ID of a workload.
func isSPIFFE(uri string) bool {
	return len(uri) <= maxURI && spiffeID.MatchString(uri) &&
		!slices.ContainsFunc(strings.Split(uri, "/"), func(segment string) bool { return segment == "." || segment == ".." })
}

// signatures are the algorithms that may be configured: all with a public key.
var signatures = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// checker collects problems.
type checker struct{ problems []Problem }

func (c *checker) must(ok bool, key, rule string) {
	if !ok {
		c.problems = append(c.problems, Problem{key, rule})
	}
}

// Problems are all that is wrong; none for a configuration that can be used.
// Whether files are there and issuers answer is not looked at.
func (c Config) Problems() []Problem {
	var check checker
	var uris []string
	for i, m := range c.Machines {
		key := fmt.Sprintf("callers[%d].", i)
		form, _ := strings.CutSuffix(m.URI, "/*")
		check.must(isSPIFFE(form), key+"uri", "must be a URI of the form spiffe://trust-domain/role/name; its end may be /*, for any one segment")
		check.must(!slices.Contains(uris, m.URI), key+"uri", "must differ from those before")
		uris = append(uris, m.URI)
		check.grant(key, m.Roles, m.Institutes)
	}
	var issuers []string
	for i, issuer := range c.Issuers {
		key := fmt.Sprintf("issuers[%d].", i)
		check.must(!slices.Contains(issuers, issuer.URL), key+"url", "must differ from those before")
		issuers = append(issuers, issuer.URL)
		check.issuer(key, issuer)
	}
	return check.problems
}

func (c *checker) issuer(key string, issuer Issuer) {
	c.address(key+"url", issuer.URL)
	c.must(issuer.Audience != "", key+"audience", "must be given")
	if issuer.JWKSURL != "" {
		c.address(key+"jwks_url", issuer.JWKSURL)
	}
	for i, name := range issuer.Algorithms {
		c.must(slices.Contains(signatures, name), fmt.Sprintf("%salgorithms[%d]", key, i), "must be one of "+strings.Join(signatures, ", "))
	}
	c.must(issuer.MaxAge >= 0, key+"max_age", "must not be negative")
	c.must(issuer.MaxAge <= 7*24*time.Hour, key+"max_age", "must be at most 168h")
	c.must(len(issuer.Groups) > 0, key+"groups", "must list at least one")
	var names []string
	for i, g := range issuer.Groups {
		at := fmt.Sprintf("%sgroups[%d].", key, i)
		c.must(g.Group != "", at+"group", "must be given")
		c.must(g.Group == "" || !slices.Contains(names, g.Group), at+"group", "must differ from those before")
		names = append(names, g.Group)
		c.grant(at, g.Roles, g.Institutes)
	}
}

// grant checks who somebody may be, and where. An empty list is a mistake: it is
// neither everybody nor, by an oversight, nobody.
func (c *checker) grant(key string, roles, institutes []string) {
	c.must(len(roles) > 0, key+"roles", "must list at least one")
	for i, name := range roles {
		at := fmt.Sprintf("%sroles[%d]", key, i)
		_, known := ParseRole(name)
		c.must(known, at, "must be one of "+strings.Join(roleNames(), ", "))
		c.must(!slices.Contains(roles[:i], name), at, "must differ from those before")
	}
	c.must(len(institutes) > 0, key+"institutes", `must list at least one, or be ["*"] for every institute`)
	for i, id := range institutes {
		at := fmt.Sprintf("%sinstitutes[%d]", key, i)
		if id == everyInstitute {
			c.must(len(institutes) == 1, at, `must stand alone where it is "*"`)
			continue
		}
		c.must(resource.CheckID("", id) == nil, at, "must be an institute's id")
		c.must(!slices.Contains(institutes[:i], id), at, "must differ from those before")
	}
}

// address checks the URL of an issuer or of its keys.
func (c *checker) address(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.ContainsAny(value, "#?") ||
		u.Scheme != "https" && u.Scheme != "http" {
		c.must(false, key, "must be a URL of the form https://host/path")
		return
	}
	c.must(secure(u), key, "must be https: plain http is for loopback addresses only")
}

// secure says whether nobody else can answer in the name of the URL's host.
func secure(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

func roleNames() []string {
	var names []string
	for _, role := range Roles() {
		names = append(names, RoleName(role))
	}
	return names
}
