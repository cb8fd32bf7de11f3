package field_test

import (
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestEveryFieldSaysHowItIsHandled goes through all that a customer or a scan can
// hold. A field that is forgotten would be shown, logged or lost.
func TestEveryFieldSaysHowItIsHandled(t *testing.T) {
	t.Parallel()
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(md protoreflect.MessageDescriptor) {
		if seen[md.FullName()] || md.ParentFile().Package() != "wertfach.v1" {
			return
		}
		seen[md.FullName()] = true
		for i := range md.Fields().Len() {
			fd := md.Fields().Get(i)
			if fd.Message() != nil {
				walk(fd.Message())
				continue
			}
			if md.FullName() == "wertfach.v1.Contract" && fd.Name() == "state" {
				continue // it tells what the date beside it tells
			}
			h, _ := proto.GetExtension(fd.Options(), wertfachv1.E_Handling).(*wertfachv1.Handling)
			if h.GetClass() == wertfachv1.FieldClass_FIELD_CLASS_UNSPECIFIED {
				t.Errorf("%s has no class", fd.FullName())
			}
		}
	}
	for _, m := range []proto.Message{&wertfachv1.Customer{}, &wertfachv1.Artefact{}, &wertfachv1.Scan{}} {
		walk(m.ProtoReflect().Descriptor())
	}
	if len(seen) < 10 {
		t.Errorf("only %d messages were looked at", len(seen))
	}
}

// TestEveryValueHasAFormat: what customers type is checked. Without one are only
// the fields that the server sets.
func TestEveryValueHasAFormat(t *testing.T) {
	t.Parallel()
	servers := []protoreflect.Name{"name", "etag"}
	for _, table := range []struct {
		t *field.Table
		m proto.Message
	}{{field.Customer, &wertfachv1.Customer{}}, {field.Artefact, &wertfachv1.Artefact{}}} {
		var walk func(md protoreflect.MessageDescriptor, prefix string)
		walk = func(md protoreflect.MessageDescriptor, prefix string) {
			for i := range md.Fields().Len() {
				fd := md.Fields().Get(i)
				behaviours, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
				switch {
				case slices.Contains(behaviours, annotations.FieldBehavior_OUTPUT_ONLY), fd.IsList():
				case fd.Message() != nil:
					walk(fd.Message(), prefix+string(fd.Name())+".")
				case prefix == "" && slices.Contains(servers, fd.Name()):
					if table.t.Spec(string(fd.Name())) != nil {
						t.Errorf("%s can be changed by a caller", fd.FullName())
					}
				default:
					s := table.t.Spec(prefix + string(fd.Name()))
					if s == nil {
						t.Errorf("%s would be dropped", fd.FullName())
					} else if (fd.Kind() == protoreflect.StringKind) != (s.Format != "") {
						t.Errorf("%s has format %q", fd.FullName(), s.Format)
					}
				}
			}
		}
		walk(table.m.ProtoReflect().Descriptor(), "")
	}
}

// TestFormatsAreThoseOfTheSchema, in both directions.
func TestFormatsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	named := map[format.Format]bool{}
	values := wertfachv1.Format(0).Descriptor().Values()
	for i := range values.Len() {
		number := wertfachv1.Format(values.Get(i).Number())
		if number == wertfachv1.Format_FORMAT_UNSPECIFIED {
			if field.FormatOf(number) != "" {
				t.Error("no format has a format")
			}
			continue
		}
		f := field.FormatOf(number)
		if !slices.Contains(format.Known(), f) {
			t.Errorf("%s: there are no rules for %q", number, f)
		}
		named[f] = true
	}
	for _, f := range format.Known() {
		if !named[f] {
			t.Errorf("the schema has no name for %q", f)
		}
	}
}

// TestAnnotationsFitTogether says what can't be meant.
func TestAnnotationsFitTogether(t *testing.T) {
	t.Parallel()
	for _, table := range []*field.Table{field.Customer, field.Artefact} {
		for _, s := range table.Specs() {
			if s.Secret && s.Lookup != "" {
				t.Errorf("%s: a secret can't be looked up: its pointer would be kept beside it", s.Path)
			}
			if (s.Hashed || s.IssuerOnly) && !s.Secret {
				t.Errorf("%s: hashed or the issuer's only, and no secret", s.Path)
			}
			if s.Secret && (s.Mask == format.MaskNone || !s.Masked()) {
				t.Errorf("%s: a secret without a mask", s.Path)
			}
			if s.Lookup != "" && blobstore.CheckName(s.Lookup) != nil {
				t.Errorf("%s: the look-up %q can't stand in an object's name", s.Path, s.Lookup)
			}
			if s.Lookup != "" && s.Format == "" {
				t.Errorf("%s: a look-up needs a spelling to compare", s.Path)
			}
			if s.Mask != format.MaskNone && s.Format == "" {
				t.Errorf("%s: a mask is for text", s.Path)
			}
		}
	}
}

// TestSecretsAreThese: the list is written down once more here, so that none
// stops being one by a slip in the schema.
func TestSecretsAreThese(t *testing.T) {
	t.Parallel()
	want := []string{
		"phone_password", "online_banking_login",
		"sim_card.pin", "sim_card.pin2", "sim_card.puk", "sim_card.puk2",
		"payment_card.pan", "payment_card.card_verification_code",
	}
	var got []string
	for _, table := range []*field.Table{field.Customer, field.Artefact} {
		for _, s := range table.Specs() {
			if s.Secret {
				got = append(got, s.Path)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("secrets are %q, want %q", got, want)
	}
	if !field.Customer.Spec("phone_password").Hashed || !field.Artefact.Spec("payment_card.card_verification_code").IssuerOnly {
		t.Error("the telephone password is not hashed, or the card's code not the issuer's only")
	}
}
