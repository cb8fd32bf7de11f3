// Command wertfach is the vault for what bank customers register, and the tool
// to talk to it.
//
// The verbs that ask a server (customer, artefact, scan, service, contract, retention,
// restrict, lift, hold, release, receipt) are thin: each reads its input, makes one
// call through package client and prints the answer. There is a file for each noun;
// call.go, input.go and print.go hold what they share, exit.go what scripts rely on.
//
// The commands that run or tend a server are dev, serve, init, sweep, scrub, keys,
// audit fetch and audit retire. The last five open the back ends themselves:
// operate.go has what they share.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"
)

// version is set by the build: -ldflags '-X main.version=v1.2.3'.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, &cli{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		watched: term.IsTerminal(int(os.Stderr.Fd())),
		getenv:  os.Getenv,
		now:     time.Now,
	}, os.Args[1:]))
}

// versionText is what --version says.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
