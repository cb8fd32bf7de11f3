package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in a configuration.
type Problem struct {
	// Key is the path of the key: "vault.auth.token_file", "institutes[1].id".
	Key string
	// Rule is what must hold, as a sentence that goes on after the key: "must
	// not be empty". It never repeats the value.
	Rule string
	// Line is where in the file, or 0 for something that is missing.
	Line int
}

// String is the problem as an operator reads it.
func (p Problem) String() string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("line %d: ", p.Line)
	}
	if p.Key == "" {
		return at + p.Rule
	}
	return at + p.Key + " " + p.Rule
}

// Error is a configuration file that can't be used.
type Error struct {
	// File is its path as it was given.
	File string
	// Problems are all that were found, at least one.
	Problems []Problem
}

// Error names the file and has a line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	if len(lines) == 1 {
		return fmt.Sprintf("configuration %s: %s", e.File, lines[0])
	}
	return fmt.Sprintf("configuration %s:\n  %s", e.File, strings.Join(lines, "\n  "))
}
