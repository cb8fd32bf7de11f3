package access

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

const pageHead = `<!-- Written by ` + "`make generate`" + ` from the annotations in proto/wertfach/v1: change those, not this. -->
# Who may call what

A caller that has no role for an RPC is refused with PERMISSION_DENIED, a machine that would have it only with a person's
token and comes without one with UNAUTHENTICATED (PERSON_REQUIRED). One that has the role, but not at the institute
that the request is about, gets the answer for something that is not there. Everything that is not in this table is
refused to everybody; only the standard health service answers every caller with a certificate of the deployment's authority
(and with "wertfach dev" the reflection of the schema).

- **yes**: a machine with this role may call it, for its institutes. People (agents of the hotline, privacy officers)
  prove who they are with a token, through a machine that may act for them.
- **in a call**: the request must prove that the caller at the telephone was verified as this customer, at most 15
  minutes ago, to this agent.

`

// What an effect means, for the page.
var effects = []struct {
	effect wertfachv1.Effect
	name   string
	means  string
}{
	{wertfachv1.Effect_EFFECT_READ, "read", "gives masked data; answered once its record is on the server's disk"},
	{wertfachv1.Effect_EFFECT_WRITE, "write", "changes what can be changed again; answered once its record is on the server's disk"},
	{wertfachv1.Effect_EFFECT_REVEAL, "reveal", "gives secrets or scans in clear; answered once its record is in the locked store"},
	{wertfachv1.Effect_EFFECT_IRREVOCABLE, "for good", "ends or removes something; not begun while the locked store takes no records, answered once its record is there"},
	{wertfachv1.Effect_EFFECT_VERIFY, "verify", "tells whether what a caller knows is right; answered once its record is in the locked store"},
}

// WritePage writes the table as a page of Markdown.
func (t Table) WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(pageHead)
	roles := identity.Roles()
	b.WriteString("| RPC | effect |")
	for _, role := range roles {
		fmt.Fprintf(&b, " %s |", identity.RoleName(role))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(roles)) + "\n")
	rules := make([]*Rule, 0, len(t))
	for _, r := range t {
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(x, y *Rule) int { return cmp.Compare(x.Action, y.Action) })
	for _, r := range rules {
		fmt.Fprintf(&b, "| %s | %s |", r.Action, effectName(r.Effect))
		for _, role := range roles {
			fmt.Fprintf(&b, " %s |", r.cell(role))
		}
		b.WriteString("\n")
	}
	b.WriteString("\nWhat an RPC does decides how often a caller may call it (`calls` in the configuration) and where its record must be:\n\n")
	for _, e := range effects {
		fmt.Fprintf(&b, "- **%s** %s.\n", e.name, e.means)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func effectName(effect wertfachv1.Effect) string {
	for _, e := range effects {
		if e.effect == effect {
			return e.name
		}
	}
	return effect.String()
}

func (r *Rule) cell(role wertfachv1.Role) string {
	switch {
	case !slices.Contains(r.Roles, role):
		return ""
	case role == wertfachv1.Role_ROLE_HOTLINE && r.VerifiedCall:
		return "in a call"
	default:
		return "yes"
	}
}
