package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Rule is what the schema says of one RPC.
type Rule struct {
	// Action is the RPC as the audit log names it: "ArtefactService/RevealArtefact".
	Action string
	// Roles may call it.
	Roles []wertfachv1.Role
	// VerifiedCall says that an agent needs a call for it.
	VerifiedCall bool
	// Effect is what it does.
	Effect wertfachv1.Effect
	// Resource is the path of the request's field that names what it is about;
	// empty for an RPC that is about no institute.
	Resource string
	// Streams says that it takes or gives a stream.
	Streams bool

	path []protoreflect.FieldDescriptor
}

// Table has the rule of each RPC by gRPC's name for it:
// "/wertfach.v1.ArtefactService/RevealArtefact".
type Table map[string]*Rule

// Services are the API's services, as the schema has them.
func Services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage(wertfachv1.File_wertfach_v1_audit_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			all = append(all, file.Services().Get(i))
		}
		return true
	})
	return all
}

// NewTable reads the rules of all RPCs of the services. The error names an RPC
// that says too little, or something that can't be: nobody could call it, or
// anybody.
func NewTable(services ...protoreflect.ServiceDescriptor) (Table, error) {
	t := Table{}
	for _, service := range services {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			rule, err := newRule(m)
			if err != nil {
				return nil, fmt.Errorf("access: %s: %w", m.FullName(), err)
			}
			t["/"+string(service.FullName())+"/"+string(m.Name())] = rule
		}
	}
	return t, nil
}

func newRule(m protoreflect.MethodDescriptor) (*Rule, error) {
	access, ok := proto.GetExtension(m.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
	if !ok || access == nil {
		return nil, errors.New("does not say who may call it")
	}
	r := &Rule{
		Action: string(m.Parent().Name()) + "/" + string(m.Name()),
		Roles:  access.GetRoles(), VerifiedCall: access.GetVerifiedCall(), Effect: access.GetEffect(), Resource: access.GetResource(),
		Streams: m.IsStreamingClient() || m.IsStreamingServer(),
	}
	switch {
	case len(r.Roles) == 0:
		return nil, errors.New("may be called by nobody")
	case slices.ContainsFunc(r.Roles, unknown):
		return nil, errors.New("may be called by a role that there is not")
	case wertfachv1.Effect_name[int32(r.Effect)] == "" || r.Effect == wertfachv1.Effect_EFFECT_UNSPECIFIED:
		return nil, errors.New("does not say what it does")
	case r.VerifiedCall && r.Resource == "":
		return nil, errors.New("needs a call and is about no customer")
	case slices.Contains(r.Roles, wertfachv1.Role_ROLE_HOTLINE) && r.Resource == "":
		return nil, errors.New("is for agents and about no institute")
	}
	return r, r.resolve(m.Input())
}

func unknown(role wertfachv1.Role) bool {
	return wertfachv1.Role_name[int32(role)] == "" || role == wertfachv1.Role_ROLE_UNSPECIFIED
}

// resolve finds the field of the resource.
func (r *Rule) resolve(md protoreflect.MessageDescriptor) error {
	if r.Resource == "" {
		return nil
	}
	for name := range strings.SplitSeq(r.Resource, ".") {
		if md == nil {
			return errors.New("the path of its resource leads through a field that is no message")
		}
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			return errors.New("the path of its resource leads to no field")
		}
		if fd.IsList() || fd.IsMap() {
			return errors.New("the path of its resource leads through several values")
		}
		r.path = append(r.path, fd)
		md = fd.Message()
	}
	if last := r.path[len(r.path)-1]; last.Kind() != protoreflect.StringKind {
		return errors.New("its resource is no text")
	}
	return nil
}

// Name is the name of what a request is about, as the caller gave it; nothing
// about it is checked.
func (r *Rule) Name(req proto.Message) string {
	if len(r.path) == 0 {
		return ""
	}
	m := req.ProtoReflect()
	for _, fd := range r.path[:len(r.path)-1] {
		m = m.Get(fd).Message()
	}
	return m.Get(r.path[len(r.path)-1]).String()
}
