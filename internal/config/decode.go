package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decode reads the text into c and says all that does not fit. The library's
// own strict mode names Go types, not keys, and repeats values; so the document
// is compared with the type first, and the library decodes only what fits.
func decode(text []byte, c *Config) []Problem {
	var document yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(text))
	if err := in.Decode(&document); errors.Is(err, io.EOF) {
		return []Problem{{Rule: "the file is empty"}}
	} else if err != nil {
		return []Problem{{Rule: "the file is not YAML" + place(err)}}
	}
	if err := in.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return []Problem{{Rule: "the file must hold a single YAML document"}}
	}
	var f fit
	f.value("", document.Content[0], reflect.TypeFor[Config]())
	if len(f.problems) > 0 {
		return f.problems
	}
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(c); err != nil {
		return []Problem{{Rule: "the file can't be decoded"}}
	}
	return nil
}

// place is the line that the library names in an error of syntax. The rest of
// its text may quote the file.
func place(err error) string {
	var line int
	if n, _ := fmt.Sscanf(strings.TrimPrefix(err.Error(), "yaml: "), "line %d:", &line); n == 1 {
		return fmt.Sprintf(" (line %d)", line)
	}
	return ""
}

// fit compares a document with a type.
type fit struct{ problems []Problem }

func (f *fit) add(n *yaml.Node, key, rule string) {
	f.problems = append(f.problems, Problem{Key: key, Rule: rule, Line: n.Line})
}

// value compares one value with its type. A key without a value is one that was
// not given.
func (f *fit) value(key string, n *yaml.Node, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		f.add(n, key, "must not use anchors and aliases")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null" && key != "":
	case t.Kind() == reflect.Struct:
		f.section(key, n, t)
	case t.Kind() == reflect.Slice:
		f.list(key, n, t.Elem())
	case n.Kind != yaml.ScalarNode || n.Decode(reflect.New(t).Interface()) != nil:
		f.add(n, key, "must be "+kind(t))
	}
}

func (f *fit) section(key string, n *yaml.Node, t reflect.Type) {
	if n.Kind != yaml.MappingNode {
		f.add(n, key, "must be a section with keys")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		path := strings.TrimPrefix(key+"."+spelt(name.Value), ".")
		field, known := byKey(t, name.Value)
		switch {
		case !known:
			f.add(name, path, "is not a key; known here are "+strings.Join(keys(t), ", "))
		case seen[name.Value]:
			f.add(name, path, "is given twice")
		default:
			f.value(path, value, field)
		}
		seen[name.Value] = true
	}
}

func (f *fit) list(key string, n *yaml.Node, t reflect.Type) {
	if n.Kind != yaml.SequenceNode {
		f.add(n, key, "must be a list")
		return
	}
	for i, item := range n.Content {
		f.value(fmt.Sprintf("%s[%d]", key, i), item, t)
	}
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// spelt is a key as an error shows it. What does not look like a key may be a
// value in the wrong place.
func spelt(key string) string {
	if keyForm.MatchString(key) {
		return key
	}
	return "(unreadable)"
}

// byKey is the type of what a key of the section holds.
func byKey(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

// kind says what a value of the type looks like.
func kind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 1h"
	case t == reflect.TypeFor[Size]():
		return "a size such as 52428800 or 50 MiB"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}
