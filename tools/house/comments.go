package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
)

// A source is one parsed Go file.
type source struct {
	name      string
	tree      *ast.File
	lines     *token.FileSet
	generated bool
}

// parse reads a Go file with its comments.
func parse(name string, text []byte) (source, error) {
	lines := token.NewFileSet()
	tree, err := parser.ParseFile(lines, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{name, tree, lines, ast.IsGenerated(tree)}, nil
}

// test reports whether the file is compiled for tests only.
func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

// comments finds the package in folder without a comment, and its exported names without one. Generated code cannot
// bring a package comment of ours: such a package needs a doc.go beside it.
func comments(folder string, files []source) []finding {
	var found []finding
	code, documented := false, false
	for _, file := range files {
		if file.test() {
			continue
		}
		code = true
		if file.generated {
			continue
		}
		documented = documented || file.tree.Doc != nil
		if file.tree.Name.Name != "main" {
			found = append(found, bare(file)...)
		}
	}
	if code && !documented {
		found = append(found, finding{path.Join(folder, "doc.go"), 0, "missing: no file says what the package is for"})
	}
	return found
}

// bare finds the exported names of a file that have no comment.
func bare(file source) []finding {
	var found []finding
	report := func(name *ast.Ident) {
		if name.IsExported() {
			line := file.lines.Position(name.Pos()).Line
			found = append(found, finding{file.name, line, fmt.Sprintf("exported %s has no comment", name.Name)})
		}
	}
	for _, decl := range file.tree.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Doc == nil && reachable(decl.Recv) && !customary[decl.Name.Name] {
				report(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if decl.Doc == nil && spec.Doc == nil {
						report(spec.Name)
					}
				case *ast.ValueSpec:
					// One comment may serve a whole group of constants.
					if decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						for _, name := range spec.Names {
							report(name)
						}
					}
				}
			}
		}
	}
	return found
}

// customary are methods whose name says all: the standard library fixes what they do.
var customary = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Is": true, "As": true}

// reachable reports whether a function is no method, or one of an exported type.
func reachable(receiver *ast.FieldList) bool {
	if receiver == nil || len(receiver.List) == 0 {
		return true
	}
	expr := receiver.List[0].Type
	for {
		switch t := expr.(type) {
		case *ast.StarExpr:
			expr = t.X
		case *ast.IndexExpr:
			expr = t.X
		case *ast.IndexListExpr:
			expr = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}
