package server_test

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	validate "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// everyMethod is every RPC of the schema.
func everyMethod(t *testing.T) []protoreflect.MethodDescriptor {
	t.Helper()
	var list []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("wertfach.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				list = append(list, file.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	if len(list) == 0 {
		t.Fatal("the schema has no RPC")
	}
	return list
}

// Every RPC says who may call it, and a hotline agent never may without a
// verified caller.
func TestEveryMethodSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	for _, m := range everyMethod(t) {
		access, _ := proto.GetExtension(m.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
		roles := access.GetRoles()
		if len(roles) == 0 || slices.Contains(roles, wertfachv1.Role_ROLE_UNSPECIFIED) {
			t.Errorf("%s may be called by %v", m.FullName(), roles)
		}
		sorted := slices.Clone(roles)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(roles) {
			t.Errorf("%s names a role twice: %v", m.FullName(), roles)
		}
		for _, role := range roles {
			if wertfachv1.Role_name[int32(role)] == "" {
				t.Errorf("%s may be called by an unknown role", m.FullName())
			}
		}
		if slices.Contains(roles, wertfachv1.Role_ROLE_HOTLINE) && !access.GetVerifiedCall() {
			t.Errorf("%s: an agent may call it for a caller who was not verified", m.FullName())
		}
	}
}

// reads are the beginnings of names of RPCs that change nothing.
var reads = []string{"Get", "List", "Reveal", "Download"}

// Every RPC that changes something can be repeated safely: it has a request id,
// which must be a UUID.
func TestEveryChangeHasARequestID(t *testing.T) {
	t.Parallel()
	for _, m := range everyMethod(t) {
		input := m.Input()
		if m.IsStreamingClient() {
			input = input.Fields().ByName("header").Message()
		}
		fd := input.Fields().ByName("request_id")
		reading := slices.ContainsFunc(reads, func(prefix string) bool { return strings.HasPrefix(string(m.Name()), prefix) })
		if reading != (fd == nil) {
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
