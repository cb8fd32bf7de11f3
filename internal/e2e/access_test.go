package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/access"
)

// TestAccess calls every RPC as every role, at an institute of the caller's and
// at another one, with and without a person, with and without a call: exactly
// what the schema allows passes. A request that passes is refused for its
// request_id, if it could change anything, so that nothing changes.
func TestAccess(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "target")
		ok(t, s.edge.Identity.Update(s.edge.Who(strings.TrimPrefix(bank, "institutes/"))))
		tried, passed := 0, 0
		s.unchanged(t, "trying who may call what", func() {
			for _, m := range everyMethod(t) {
				for _, c := range callers(t, s, x) {
					for _, here := range []bool{true, false} {
						tried++
						if s.try(t, m, x, c, here) {
							passed++
						}
					}
				}
			}
		})
		t.Logf("%d calls were tried, %d passed", tried, passed)
		if passed == 0 || passed == tried {
			t.Error("the table tells nothing")
		}
	})
}

// caller is somebody who tries.
type caller struct {
	name   string
	role   string // of the machine
	person string // the group of a person; empty for none
	call   string // the proof of a call; empty for none
	inCall bool   // whether it is one with the target
	conn   *grpc.ClientConn
	bearer string
}

// callers are a machine of each role, alone and with each kind of person, and the
// agents in calls that are theirs or not.
func callers(t testing.TB, s *scene, x target) []caller {
	t.Helper()
	calls := access.NewCalls(s.custodian.Derive("hotline calls"), time.Now)
	late := access.NewCalls(s.custodian.Derive("hotline calls"), func() time.Time { return time.Now().Add(-access.CallTime) })
	institute, customer, _ := strings.Cut(strings.TrimPrefix(x.customer.GetName(), "institutes/"), "/customers/")
	agent := s.edge.Issuer.URL() + "#agent-lena"
	prove := func(c access.Calls, agent, institute, customer string) string {
		_, proof := c.Prove(agent, institute, customer)
		return proof
	}
	own := prove(calls, agent, institute, customer)
	var all []caller
	for _, role := range servertest.Roles() {
		conn := s.dialAs(t, role)
		all = append(all,
			caller{name: role, role: role, conn: conn},
			caller{name: role + " with somebody's call", role: role, conn: conn, call: own},
			caller{name: role + " for an agent", role: role, conn: conn, person: devissuer.Hotline},
			caller{name: role + " for an officer", role: role, conn: conn, person: devissuer.Officers},
		)
	}
	hotline := s.dialAs(t, "hotline")
	for name, proof := range map[string]string{
		"in a call": own, "in another agent's call": prove(calls, agent+"2", institute, customer),
		"in a call with another customer": prove(calls, agent, institute, "somebody"),
		"in a call that is over":          prove(late, agent, institute, customer), "in no call": "nonsense",
	} {
		all = append(all, caller{name: "agent " + name, role: "hotline", conn: hotline, person: devissuer.Hotline, call: proof, inCall: proof == own})
	}
	all = append(all, caller{name: "officer in an agent's call", role: "privacy-officer", conn: s.dialAs(t, "privacy-officer"), person: devissuer.Officers, call: own})
	for i := range all {
		if all[i].person != "" {
			all[i].bearer = "Bearer " + s.edge.Token(t, all[i].person)
		}
	}
	return all
}

// may says what the annotations make of it: whether the caller may call the RPC
// at an own institute.
func (c caller) may(m protoreflect.MethodDescriptor) bool {
	a, _ := proto.GetExtension(m.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
	role := wertfachv1.Role(wertfachv1.Role_value["ROLE_"+strings.ToUpper(strings.ReplaceAll(c.role, "-", "_"))])
	if !slices.Contains(a.GetRoles(), role) {
		return false
	}
	value := role.Descriptor().Values().ByNumber(role.Number())
	ofPeople, _ := proto.GetExtension(value.Options(), wertfachv1.E_Person).(bool)
	group := map[string]string{"hotline": devissuer.Hotline, "privacy-officer": devissuer.Officers}[c.role]
	if ofPeople != (c.person != "") || c.person != group {
		return false
	}
	return c.role != "hotline" || !a.GetVerifiedCall() || c.inCall
}

// try makes a call and checks how it ends. It says whether it passed.
func (s *scene) try(t *testing.T, m protoreflect.MethodDescriptor, x target, c caller, here bool) bool {
	t.Helper()
	rule := ruleOf(t, m)
	req := requests()[m.Name()].good(fresh(m, x))
	spoil(req)
	if !here {
		for _, f := range nameFields(m.Input(), m.Input(), "") {
			set(req, f.path, strings.Replace(get(req, f.path), bank, issuer, 1))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c.bearer != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.bearer)
	}
	if c.call != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, server.CallHeader, c.call)
	}
	one := *s
	one.conn = c.conn
	_, err := one.call(ctx, m, req)
	code, reason, _ := said(err)
	passed := err == nil || code == codes.InvalidArgument
	where := map[bool]string{true: "here", false: "elsewhere"}[here]
	if want := c.may(m) && (here || rule.Resource == ""); passed != want {
		t.Errorf("%s by %s %s: passed %t, want %t (%v)", m.Name(), c.name, where, passed, want, err)
	}
	switch {
	case passed:
	case c.may(m) && !here:
		// Nothing tells another bank's customer from one that there is not.
		if code != codes.NotFound || !strings.HasSuffix(reason, "_NOT_FOUND") {
			t.Errorf("%s by %s %s: %v", m.Name(), c.name, where, err)
		}
	case code != codes.PermissionDenied && code != codes.Unauthenticated && code != codes.NotFound:
		t.Errorf("%s by %s %s was refused with %v", m.Name(), c.name, where, err)
	}
	return passed
}

// spoil makes a request that passes fail before it does anything.
func spoil(req proto.Message) {
	m := req.ProtoReflect()
	if header := m.Descriptor().Fields().ByName("header"); header != nil {
		m = m.Mutable(header).Message()
	}
	if fd := m.Descriptor().Fields().ByName("request_id"); fd != nil {
		m.Set(fd, protoreflect.ValueOfString("no uuid"))
	}
}

// TestNotThereAndNotYours: who asks for another bank's customer hears what who
// asks for nobody hears, byte for byte.
func TestNotThereAndNotYours(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "target")
		ok(t, s.edge.Identity.Update(s.edge.Who(strings.TrimPrefix(issuer, "institutes/")))) // of the other bank alone
		for _, m := range everyMethod(t) {
			if ruleOf(t, m).Resource == "" {
				continue
			}
			answers := map[string]string{}
			for what, name := range map[string][2]string{
				"yours, not there":     {bank, issuer},
				"not yours, there":     {bank, bank},
				"not yours, not there": {x.customer.GetName(), bank + "/customers/nobody"},
				"nobody's":             {bank, "institutes/strange"},
			} {
				if what == "yours, not there" && (m.Name() == "EnrolCustomer" || m.Name() == "ListEvents" || m.Name() == "ListErasureReceipts") {
					continue // an institute that is there
				}
				req := requests()[m.Name()].good(x)
				for _, f := range nameFields(m.Input(), m.Input(), "") {
					set(req, f.path, strings.Replace(get(req, f.path), name[0], name[1], 1))
				}
				_, err := s.call(t.Context(), m, req)
				answers[fmt.Sprint(proto.MarshalOptions{Deterministic: true}.Marshal(status.Convert(err).Proto()))] = what + ": " + err.Error()
			}
			if len(answers) != 1 {
				t.Errorf("%s tells: %v", m.Name(), answers)
			}
		}
	})
}
