// Command exportschema writes the schema of what an export of a customer holds:
//
//	go run ./internal/exportschema docs/export.schema.json
package main

import (
	"fmt"
	"os"

	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/internal/atomicfile"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: exportschema FILE")
		os.Exit(2)
	}
	if err := atomicfile.Write(os.Args[1], export.Schema(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "exportschema:", err)
		os.Exit(1)
	}
}
