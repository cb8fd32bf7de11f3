package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// counter is a bar that counts customers, on standard error where a person
// watches, and nothing elsewhere.
type counter struct {
	out   io.Writer
	title string
	bar   *progressbar.ProgressBar
}

// watch gives a counter for the command.
func watch(cmd *cobra.Command, title string) *counter {
	c := &counter{title: title}
	if file, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		c.out = file
	}
	return c
}

// show shows how far it is. The bar appears with the first customer, since the
// total is not known before.
func (c *counter) show(done, total int) {
	if c.out == nil {
		return
	}
	if c.bar == nil {
		c.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.out),
			progressbar.OptionSetDescription(c.title),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionUseANSICodes(true),
		)
	}
	// A bar that can't be drawn is no reason to stop.
	_ = c.bar.Set(done)
}

// end leaves the bar as it is and goes to the next line.
func (c *counter) end() {
	if c.bar != nil {
		_ = c.bar.Exit()
		fmt.Fprintln(c.out)
	}
}
