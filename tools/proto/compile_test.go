package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

const thing = `syntax = "proto3";
package w.v1;
import "buf/validate/validate.proto";
import "w/v1/option.proto";
// A thing.
message Thing {
  // Its name.
  string name = 1 [(secret) = true, (buf.validate.field).string.min_len = 1];
}
`

const option = `syntax = "proto3";
package w.v1;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions {
  bool secret = 50000;
}
`

func tree(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

func TestCompile(t *testing.T) {
	t.Parallel()
	schemas := tree(map[string]string{"w/v1/thing.proto": thing, "w/v1/option.proto": option, "README.md": "no schema"})
	image, err := compile(t.Context(), schemas)
	if err != nil {
		t.Fatal(err)
	}
	again, err := compile(t.Context(), schemas)
	if err != nil || !bytes.Equal(image, again) {
		t.Errorf("a second image of the same schemas differs (%v)", err)
	}

	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(image, set); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range set.File {
		for _, needed := range file.Dependency {
			if !slices.Contains(names, needed) {
				t.Errorf("%s comes before %s, which it imports", file.GetName(), needed)
			}
		}
		names = append(names, file.GetName())
	}
	at := slices.Index(names, "w/v1/thing.proto")
	if at < 0 || !slices.Contains(names, "buf/validate/validate.proto") {
		t.Fatalf("the image holds %v", names)
	}
	ours := set.File[at]
	var comments []string
	for _, location := range ours.SourceCodeInfo.GetLocation() {
		if location.LeadingComments != nil {
			comments = append(comments, strings.TrimSpace(location.GetLeadingComments()))
		}
	}
	if want := []string{"A thing.", "Its name."}; !slices.Equal(comments, want) {
		t.Errorf("comments are %q, want %q", comments, want)
	}
	if options := ours.MessageType[0].Field[0].Options; len(options.ProtoReflect().GetUnknown()) == 0 {
		t.Error("our own option is lost")
	}
}

func TestCompileTellsMistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"all mistakes of a file": {
			"syntax = \"proto3\";\npackage w.v1;\nmessage M {\n  Foo f = 1;\n  Bar b = 2;\n}\n", []string{"x.proto:4:3", "x.proto:5:3"},
		},
		"an import from nowhere": {
			"syntax = \"proto3\";\nimport \"un/known.proto\";\n", []string{"x.proto:2", "un/known.proto", "imports.go"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(t.Context(), tree(map[string]string{"x.proto": test.text}))
			if err == nil {
				t.Fatal("it compiles")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not mention %q", err, want)
				}
			}
		})
	}
	if _, err := compile(t.Context(), tree(nil)); !errors.Is(err, errNoSchema) {
		t.Errorf("no schema: %v", err)
	}
}
