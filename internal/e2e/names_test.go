package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// hostileIDs are ids that no name may have: path tricks, upper case, characters
// that look like others, and what breaks lines, URLs and shells.
var hostileIDs = []string{
	"", ".", "..", "../otto", "erika/../otto", "erika%2f..%2fotto", "erika\\..\\otto", "%65rika",
	"Erika", "ERIKA", "erika ", " erika", "erika\n", "erika\r\nX-Role: operator", "eri\x00ka",
	"\u0435rika", "\uff45rika", "er\u0131ka", "erika\u200b", "\u202eerika", "eri\u00adka", "\u00e9rika", "e\u0301rika", "\U0001d41erika",
	"erika.", "er_ika", "-erika", "erika-", "erika~", "*", "erika*", "erika?versions", "erika#secret", "erika;drop", "$(erika)", "erika|otto",
	"er'ika", `er"ika`, strings.Repeat("e", 65), strings.Repeat("erika", 1000),
}

// hostileNames are whole names that are none of a pattern's, made from a good
// one.
func hostileNames(good string) []string {
	return []string{
		"", "/", "/" + good, good + "/", "//" + good, strings.Replace(good, "/", "//", 1), "./" + good, "https://wertfach.example/v1/" + good,
		strings.ToUpper(good), strings.Replace(good, "institutes", "Institutes", 1), strings.Replace(good, "institutes", "institute", 1),
		good + "/more/things", strings.Join(strings.Split(good, "/")[1:], "/"), good[:strings.LastIndexByte(good, '/')],
		strings.ReplaceAll(good, "/", "\\"), strings.ReplaceAll(good, "/", "\u2215"), good + "\x00", good + "?", good + " ",
	}
}

// TestHostileNames puts each of them into every field of every RPC that holds a
// name. None is taken, none changes anything, and none is repeated.
func TestHostileNames(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "target")
		all, tried := requests(), 0
		for _, m := range everyMethod(t) {
			fields := nameFields(m.Input(), m.Input(), "")
			if len(fields) == 0 && ruleOf(t, m).Resource != "" {
				t.Errorf("%s names nothing", m.FullName())
			}
			for _, f := range fields {
				s.unchanged(t, string(m.Name()), func() {
					good := all[m.Name()].good(x)
					for _, name := range hostile(get(good, f.path), f.rule) {
						req := proto.Clone(good)
						set(req, f.path, name)
						s.sent.reset()
						_, err := s.call(t.Context(), m, req)
						code, reason, broken := said(err)
						if code != codes.InvalidArgument || reason != "INVALID_FIELD" || !slices.Equal(broken, []string{f.path + " " + f.rule}) {
							t.Errorf("%s with %s %.80q: %v", m.Name(), f.path, name, err)
						}
						if value := s.sent.repeatedIn(err); value != "" {
							t.Errorf("%s with %s %.80q: the error repeats %q", m.Name(), f.path, name, value)
						}
						tried++
					}
				})
			}
		}
		t.Logf("%d names were refused", tried)
	})
}

// hostile is what to put in the place of a good name, for the rule that it is to
// break.
func hostile(good, rule string) []string {
	switch rule {
	case "id.form":
		return hostileIDs
	case "name.given": // must be empty
		return append(hostileNames("institutes/musterbank/customers/erika/artefacts/mine")[1:], "mine")
	}
	names := hostileNames(good)
	parts := strings.Split(good, "/")
	for i := 1; i < len(parts); i += 2 {
		for _, id := range hostileIDs {
			names = append(names, strings.Join(slices.Concat(parts[:i], []string{id}, parts[i+1:]), "/"))
		}
	}
	return names
}

// A nameField is a field that holds a name or an id, and the rule that a bad one
// breaks.
type nameField struct{ path, rule string }

// nameFields looks through a request for them. What the server sets is left out.
// The name within a resource says which one to update, and else is not the
// caller's to give.
func nameFields(root, md protoreflect.MessageDescriptor, prefix string) []nameField {
	var found []nameField
	updates := strings.HasPrefix(string(root.Name()), "Update")
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		path := prefix + string(fd.Name())
		switch {
		case strings.HasPrefix(string(fd.FullName()), "google.") || serverSets(fd) && fd.Name() != "name":
		case fd.Kind() == protoreflect.MessageKind && fd.IsList():
			found = append(found, nameFields(root, fd.Message(), path+"[0].")...)
		case fd.Kind() == protoreflect.MessageKind:
			found = append(found, nameFields(root, fd.Message(), path+".")...)
		case fd.Name() == "customer_id":
			found = append(found, nameField{path, "id.form"})
		case fd.Name() == "parent", fd.Name() == "name" && (prefix == "" || updates):
			found = append(found, nameField{path, "name.form"})
		case fd.Name() == "name":
			found = append(found, nameField{path, "name.given"})
		}
	}
	return found
}

// get and set reach a text by its path.
func get(m proto.Message, path string) string {
	at, fd := reach(m, path)
	return at.Get(fd).String()
}

func set(m proto.Message, path, value string) {
	at, fd := reach(m, path)
	at.Set(fd, protoreflect.ValueOfString(value))
}

func reach(m proto.Message, path string) (protoreflect.Message, protoreflect.FieldDescriptor) {
	at := m.ProtoReflect()
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		part, indexed := strings.CutSuffix(part, "[0]")
		fd := at.Descriptor().Fields().ByName(protoreflect.Name(part))
		if indexed {
			at = at.Mutable(fd).List().Get(0).Message()
		} else {
			at = at.Mutable(fd).Message()
		}
	}
	return at, at.Descriptor().Fields().ByName(protoreflect.Name(parts[len(parts)-1]))
}

// Every RPC says the same of a customer at an institute that is not served as of
// one who is not enrolled, and of an artefact that is not there.
func TestUnknownInstituteIsNotFound(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "target")
		for _, m := range everyMethod(t) {
			if ruleOf(t, m).Resource == "" {
				continue // about no institute
			}
			s.unchanged(t, string(m.Name()), func() {
				req := requests()[m.Name()].good(x)
				for _, f := range nameFields(m.Input(), m.Input(), "") {
					if f.rule == "name.form" {
						set(req, f.path, strings.Replace(get(req, f.path), bank, "institutes/strange", 1))
					}
				}
				if _, err := s.call(t.Context(), m, req); statusCode(err) != codes.NotFound {
					t.Errorf("%s: %v", m.Name(), err)
				}
			})
		}
	})
}

func statusCode(err error) codes.Code {
	code, _, _ := said(err)
	return code
}
