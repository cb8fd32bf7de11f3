package server_test

import (
	"io"
	"maps"
	"slices"
	"testing"

	validate "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/access"
)

// everyMethod is every RPC of the schema.
func everyMethod(t *testing.T) []protoreflect.MethodDescriptor {
	t.Helper()
	var list []protoreflect.MethodDescriptor
	for _, service := range access.Services() {
		for i := range service.Methods().Len() {
			list = append(list, service.Methods().Get(i))
		}
	}
	if len(list) == 0 {
		t.Fatal("the schema has no RPC")
	}
	return list
}

// A hotline agent may do nothing for a caller who was not verified.
func TestAgentsNeedACall(t *testing.T) {
	t.Parallel()
	table, err := access.NewTable(access.Services()...)
	ok(t, err)
	for _, rule := range table {
		if slices.Contains(rule.Roles, wertfachv1.Role_ROLE_HOTLINE) && !rule.VerifiedCall {
			t.Errorf("%s: an agent may call it for a caller who was not verified", rule.Action)
		}
		sorted := slices.Clone(rule.Roles)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(rule.Roles) {
			t.Errorf("%s names a role twice: %v", rule.Action, rule.Roles)
		}
	}
}

// Every RPC that changes something can be repeated safely: it has a request id,
// which must be a UUID. An export reads, and records that it did.
func TestEveryChangeHasARequestID(t *testing.T) {
	t.Parallel()
	for _, m := range everyMethod(t) {
		input := m.Input()
		if m.IsStreamingClient() {
			input = input.Fields().ByName("header").Message()
		}
		fd := input.Fields().ByName("request_id")
		rule, _ := proto.GetExtension(m.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
		reading := rule.GetEffect() == wertfachv1.Effect_EFFECT_READ || rule.GetEffect() == wertfachv1.Effect_EFFECT_REVEAL
		if reading != (fd == nil) && m.Name() != "ExportCustomer" {
			t.Errorf("%s: it only reads: %t; it has a request id: %t", m.FullName(), reading, fd != nil)
		}
		if fd == nil {
			continue
		}
		rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
		if !rules.GetString().GetUuid() {
			t.Errorf("%s: the request id may be anything", m.FullName())
		}
	}
}

// The server offers all services of the schema, tells of them to tools where it
// is asked to, and else does not.
func TestReflection(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"grpc.health.v1.Health": true, "grpc.reflection.v1.ServerReflection": true, "grpc.reflection.v1alpha.ServerReflection": true}
	for _, m := range everyMethod(t) {
		want[string(m.Parent().FullName())] = true
	}
	list := func(s *site) ([]string, error) {
		stream, err := reflectionv1.NewServerReflectionClient(s.connect(t)).ServerReflectionInfo(t.Context(), grpc.WaitForReady(true))
		ok(t, err)
		err = stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
		if err != io.EOF { // io.EOF is a stream that has ended already; Recv says why
			ok(t, err)
		}
		answer, err := stream.Recv()
		var names []string
		for _, service := range answer.GetListServicesResponse().GetService() {
			names = append(names, service.GetName())
		}
		return names, err
	}
	got, err := list(open(t, func(c *server.Config) { c.Reflection = true }))
	ok(t, err)
	slices.Sort(got)
	if wanted := slices.Sorted(maps.Keys(want)); !slices.Equal(got, wanted) {
		t.Errorf("offered are %q, want %q", got, wanted)
	}
	if _, err := list(open(t, asItIs)); status.Code(err) != codes.Unimplemented {
		t.Errorf("reflection without leave: %v", err)
	}
}
