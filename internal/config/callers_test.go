package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/server/identity"
)

const issuers = `
issuers:
  - url: https://login.example
    audience: wertfach
    groups:
      - {group: hotline, roles: [hotline], institutes: [musterbank]}
`

func TestCallers(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, minimal+strings.Replace(issuers, "audience:", "max_age: 1h\n    jwks_url: https://login.example/keys\n    audience:", 1))
	who := c.Identity()
	if len(who.Machines) != 1 || who.Machines[0].URI != "spiffe://bank.example/portal/*" {
		t.Errorf("got %+v", who.Machines)
	}
	if len(who.Issuers) != 1 || who.Issuers[0].MaxAge != time.Hour || who.Issuers[0].JWKSURL != "https://login.example/keys" ||
		len(who.Issuers[0].Groups) != 1 || who.Issuers[0].Groups[0].Institutes[0] != "musterbank" {
		t.Errorf("got %+v", who.Issuers)
	}
	if _, err := identity.New(who); err != nil {
		t.Error(err)
	}
}

// TestCallersErrors: each mistake is told by its key, and an empty list is never
// everybody.
func TestCallersErrors(t *testing.T) {
	t.Parallel()
	whole := minimal + issuers
	for name, test := range map[string]struct{ old, new, want string }{
		"no callers":        {`callers: [{uri: spiffe://bank.example/portal/*, roles: [portal], institutes: ["*"]}]`, "", "callers must list at least one"},
		"no uri":            {"uri: spiffe://bank.example/portal/*, ", "", "callers[0].uri must be a URI of the form"},
		"another scheme":    {"spiffe://bank", "https://bank", "callers[0].uri must be a URI of the form"},
		"star within":       {"portal/*", "*/eu-1", "callers[0].uri must be a URI of the form"},
		"star in a segment": {"portal/*", "portal/eu-*", "callers[0].uri must be a URI of the form"},
		"star alone":        {"spiffe://bank.example/portal/*", "'*'", "callers[0].uri must be a URI of the form"},
		"whole domain":      {"bank.example/portal/*", "bank.example/*", "callers[0].uri must be a URI of the form"},
		"dots":              {"portal/*", "portal/../*", "callers[0].uri must be a URI of the form"},
		"twice": {`callers: [`, `callers: [{uri: spiffe://bank.example/portal/*, roles: [portal], institutes: ["*"]}, `,
			"callers[1].uri must differ"},
		"no role":            {"roles: [portal]", "roles: []", "callers[0].roles must list at least one"},
		"unknown role":       {"roles: [portal]", "roles: [" + leaked + "]", "callers[0].roles[0] must be one of portal, core-banking, hotline,"},
		"role in capitals":   {"roles: [portal]", "roles: [ROLE_PORTAL]", "callers[0].roles[0] must be one of"},
		"role twice":         {"roles: [portal]", "roles: [portal, portal]", "callers[0].roles[1] must differ"},
		"no institutes":      {`institutes: ["*"]`, "institutes: []", "callers[0].institutes must list at least one"},
		"institutes missing": {`, institutes: ["*"]`, "", "callers[0].institutes must list at least one"},
		"institute":          {`institutes: ["*"]`, "institutes: ['" + leaked + "!']", "callers[0].institutes[0] must be an institute's id"},
		"not served":         {`institutes: ["*"]`, "institutes: [" + leaked + "]", "callers[0].institutes[0] must be one of those under institutes"},
		"all and one":        {`institutes: ["*"]`, `institutes: ["*", musterbank]`, "callers[0].institutes[0] must stand alone"},
		"institute twice":    {`institutes: ["*"]`, "institutes: [musterbank, musterbank]", "callers[0].institutes[1] must differ"},
		"roles no list":      {"roles: [portal]", "roles: " + leaked, "line 1: callers[0].roles must be a list"},

		"no url":           {"url: https://login.example", "url:", "issuers[0].url must be a URL"},
		"plain":            {"https://login", "http://login", "issuers[0].url must be https"},
		"query":            {"https://login.example", "https://login.example/?a=" + leaked, "issuers[0].url must be a URL"},
		"no audience":      {"audience: wertfach", "audience:", "issuers[0].audience must be given"},
		"keys plain":       {"audience:", "jwks_url: http://login.example/k\n    audience:", "issuers[0].jwks_url must be https"},
		"no algorithm":     {"audience:", "algorithms: [none]\n    audience:", "issuers[0].algorithms[0] must be one of RS256,"},
		"shared secret":    {"audience:", "algorithms: [ES256, HS256]\n    audience:", "issuers[0].algorithms[1] must be one of"},
		"age negative":     {"audience:", "max_age: -1h\n    audience:", "issuers[0].max_age must not be negative"},
		"age long":         {"audience:", "max_age: 200h\n    audience:", "issuers[0].max_age must be at most"},
		"age no time":      {"audience:", "max_age: 12\n    audience:", "line 17: issuers[0].max_age must be a duration"},
		"no groups":        {"groups:\n      - {group: hotline, roles: [hotline], institutes: [musterbank]}", "groups: []", "issuers[0].groups must list at least one"},
		"no group":         {"{group: hotline, ", "{", "issuers[0].groups[0].group must be given"},
		"group, no role":   {"roles: [hotline]", "roles: []", "issuers[0].groups[0].roles must list at least one"},
		"group, no bank":   {"institutes: [musterbank]", "institutes: []", "issuers[0].groups[0].institutes must list at least one"},
		"group, not there": {"institutes: [musterbank]", "institutes: [elsewhere]", "issuers[0].groups[0].institutes[0] must be one of those"},
		"issuer twice": {"issuers:\n", "issuers:\n  - {url: https://login.example, audience: a, groups: [{group: g, roles: [hotline], institutes: ['*']}]}\n",
			"issuers[1].url must differ"},
		"group twice": {"groups:\n", "groups:\n      - {group: hotline, roles: [hotline], institutes: ['*']}\n", "issuers[0].groups[1].group must differ"},
	} {
		if !strings.Contains(whole, test.old) {
			t.Fatalf("%s: nothing to replace", name)
		}
		_, err := load(t, strings.Replace(whole, test.old, test.new, 1))
		var problem *Error
		if !errors.As(err, &problem) || len(problem.Problems) != 1 {
			t.Errorf("%s: got %v, want one problem", name, err)
			continue
		}
		if got := problem.Problems[0].String(); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, test.want)
		}
		if strings.Contains(err.Error(), leaked) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}
