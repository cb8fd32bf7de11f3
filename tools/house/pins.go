package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// pins finds modules that two go.mod files pin to different versions. Generated code is compiled with the versions of
// the one and generated with those of the other, so they have to agree.
func pins(repository fs.FS, root, generator string) ([]finding, error) {
	compiled, err := versions(repository, root)
	if err != nil {
		return nil, err
	}
	generated, err := versions(repository, generator)
	if err != nil {
		return nil, err
	}
	var found []finding
	for module, pin := range generated {
		if other, both := compiled[module]; both && other.version != pin.version && !pin.indirect {
			what := fmt.Sprintf("%s is %s here and %s in %s; make them one", module, pin.version, other.version, root)
			found = append(found, finding{generator, pin.line, what})
		}
	}
	return found, nil
}

// A pin is a module's version as one line of go.mod gives it.
type pin struct {
	version  string
	line     int
	indirect bool
}

// versions reads the requirements of a go.mod file, by module path.
func versions(repository fs.FS, name string) (map[string]pin, error) {
	text, err := fs.ReadFile(repository, name)
	if err != nil {
		return nil, err
	}
	required := map[string]pin{}
	line, block := 0, ""
	for content := range strings.Lines(string(text)) {
		line++
		words, comment, _ := strings.Cut(strings.TrimSpace(content), "//")
		fields := strings.Fields(words)
		switch {
		case len(fields) == 2 && fields[1] == "(":
			block = fields[0]
		case len(fields) == 1 && fields[0] == ")":
			block = ""
		case len(fields) == 3 && fields[0] == "require":
			required[fields[1]] = pin{fields[2], line, strings.Contains(comment, "indirect")}
		case len(fields) == 2 && block == "require":
			required[fields[0]] = pin{fields[1], line, strings.Contains(comment, "indirect")}
		}
	}
	if len(required) == 0 {
		return nil, fmt.Errorf("%s: %w", name, errNoRequirement)
	}
	return required, nil
}

// errNoRequirement says that a go.mod requires nothing: it was not understood, for both of ours require much.
var errNoRequirement = errors.New("no module required")
