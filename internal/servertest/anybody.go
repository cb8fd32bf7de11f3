package servertest

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/internal/devissuer"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
)

// Anybody is a connection on which every RPC is called by somebody who may: a
// machine where one may, else a privacy officer; what is restricted is read by the
// latter, and a second officer confirms erasures. dial connects as that role.
func Anybody(t testing.TB, e *Edge, dial func(role string) *grpc.ClientConn) grpc.ClientConnInterface {
	t.Helper()
	table, err := access.NewTable(access.Services()...)
	must(t, err)
	a := &anybody{table: table, conns: map[string]*grpc.ClientConn{}, officer: "Bearer " + e.Token(t, devissuer.Officers), second: "Bearer " + e.SecondToken(t, devissuer.Officers)}
	for _, rule := range table {
		role, _ := caller(rule)
		if a.conns[role] == nil {
			a.conns[role] = dial(role)
		}
	}
	return a
}

type anybody struct {
	table           access.Table
	conns           map[string]*grpc.ClientConn
	officer, second string
}

// caller is a role that may call an RPC without a call at the telephone.
func caller(rule *access.Rule) (role string, person bool) {
	for _, role := range rule.Roles {
		switch role {
		case wertfachv1.Role_ROLE_HOTLINE:
		case wertfachv1.Role_ROLE_PRIVACY_OFFICER:
			person = true
		default:
			return identity.RoleName(role), false
		}
	}
	return identity.RoleName(wertfachv1.Role_ROLE_PRIVACY_OFFICER), person
}

func (a *anybody) as(ctx context.Context, method string, restricted bool) (context.Context, *grpc.ClientConn) {
	rule := a.table[method]
	if rule == nil { // of the standard services, which are for everybody
		return ctx, a.conns[identity.RoleName(wertfachv1.Role_ROLE_PORTAL)]
	}
	role, person := caller(rule)
	if restricted {
		role, person = identity.RoleName(wertfachv1.Role_ROLE_PRIVACY_OFFICER), true
	}
	switch {
	case method == wertfachv1.LifecycleService_EraseCustomer_FullMethodName:
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a.second) // of what the first one has asked for
	case person:
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a.officer)
	}
	return ctx, a.conns[role]
}

// Invoke implements grpc.ClientConnInterface.
func (a *anybody) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	req, _ := args.(proto.Message)
	ctx, conn := a.as(ctx, method, req != nil && access.Restricted(req) != "")
	return conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (a *anybody) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, conn := a.as(ctx, method, false)
	return conn.NewStream(ctx, desc, method, opts...)
}

// Erase has a customer erased by two officers, on a connection of [Anybody]. It
// gives what the confirmation is answered.
func Erase(ctx context.Context, c wertfachv1.LifecycleServiceClient, customer, reason string) (*wertfachv1.ErasureReceipt, error) {
	_, _ = c.RequestErasure(ctx, &wertfachv1.RequestErasureRequest{
		Name: customer, Ground: wertfachv1.ErasureRequest_GROUND_CONSENT_WITHDRAWN, Reason: reason,
	}) // without it the confirmation is refused
	return c.EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: customer})
}
