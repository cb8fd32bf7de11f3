// Command proto compiles every schema under a folder into one descriptor image.
//
// The image is what the other tools start from: buf generates Go from it, lints it and compares it with the one of an
// earlier commit. It is made here, and not by buf, because the schemas that ours import (google/api, buf/validate) need
// no schema registry then: their descriptors lie in Go modules that go.mod pins and go.sum verifies.
//
// The image is a google.protobuf.FileDescriptorSet with every import in it. Our own files keep their source positions
// and comments, so that messages of the linter name a line and the generated Go is documented.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	root := flag.String("root", "proto", "folder that import paths start from")
	out := flag.String("out", "", "file to write the image to (required)")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := write(ctx, *root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "proto:", err)
		os.Exit(1)
	}
}

// write compiles root and puts the image into the file named out. The file is left alone when a schema does not compile.
func write(ctx context.Context, root, out string) error {
	image, err := compile(ctx, os.DirFS(root))
	if err != nil {
		return err
	}
	return os.WriteFile(out, image, 0o644)
}
