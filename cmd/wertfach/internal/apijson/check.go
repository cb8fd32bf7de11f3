package apijson

import (
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/fault"
)

// Into fills a message. Violations name fields as prefix and path, in the names
// of the schema, as the server's do: "artefact." gives "artefact.sim_card.puk".
func (v Value) Into(m proto.Message, prefix string) error {
	c := checker{file: v.file}
	c.message(v, m.ProtoReflect().Descriptor(), strings.TrimSuffix(prefix, "."))
	if len(c.found) > 0 {
		return fault.Fields(c.found...)
	}
	if err := protojson.Unmarshal(v.raw, m); err != nil {
		// What the checks left to protojson: numbers and points in time. Its words
		// quote the value.
		c.add(strings.TrimSuffix(prefix, "."), v.line, "json.form", "holds a value that can't be read")
		return fault.Fields(c.found...)
	}
	return nil
}

type checker struct {
	file  string
	found []fault.Violation
}

func (c *checker) add(path string, line int, rule, description string) {
	c.found = append(c.found, fault.Violation{
		Field: path, Rule: rule, Description: fmt.Sprintf("%s (%s, line %d)", description, c.file, line),
	})
}

func (c *checker) message(v Value, md protoreflect.MessageDescriptor, path string) {
	if v.kind != object {
		c.add(path, v.line, "json.object", "must be an object in braces")
		return
	}
	seen := map[protoreflect.FullName]string{}
	for _, m := range v.members {
		fd := fieldOf(md, m.name)
		inner := path + "." + shown(m.name)
		if fd == nil {
			c.add(inner, m.line, "json.unknown-field", "is not a field of "+string(md.Name()))
			continue
		}
		inner = path + "." + string(fd.Name())
		slot := fd.FullName()
		if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
			slot = oneof.FullName()
		}
		switch before, twice := seen[slot]; {
		case twice && before == inner:
			c.add(inner, m.line, "json.twice", "must not stand twice")
		case twice:
			c.add(inner, m.line, "json.one-of", "can't stand beside "+before+": only one of them")
		}
		seen[slot] = inner
		c.field(m.value, fd, inner)
	}
}

func (c *checker) field(v Value, fd protoreflect.FieldDescriptor, path string) {
	switch {
	case v.kind == null: // leaves the field empty
	case fd.IsMap(): // none in what people write
	case fd.IsList():
		if v.kind != array {
			c.add(path, v.line, "json.list", "must be a list in brackets")
			return
		}
		for i, element := range v.elements {
			c.single(element, fd, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		c.single(v, fd, path)
	}
}

func (c *checker) single(v Value, fd protoreflect.FieldDescriptor, path string) {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		if fd.Message().ParentFile().Package() != "google.protobuf" {
			c.message(v, fd.Message(), path)
		}
	case protoreflect.StringKind, protoreflect.BytesKind:
		if v.kind != text {
			c.add(path, v.line, "json.text", "must be text in quotes")
		}
	case protoreflect.BoolKind:
		if v.kind != truth {
			c.add(path, v.line, "json.bool", "must be true or false, without quotes")
		}
	case protoreflect.EnumKind:
		if !names(fd.Enum(), v) {
			c.add(path, v.line, "json.enum", "must be one of "+strings.Join(allNames(fd.Enum()), ", "))
		}
	}
}

// fieldOf finds a field by its name in JSON or in the schema.
func fieldOf(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByJSONName(name); fd != nil {
		return fd
	}
	return md.Fields().ByTextName(name)
}

// names says whether a value is the name of one of the enum's.
func names(enum protoreflect.EnumDescriptor, v Value) bool {
	if v.kind != text {
		return false
	}
	return enum.Values().ByName(protoreflect.Name(strings.Trim(string(v.raw), `"`))) != nil
}

// allNames are the enum's names, without the one that says nothing.
func allNames(enum protoreflect.EnumDescriptor) []string {
	var all []string
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); value.Number() != 0 {
			all = append(all, string(value.Name()))
		}
	}
	return all
}

// plainName is what the name of a field looks like. Whatever else stands in its
// place may be a value, and is not repeated.
var plainName = regexp.MustCompile(`^[A-Za-z_]{1,40}[0-9]{0,3}$`)

func shown(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "?"
}
