// Command demo walks the whole job of wertfach through its command line: it
// starts `wertfach dev` in a temporary folder, enrols a customer, registers one
// artefact of each kind, stores scans, reads, reveals, withdraws, terminates and
// erases, and checks at each step what the step is to show. It ends with a
// failure at the first one that does not hold.
//
// Run it with `make demo`. story.go is what happens, stage.go what it stands on,
// props.go the files that it uses.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	bin := flag.String("wertfach", filepath.Join("bin", "wertfach"), "the program to show")
	examples := flag.String("examples", "examples", "the folder of the example files")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx, *bin, *examples); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo stops here: %v\n", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, bin, examples string) error {
	begun := time.Now()
	path, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	props, err := filepath.Abs(examples)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wertfach-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &stage{ctx: ctx, bin: path, props: props, dir: dir}
	defer s.stopDev()
	if err := s.perform(story); err != nil {
		return err
	}
	fmt.Printf("\nEvery step held. It took %s, and nothing of it is left on this machine.\n", time.Since(begun).Round(100*time.Millisecond))
	return nil
}
