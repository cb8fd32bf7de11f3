// Command house checks what no ready-made tool checks about this repository. `make check` runs it; see the Makefile.
//
//	house rules             the house rules over the working folder: see rules.go
//	house same MADE TREE    whether the generated code under TREE is what was just made under MADE
//	house earlier OUT       puts the schemas of the commit to compare with under OUT; says so when there are none
//
// Findings go to standard output, one a line, as file:line: what is wrong. The exit code is 1 when there are any.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errUsage says that the arguments name no command.
var errUsage = errors.New("usage: house rules | house same MADE TREE | house earlier OUT")

func main() {
	findings, err := run(os.Args[1:], os.Stdout)
	for _, f := range findings {
		fmt.Println(f)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	case len(findings) > 0:
		os.Exit(1)
	}
}

// run does what the arguments say in the working folder. Remarks that are no findings go to notes.
func run(args []string, notes io.Writer) ([]finding, error) {
	switch {
	case len(args) == 1 && args[0] == "rules":
		return rules(os.DirFS("."))
	case len(args) == 3 && args[0] == "same":
		return same(os.DirFS(args[1]), os.DirFS(args[2]))
	case len(args) == 2 && args[0] == "earlier":
		return nil, earlier(".", args[1], notes)
	}
	return nil, errUsage
}

// A finding is one thing to be mended.
type finding struct {
	file string // slash-separated, from the repository's root
	line int    // from 1; 0 where the whole file is meant
	what string
}

// String is the form that editors and terminals make clickable.
func (f finding) String() string {
	if f.line == 0 {
		return f.file + ": " + f.what
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.what)
}
