package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// errNoSchema says that there is nothing to compile, which is never what the caller meant.
var errNoSchema = errors.New("no .proto file found")

// compile returns the image of every .proto file in tree. The same tree always gives the same bytes.
func compile(ctx context.Context, tree fs.FS) ([]byte, error) {
	names, err := schemas(tree)
	if err != nil {
		return nil, err
	}
	var mistakes []error
	compiler := protocompile.Compiler{
		Resolver: protocompile.ResolverFunc(func(name string) (protocompile.SearchResult, error) {
			return find(tree, name)
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
		// Collect every mistake: one run shows a person all that is to be mended.
		Reporter: reporter.NewReporter(func(err reporter.ErrorWithPos) error {
			mistakes = append(mistakes, err)
			return nil
		}, nil),
	}
	files, err := compiler.Compile(ctx, names...)
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	for _, file := range files {
		add(set, file, seen)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(set)
}

// schemas lists the .proto files of tree in lexical order.
func schemas(tree fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path.Ext(name) == ".proto" {
			names = append(names, name)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = errNoSchema
	}
	return names, err
}

// find looks for an imported schema in tree, then among those whose Go code is linked into this program; see imports.go.
func find(tree fs.FS, name string) (protocompile.SearchResult, error) {
	source, err := tree.Open(name)
	if err == nil {
		return protocompile.SearchResult{Source: source}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return protocompile.SearchResult{}, err
	}
	file, err := protoregistry.GlobalFiles.FindFileByPath(name)
	if err != nil {
		return protocompile.SearchResult{}, fmt.Errorf("%s is neither here nor among tools/proto/imports.go", name)
	}
	return protocompile.SearchResult{Desc: file}, nil
}

// add appends file to the set, after everything that it imports, each file once.
func add(set *descriptorpb.FileDescriptorSet, file protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	imports := file.Imports()
	for i := range imports.Len() {
		add(set, imports.Get(i).FileDescriptor, seen)
	}
	set.File = append(set.File, protoutil.ProtoFromFileDescriptor(file))
}
