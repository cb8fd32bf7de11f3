// Command accesspage writes the page that says who may call what:
//
//	go run ./internal/accesspage docs/access.md
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/wertfach/wertfach/internal/atomicfile"
	"github.com/wertfach/wertfach/server/access"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: accesspage FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "accesspage:", err)
		os.Exit(1)
	}
}

func write(file string) error {
	table, err := access.NewTable(access.Services()...)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := table.WritePage(&page); err != nil {
		return err
	}
	return atomicfile.Write(file, page.Bytes(), 0o644)
}
