package access_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

const page = "../../docs/access.md"

func table(t *testing.T) access.Table {
	t.Helper()
	all, err := access.NewTable(access.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func rule(t *testing.T, method string) *access.Rule {
	t.Helper()
	r := table(t)["/wertfach.v1."+method]
	if r == nil {
		t.Fatalf("%s has no rule", method)
	}
	return r
}

// TestPage: the page is what the schema says now.
func TestPage(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := table(t).WritePage(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/access.md is not what the schema says; run make generate")
	}
}

// A schema that says too little about one RPC starts no server.
func TestTableRefuses(t *testing.T) {
	t.Parallel()
	full := func() *wertfachv1.Access {
		return &wertfachv1.Access{
			Roles: []wertfachv1.Role{wertfachv1.Role_ROLE_PORTAL}, Effect: wertfachv1.Effect_EFFECT_READ, Resource: "name",
		}
	}
	for name, test := range map[string]struct {
		change func(*wertfachv1.Access) *wertfachv1.Access
		want   string // empty where it is taken
	}{
		"complete":         {func(a *wertfachv1.Access) *wertfachv1.Access { return a }, ""},
		"no annotation":    {func(*wertfachv1.Access) *wertfachv1.Access { return nil }, "does not say who may call it"},
		"no roles":         {func(a *wertfachv1.Access) *wertfachv1.Access { a.Roles = nil; return a }, "by nobody"},
		"role unspecified": {func(a *wertfachv1.Access) *wertfachv1.Access { a.Roles[0] = 0; return a }, "a role that there is not"},
		"role unknown":     {func(a *wertfachv1.Access) *wertfachv1.Access { a.Roles[0] = 99; return a }, "a role that there is not"},
		"no effect":        {func(a *wertfachv1.Access) *wertfachv1.Access { a.Effect = 0; return a }, "what it does"},
		"effect unknown":   {func(a *wertfachv1.Access) *wertfachv1.Access { a.Effect = 99; return a }, "what it does"},
		"no resource":      {func(a *wertfachv1.Access) *wertfachv1.Access { a.Resource = ""; return a }, ""},
		"resource missing": {func(a *wertfachv1.Access) *wertfachv1.Access { a.Resource = "parent"; return a }, "leads to no field"},
		"resource no text": {func(a *wertfachv1.Access) *wertfachv1.Access { a.Resource = "purpose"; return a }, "is no text"},
		"through text":     {func(a *wertfachv1.Access) *wertfachv1.Access { a.Resource = "name.first"; return a }, "that is no message"},
		"through a list":   {func(a *wertfachv1.Access) *wertfachv1.Access { a.Resource = "fields.paths"; return a }, "several values"},
		"agents and nothing": {func(a *wertfachv1.Access) *wertfachv1.Access {
			a.Roles, a.Resource = append(a.Roles, wertfachv1.Role_ROLE_HOTLINE), ""
			return a
		}, "for agents and about no institute"},
		"a call about nothing": {func(a *wertfachv1.Access) *wertfachv1.Access { a.VerifiedCall, a.Resource = true, ""; return a }, "about no customer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := access.NewTable(service(t, test.change(full())))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "test.S.Do")):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// service is one with an RPC that takes a RevealArtefactRequest.
func service(t *testing.T, a *wertfachv1.Access) protoreflect.ServiceDescriptor {
	t.Helper()
	options := &descriptorpb.MethodOptions{}
	if a != nil {
		proto.SetExtension(options, wertfachv1.E_Access, a)
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		Dependency: []string{"wertfach/v1/artefact.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Do"), InputType: proto.String(".wertfach.v1.RevealArtefactRequest"), OutputType: proto.String(".wertfach.v1.Artefact"),
			Options: options,
		}}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0)
}
