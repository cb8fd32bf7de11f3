package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxLines is the length above which a file should become two.
const maxLines = 500

// mark finds what was left for later. Work that is known goes to the issue tracker, where somebody sees it. The words
// are put together here so that this file does not find itself.
var mark = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME)\b`)

// rules applies every house rule to a repository: no long file, no mark, a comment on every package and exported name,
// and the same versions in go.mod as in the module that generates code.
func rules(repository fs.FS) ([]finding, error) {
	var found []finding
	packages := map[string][]source{}
	err := fs.WalkDir(repository, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if foreign(name) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || !ours(name) {
			return nil
		}
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".go" {
			file, err := parse(name, text)
			if err != nil {
				return err
			}
			packages[path.Dir(name)] = append(packages[path.Dir(name)], file)
			if file.generated {
				return nil
			}
		}
		found = append(found, lengthAndMarks(name, text)...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for folder, files := range packages {
		found = append(found, comments(folder, files)...)
	}
	pinned, err := pins(repository, "go.mod", "tools/proto/go.mod")
	found = append(found, pinned...)
	slices.SortFunc(found, func(a, b finding) int {
		return strings.Compare(fmt.Sprintf("%s %9d", a.file, a.line), fmt.Sprintf("%s %9d", b.file, b.line))
	})
	return found, err
}

// foreign reports whether a folder holds nothing that we wrote as source: what was built, hidden folders except the
// one of continuous integration, and test data.
func foreign(folder string) bool {
	base := path.Base(folder)
	return folder == "bin" || base == "testdata" || strings.HasPrefix(base, ".") && base != "." && base != ".ci"
}

// ours reports whether a file is source that a person wrote.
func ours(file string) bool {
	switch path.Ext(file) {
	case ".go", ".proto", ".md", ".yaml", ".hcl", ".html", ".css", ".js", ".sh":
		return true
	}
	return path.Base(file) == "Makefile" || path.Dir(file) == ".ci"
}

// lengthAndMarks looks at a file as text. Prose may be long.
func lengthAndMarks(name string, text []byte) []finding {
	var found []finding
	line := 0
	for content := range bytes.Lines(text) {
		line++
		if m := mark.Find(content); m != nil {
			found = append(found, finding{name, line, fmt.Sprintf("%s: file an issue instead of leaving a mark", m)})
		}
	}
	if line > maxLines && path.Ext(name) != ".md" {
		found = append(found, finding{name, 0, fmt.Sprintf("has %d lines; split it, %d are the most", line, maxLines)})
	}
	return found
}
