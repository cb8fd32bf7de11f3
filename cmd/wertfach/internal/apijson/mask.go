package apijson

import (
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/fault"
)

// Paths gives the paths of the fields that stand in the file, as an update mask
// names them: "address.street". A field that stands there empty is to be cleared,
// and so it is in the mask too; `{}` and null stand for all fields of a message.
//
// What the server sets is left out (times, state, scans), and so are name and etag,
// so that a file from `get` can be changed and given back. Lists are refused: an
// update does not change them.
func (v Value) Paths(m proto.Message, prefix string) ([]string, error) {
	c := checker{file: v.file}
	paths := c.paths(v, m.ProtoReflect().Descriptor(), "", prefix)
	if len(c.found) > 0 {
		return nil, fault.Fields(c.found...)
	}
	return paths, nil
}

func (c *checker) paths(v Value, md protoreflect.MessageDescriptor, path, prefix string) []string {
	var all []string
	for _, m := range v.members {
		fd := fieldOf(md, m.name)
		if fd == nil || setByServer(fd) || fd.Name() == "etag" {
			continue
		}
		inner := path + string(fd.Name())
		switch {
		case fd.IsList() || fd.IsMap():
			c.add(prefix+inner, m.line, "json.update", "can't be changed by an update; leave it out")
		case fd.Kind() == protoreflect.MessageKind && len(m.value.members) > 0:
			all = append(all, c.paths(m.value, fd.Message(), inner+".", prefix)...)
		default:
			all = append(all, inner)
		}
	}
	return all
}

// setByServer says whether callers can't set a field (AIP-203).
func setByServer(fd protoreflect.FieldDescriptor) bool {
	behaviours, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == annotations.FieldBehavior_OUTPUT_ONLY || b == annotations.FieldBehavior_IDENTIFIER {
			return true
		}
	}
	return false
}
