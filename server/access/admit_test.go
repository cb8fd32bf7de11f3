package access_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
)

const (
	ours   = "musterbank"
	theirs = "kartenbank"
	nobody = wertfachv1.Role_ROLE_UNSPECIFIED
)

func grant(role wertfachv1.Role, institutes ...string) identity.Grant {
	return identity.Grant{Role: role, Institutes: identity.Institutes(institutes...)}
}

func machine(grants ...identity.Grant) identity.Principal {
	return identity.Principal{ID: "spiffe://bank.example/x/1", Grants: grants}
}

func person(grants ...identity.Grant) identity.Principal {
	return identity.Principal{ID: "https://issuer.example#1", Machine: "spiffe://bank.example/x/1", Grants: grants}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	const (
		portal  = wertfachv1.Role_ROLE_PORTAL
		hotline = wertfachv1.Role_ROLE_HOTLINE
		officer = wertfachv1.Role_ROLE_PRIVACY_OFFICER
	)
	reveal := &wertfachv1.RevealArtefactRequest{Name: "institutes/" + ours + "/customers/4711/artefacts/a"}
	read := &wertfachv1.GetArtefactRequest{Name: "institutes/" + ours + "/customers/4711/artefacts/a"}
	list := &wertfachv1.ListEventsRequest{Parent: "institutes/" + ours}
	verify := &wertfachv1.VerifyLogRequest{}
	for name, test := range map[string]struct {
		method string
		req    proto.Message
		who    identity.Principal
		call   bool
		role   wertfachv1.Role // nobody where it is refused
		there  bool            // whether the refusal says why
		reason string
	}{
		"own role, own institute":       {"ArtefactService/RevealArtefact", reveal, machine(grant(portal, ours)), false, portal, true, ""},
		"own role, other institute":     {"ArtefactService/RevealArtefact", reveal, machine(grant(portal, theirs)), false, nobody, false, ""},
		"own role, no institute":        {"ArtefactService/RevealArtefact", reveal, machine(grant(portal)), false, nobody, false, ""},
		"own role, all institutes":      {"ArtefactService/RevealArtefact", reveal, machine(identity.Grant{Role: portal, Institutes: identity.AllInstitutes()}), false, portal, true, ""},
		"zero scope":                    {"ArtefactService/RevealArtefact", reveal, machine(identity.Grant{Role: portal}), false, nobody, false, ""},
		"other role":                    {"ArtefactService/RevealArtefact", reveal, machine(grant(wertfachv1.Role_ROLE_OPERATOR, ours)), false, nobody, true, access.ReasonRole},
		"role unspecified":              {"ArtefactService/RevealArtefact", reveal, machine(grant(nobody, ours)), false, nobody, true, access.ReasonRole},
		"no grant":                      {"ArtefactService/RevealArtefact", reveal, machine(), false, nobody, true, access.ReasonPerson},
		"person without grant":          {"ArtefactService/RevealArtefact", reveal, person(), false, nobody, true, access.ReasonRole},
		"agent without call":            {"ArtefactService/RevealArtefact", reveal, person(grant(hotline, ours)), false, nobody, true, access.ReasonCall},
		"agent in a call":               {"ArtefactService/RevealArtefact", reveal, person(grant(hotline, ours)), true, hotline, true, ""},
		"agent in a call elsewhere":     {"ArtefactService/RevealArtefact", reveal, person(grant(hotline, theirs)), true, nobody, false, ""},
		"role here, other role there":   {"ArtefactService/RevealArtefact", reveal, machine(grant(portal, theirs), grant(wertfachv1.Role_ROLE_OPERATOR, ours)), false, nobody, false, ""},
		"agent and officer":             {"ArtefactService/GetArtefact", read, person(grant(hotline, ours), grant(officer, ours)), false, officer, true, ""},
		"agent here, officer elsewhere": {"ArtefactService/GetArtefact", read, person(grant(hotline, ours), grant(officer, theirs)), false, nobody, true, access.ReasonCall},
		"about no institute":            {"AuditService/VerifyLog", verify, machine(grant(wertfachv1.Role_ROLE_OPERATOR)), false, wertfachv1.Role_ROLE_OPERATOR, true, ""},
		"about an institute itself":     {"AuditService/ListEvents", list, person(grant(officer, ours)), false, officer, true, ""},
		"about another institute":       {"AuditService/ListEvents", list, person(grant(officer, theirs)), false, nobody, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rule(t, test.method)
			role, there, err := r.Admit(test.who, r.Asked(test.req), func() bool { return test.call })
			if role != test.role || fault.ReasonOf(err) != test.reason || there != test.there && test.reason == "" {
				t.Errorf("got %v, there %t, %v", role, there, err)
			}
			if role != nobody && !slices.Contains(r.Roles, role) {
				t.Errorf("admitted as %v", role)
			}
		})
	}
}

// Whatever a handler takes for a name, access takes for the same institute.
func FuzzAsked(f *testing.F) {
	for _, name := range []string{
		"", "institutes/musterbank", "institutes/musterbank/customers/4711", "institutes/musterbank/customers/4711/artefacts/a/scans/b",
		"institutes/musterbank/receipts/r", "institutes/-/customers/4711", "institutes/musterbank/customers/..", "institutes/ä", "customers/4711",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := rule(t, "CustomerService/GetCustomer")
		asked := r.Asked(&wertfachv1.GetCustomerRequest{Name: name})
		institute, customer, taken := parse(name)
		if taken && (!asked.Named || asked.Institute != institute || asked.Customer != customer) {
			t.Errorf("%q: access sees %+v, the handler %s and %s", name, asked, institute, customer)
		}
		if asked.Named == (asked.Institute == "") {
			t.Errorf("%q: %+v", name, asked)
		}
	})
}
