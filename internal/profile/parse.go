package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// A key is one line of a profile.
type key struct {
	name   string
	isPath bool
	in     func(*Profile) *string
}

// keys are all there are, in the order in which they are written.
var keys = []key{
	{"address", false, func(p *Profile) *string { return &p.Address }},
	{"ca_file", true, func(p *Profile) *string { return &p.CAFile }},
	{"cert_file", true, func(p *Profile) *string { return &p.CertFile }},
	{"key_file", true, func(p *Profile) *string { return &p.KeyFile }},
	{"token_file", true, func(p *Profile) *string { return &p.TokenFile }},
}

// parse reads a profile's text key by key. The decoder's own errors quote
// values, and whoever names the wrong file as a profile may have named a secret
// one; so none of them is passed on.
func parse(text []byte) (Profile, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return Profile{}, errors.New("it can't be read as YAML")
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Profile{}, errors.New("it must be a single YAML document")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return Profile{}, errors.New("it must be lines of the form key: value")
	}
	root := document.Content[0]
	var p Profile
	seen := map[string]bool{}
	for i := 0; i < len(root.Content); i += 2 {
		name, value := root.Content[i], root.Content[i+1]
		found := find(name.Value)
		switch {
		case found == nil:
			return Profile{}, fmt.Errorf("line %d: %s", name.Line, unknown(name.Value))
		case seen[found.name]:
			return Profile{}, fmt.Errorf("line %d: %s stands twice", name.Line, found.name)
		case value.Kind != yaml.ScalarNode || value.Tag != "!!str" || value.Value == "":
			return Profile{}, fmt.Errorf("line %d: %s must be text", name.Line, found.name)
		}
		seen[found.name] = true
		*found.in(&p) = value.Value
	}
	for _, needed := range []string{"address", "cert_file", "key_file"} {
		if !seen[needed] {
			return Profile{}, fmt.Errorf("%s must be given", needed)
		}
	}
	return p, nil
}

func find(name string) *key {
	for i := range keys {
		if keys[i].name == name {
			return &keys[i]
		}
	}
	return nil
}

// plainName is what the name of a key looks like. Anything else may be a value
// that got into the wrong place.
var plainName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z_-]{0,31}$`)

func unknown(name string) string {
	if plainName.MatchString(name) {
		return name + " is not a key of a profile"
	}
	return "there is something that is not a key of a profile"
}
