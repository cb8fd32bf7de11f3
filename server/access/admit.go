package access

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

// Reasons of refusals, in the `reason` of google.rpc.ErrorInfo.
const (
	// ReasonRole is a caller none of whose roles may call the RPC.
	ReasonRole = "ROLE_NOT_ALLOWED"
	// ReasonPerson is a machine that may call it only for a person.
	ReasonPerson = "PERSON_REQUIRED"
	// ReasonCall is an agent without a call for this customer.
	ReasonCall = "CALL_REQUIRED"
)

// Asked is what a request asks for.
type Asked struct {
	// Institute and Customer are what the request is about, by their ids, as far
	// as its name is one.
	Institute, Customer string
	// Named says that the name has the form of one.
	Named bool
	// Restricted says that it asks to read what is restricted too, Secrets that it
	// asks for secrets beside all else.
	Restricted, Secrets bool
}

// Restricted is the purpose of Art. 18(2) GDPR for which a request asks to read
// data whose processing is restricted, such as "LEGAL_CLAIM"; empty where it asks
// for none. [Rule.Admit] lets only privacy officers ask.
func Restricted(req proto.Message) string {
	r, ok := req.(interface {
		GetRestrictedPurpose() wertfachv1.RestrictedPurpose
	})
	if !ok || r.GetRestrictedPurpose() == wertfachv1.RestrictedPurpose_RESTRICTED_PURPOSE_UNSPECIFIED {
		return ""
	}
	return strings.TrimPrefix(r.GetRestrictedPurpose().String(), "RESTRICTED_PURPOSE_")
}

// Malformed is what is wrong with a request whose name is none.
func (r *Rule) Malformed(req proto.Message) error {
	m, path := req.ProtoReflect(), ""
	for _, fd := range r.path {
		path = strings.TrimPrefix(path+"."+string(fd.Name()), ".")
		if fd.Message() == nil {
			break
		}
		if !m.Has(fd) {
			return fault.Field(path, "required", "must be given; in a stream in its first message")
		}
		m = m.Get(fd).Message()
	}
	return fault.Field(path, "name.form", "must be a name such as institutes/{institute}/customers/{customer}, each id 1 to 64 characters of a-z, 0-9 and hyphens within")
}

// Asked reads what a request asks for.
func (r *Rule) Asked(req proto.Message) Asked {
	institute, customer := resource.Scope(r.Name(req))
	secrets, _ := req.(interface{ GetIncludeSecrets() bool })
	return Asked{
		Institute: institute, Customer: customer, Named: institute != "", Restricted: Restricted(req) != "",
		Secrets: secrets != nil && secrets.GetIncludeSecrets(),
	}
}

// Allows is whether the caller has a role at all that may call the RPC. The
// error is of kind Denied, or Unauthenticated where a person is missing.
func (r *Rule) Allows(p identity.Principal) error {
	if slices.ContainsFunc(p.Grants, func(g identity.Grant) bool { return slices.Contains(r.Roles, g.Role) }) {
		return nil
	}
	if len(p.Grants) == 0 && !p.Person() {
		// Machines that act for people have no role of their own.
		return fault.New(fault.Unauthenticated, ReasonPerson, "a person must prove who calls: a token is missing")
	}
	return fault.New(fault.Denied, ReasonRole, "the caller's role may not do this")
}

// Admit gives the role in which the caller may do what is asked. Where the
// caller has none at that institute, ok is false and there is no error: the
// answer is then the one for something that is not there. Proved says whether
// the caller, an agent, has a call for that customer; it is asked only where a
// call is needed.
func (r *Rule) Admit(p identity.Principal, asked Asked, proved func() bool) (role wertfachv1.Role, ok bool, err error) {
	if err := r.Allows(p); err != nil {
		return 0, false, err
	}
	needsCall, notOfficer := false, false
	for _, g := range p.Grants {
		switch {
		case !slices.Contains(r.Roles, g.Role):
		case r.Resource != "" && !g.Institutes.Has(asked.Institute):
		case (asked.Restricted || asked.Secrets) && g.Role != wertfachv1.Role_ROLE_PRIVACY_OFFICER:
			notOfficer = true
		case g.Role == wertfachv1.Role_ROLE_HOTLINE && r.VerifiedCall:
			needsCall = true
		default:
			return g.Role, true, nil
		}
	}
	if notOfficer && !asked.Restricted {
		return 0, true, fault.New(fault.Denied, ReasonRole, "include_secrets: only privacy officers ask for secrets beside all else; RevealArtefact gives those of one artefact")
	}
	if notOfficer {
		return 0, true, fault.New(fault.Denied, ReasonRole, "restricted_purpose: only privacy officers read what is restricted")
	}
	if !needsCall {
		return 0, false, nil
	}
	if !proved() {
		return 0, true, fault.New(fault.Denied, ReasonCall, "the caller at the telephone was not verified for this")
	}
	return wertfachv1.Role_ROLE_HOTLINE, true, nil
}
