// Package field turns the API's messages into plain values and back, by what
// the annotations in proto/wertfach/v1 say of each field.
//
// A resource's fields become [Values]: text by path in proto names, such as
// "sim_card.puk". Everything that custody does with a field — check it, mask
// it, put it in a compartment, find it again through a blind index — it does by
// looking up the path's [Spec] in the resource's [Table]. So a new field, or a
// new kind of artefact, is a change of the schema alone.
//
// Fields that the server sets itself (names, times, etags), lists and nested
// resources are no values: they have no format, and the handlers carry them.
package field

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/format"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Values are a resource's values by path. An absent path is an empty field.
type Values map[string]string

// Spec is what the annotations say of one field.
type Spec struct {
	// Path is where the field is, in proto names: "sim_card.puk".
	Path string
	// Secret values lie in a compartment and are given out only by a reveal.
	Secret bool
	// Hashed secrets are kept as a hash and not even revealed.
	Hashed bool
	// IssuerOnly values need the institute's leave (PCI DSS v4, 3.3.3).
	IssuerOnly bool
	// NotFuture dates are today at the latest.
	NotFuture bool
	// Required fields are not empty.
	Required bool
	// Lookup is the kind of blind index that leads to the value, or "".
	Lookup string
	// Mask is what of the value is shown without a reveal.
	Mask format.Mask
	// Format is how the value is normalised and checked; "" for enums and truth
	// values, which the schema checks.
	Format format.Format

	// fields leads to the field from the resource.
	fields []protoreflect.FieldDescriptor
}

// Masked says whether a reader without a reveal sees less than the value.
func (s *Spec) Masked() bool { return s.Secret || s.Mask != format.MaskNone }

// Show is what of a typed value is seen without a reveal.
func (s *Spec) Show(typed string) string {
	if !s.Masked() {
		return typed
	}
	return s.Mask.Apply(s.Format, typed)
}

// Choices are the names of the values of an enum, but for the one that says
// nothing; nil where the field is none.
func (s *Spec) Choices() []string {
	fd := s.fields[len(s.fields)-1]
	if fd.Kind() != protoreflect.EnumKind {
		return nil
	}
	var names []string
	for i := range fd.Enum().Values().Len() {
		if v := fd.Enum().Values().Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	return names
}

// Truth says whether the field is a truth value: "true" or "false".
func (s *Spec) Truth() bool { return s.fields[len(s.fields)-1].Kind() == protoreflect.BoolKind }

// Kind is a kind of artefact.
type Kind struct {
	// Name is the member of the oneof: "sim_card".
	Name string
	// Service is the name of the service that it needs: "SERVICE_SIM_CARD_PROTECTION".
	Service string
}

// Table is what the annotations say of a resource's fields.
type Table struct {
	specs  []*Spec
	byPath map[string]*Spec
	kinds  []Kind
}

// Customer and Artefact are the tables of the two resources that hold values.
var (
	Customer = newTable((*wertfachv1.Customer)(nil).ProtoReflect().Descriptor())
	Artefact = newTable((*wertfachv1.Artefact)(nil).ProtoReflect().Descriptor())
)

// Specs are all fields in the order of the schema.
func (t *Table) Specs() []*Spec { return t.specs }

// Spec is the field at path, or nil.
func (t *Table) Spec(path string) *Spec { return t.byPath[path] }

// Kinds are the kinds of artefact in the order of the schema; a customer has none.
func (t *Table) Kinds() []Kind { return t.kinds }

// ServiceOf is the service that a kind of artefact needs, or "" for an unknown
// kind.
func (t *Table) ServiceOf(kind string) string {
	for _, k := range t.kinds {
		if k.Name == kind {
			return k.Service
		}
	}
	return ""
}

func newTable(resource protoreflect.MessageDescriptor) *Table {
	t := &Table{byPath: map[string]*Spec{}}
	t.add(resource, nil, "")
	for i := range resource.Fields().Len() {
		fd := resource.Fields().Get(i)
		if s, ok := proto.GetExtension(fd.Options(), wertfachv1.E_Service).(wertfachv1.Service); ok && s != 0 {
			t.kinds = append(t.kinds, Kind{Name: string(fd.Name()), Service: s.String()})
		}
	}
	return t
}

func (t *Table) add(md protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor, prefix string) {
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if fd.IsList() || fd.IsMap() || behaves(fd, annotations.FieldBehavior_OUTPUT_ONLY) {
			continue
		}
		chain := append(append([]protoreflect.FieldDescriptor(nil), above...), fd)
		path := prefix + string(fd.Name())
		if fd.Kind() == protoreflect.MessageKind {
			t.add(fd.Message(), chain, path+".")
			continue
		}
		h := handling(fd)
		text := fd.Kind() == protoreflect.StringKind
		switch {
		case behaves(fd, annotations.FieldBehavior_IDENTIFIER), fd.Name() == "etag":
			continue // the handlers carry these
		case h.GetClass() == wertfachv1.FieldClass_FIELD_CLASS_UNSPECIFIED, text != (h.GetFormat() != 0),
			!text && fd.Kind() != protoreflect.EnumKind && fd.Kind() != protoreflect.BoolKind:
			// A value of such a field would be lost in silence.
			panic(fmt.Sprintf("the schema does not say how %s is handled", fd.FullName()))
		}
		s := &Spec{
			Path:       path,
			Secret:     IsSecret(fd),
			Hashed:     h.GetHashed(),
			IssuerOnly: h.GetIssuerOnly(),
			NotFuture:  h.GetNotFuture(),
			Required:   behaves(fd, annotations.FieldBehavior_REQUIRED),
			Lookup:     h.GetLookup(),
			Mask:       masks[h.GetMask()],
			Format:     FormatOf(h.GetFormat()),
			fields:     chain,
		}
		t.specs = append(t.specs, s)
		t.byPath[path] = s
	}
}

