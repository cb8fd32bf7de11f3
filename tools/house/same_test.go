package main

import (
	"errors"
	"testing"
	"testing/fstest"
)

func TestSame(t *testing.T) {
	t.Parallel()
	made := fstest.MapFS{
		"proto/a.pb.go": {Data: []byte("a")}, "proto/b.pb.go": {Data: []byte("b")}, "proto/c.pb.go": {Data: []byte("c")},
	}
	tree := fstest.MapFS{
		"proto/a.pb.go": {Data: []byte("a")}, "proto/b.pb.go": {Data: []byte("B")}, "proto/d.pb.go": {Data: []byte("d")},
		"proto/doc.go": {Data: []byte("ours")}, ".build/made/proto/e.pb.go": {Data: []byte("e")},
	}
	found, err := same(made, tree)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, found, []string{"proto/b.pb.go: is not", "proto/c.pb.go: missing", "proto/d.pb.go: has no schema"})
	if found, err = same(made, made); err != nil || len(found) > 0 {
		t.Errorf("a tree differs from itself: %v, %v", found, err)
	}
	if _, err = same(fstest.MapFS{}, tree); !errors.Is(err, errNothingMade) {
		t.Errorf("comparing with nothing: %v", err)
	}
}
