package main

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
)

// errNothingMade says that no generated file was found to compare with.
var errNothingMade = errors.New("nothing was generated")

// same finds generated files under tree that differ from those just made, are missing, or are left from a schema that
// is no more.
func same(made, tree fs.FS) ([]finding, error) {
	fresh, err := generated(made)
	if err != nil {
		return nil, err
	}
	if len(fresh) == 0 {
		return nil, errNothingMade
	}
	committed, err := generated(tree)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, name := range fresh {
		want, err := fs.ReadFile(made, name)
		if err != nil {
			return nil, err
		}
		got, err := fs.ReadFile(tree, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, finding{name, 0, "missing; run make generate"})
		case err != nil:
			return nil, err
		case !bytes.Equal(got, want):
			found = append(found, finding{name, 0, "is not what its schema gives; run make generate"})
		}
	}
	for _, name := range committed {
		if _, err := fs.Stat(made, name); errors.Is(err, fs.ErrNotExist) {
			found = append(found, finding{name, 0, "has no schema any more; remove it"})
		}
	}
	return found, nil
}

// generated lists the Go files under root that protoc's plugins wrote.
func generated(root fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && foreign(name):
			return fs.SkipDir
		case strings.HasSuffix(name, ".pb.go"):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}