// IsSecret says whether a field of any message of the API is of class SECRET.
func IsSecret(fd protoreflect.FieldDescriptor) bool {
	return handling(fd).GetClass() == wertfachv1.FieldClass_FIELD_CLASS_SECRET
}

func handling(fd protoreflect.FieldDescriptor) *wertfachv1.Handling {
	h, _ := proto.GetExtension(fd.Options(), wertfachv1.E_Handling).(*wertfachv1.Handling)
	return h
}

var masks = map[wertfachv1.Mask]format.Mask{
	wertfachv1.Mask_MASK_UNSPECIFIED:         format.MaskNone,
	wertfachv1.Mask_MASK_ALL:                 format.MaskAll,
	wertfachv1.Mask_MASK_LAST_FOUR:           format.MaskLastFour,
	wertfachv1.Mask_MASK_FIRST_SIX_LAST_FOUR: format.MaskFirstSixLastFour,
}

// FormatOf is the format that an annotation names: FORMAT_CARD_EXPIRY is
// "card-expiry".
func FormatOf(f wertfachv1.Format) format.Format {
	if f == wertfachv1.Format_FORMAT_UNSPECIFIED {
		return ""
	}
	name := strings.TrimPrefix(f.String(), "FORMAT_")
	return format.Format(strings.ReplaceAll(strings.ToLower(name), "_", "-"))
}

func behaves(fd protoreflect.FieldDescriptor, want annotations.FieldBehavior) bool {
	behaviours, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == want {
			return true
		}
	}
	return false
}

// Read gives the values that are set in a resource's message, as they were
// typed but for stray white space at their ends.
func (t *Table) Read(m proto.Message) Values {
	values := Values{}
	for _, s := range t.specs {
		if text := s.read(m.ProtoReflect()); text != "" {
			values[s.Path] = text
		}
	}
	return values
}

// Write sets values in a resource's message. Paths that the message does not
// have are left out: they belong to a schema that this program does not know.
func (t *Table) Write(values Values, m proto.Message) {
	for path, text := range values {
		if s := t.byPath[path]; s != nil {
			s.write(m.ProtoReflect(), text)
		}
	}
}

// KindOf is the kind of artefact in a message, or "" where none is set.
func (t *Table) KindOf(m proto.Message) string {
	for _, k := range t.kinds {
		fd := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(k.Name))
		if m.ProtoReflect().Has(fd) {
			return k.Name
		}
	}
	return ""
}

// SetKind makes the message one of the kind, with no values yet.
func (t *Table) SetKind(m proto.Message, kind string) {
	fd := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	if fd != nil && t.ServiceOf(kind) != "" {
		m.ProtoReflect().Mutable(fd)
	}
}

func (s *Spec) read(m protoreflect.Message) string {
	last := len(s.fields) - 1
	for _, fd := range s.fields[:last] {
		if !m.Has(fd) {
			return ""
		}
		m = m.Get(fd).Message()
	}
	fd := s.fields[last]
	if !m.Has(fd) {
		return ""
	}
	switch v := m.Get(fd); fd.Kind() {
	case protoreflect.EnumKind:
		if named := fd.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
		return "" // the schema's own rules refuse an unknown number
	case protoreflect.BoolKind:
		return strconv.FormatBool(v.Bool())
	default:
		return format.Tidy(v.String())
	}
}

func (s *Spec) write(m protoreflect.Message, text string) {
	last := len(s.fields) - 1
	for _, fd := range s.fields[:last] {
		m = m.Mutable(fd).Message()
	}
	fd := s.fields[last]
	switch fd.Kind() {
	case protoreflect.EnumKind:
		if named := fd.Enum().Values().ByName(protoreflect.Name(text)); named != nil {
			m.Set(fd, protoreflect.ValueOfEnum(named.Number()))
		}
	case protoreflect.BoolKind:
		m.Set(fd, protoreflect.ValueOfBool(text == "true"))
	default:
		m.Set(fd, protoreflect.ValueOfString(text))
	}
}
