package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error, where a person watches, and nothing
// elsewhere. It is a writer: what goes through it is counted.
type progress struct {
	out   io.Writer
	title string
	bar   *progressbar.ProgressBar
}

func (c *cli) progress(title string) *progress {
	p := &progress{title: printable(title)}
	if c.watched {
		p.out = c.stderr
	}
	return p
}

// begin shows the bar once it is known how many bytes there are.
func (p *progress) begin(size int64) {
	if p.out == nil {
		return
	}
	p.bar = progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(p.out),
		progressbar.OptionSetDescription(p.title),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(true),
	)
}

// Write counts.
func (p *progress) Write(b []byte) (int, error) {
	p.count(int64(len(b)))
	return len(b), nil
}

// count counts so many bytes.
func (p *progress) count(bytes int64) {
	if p.bar != nil {
		// A bar that can't be drawn is no reason to stop.
		_ = p.bar.Add64(bytes)
	}
}

// end leaves the bar as it is and goes to the next line.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Exit()
		fmt.Fprintln(p.out)
	}
}
