package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The bar counts for who watches, and is silent elsewhere.
func TestCounter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &counter{out: &out, title: "rotating keys"}
	for done := range 7 {
		c.show(done, 6)
	}
	c.end()
	if text := out.String(); !strings.Contains(text, "rotating keys") || !strings.Contains(text, "6/6") || !strings.HasSuffix(text, "\n") {
		t.Errorf("%q", text)
	}

	cmd := &cobra.Command{}
	cmd.SetErr(&out)
	out.Reset()
	piped := watch(cmd, "rotating keys")
	piped.show(1, 2)
	piped.end()
	if out.Len() > 0 {
		t.Errorf("nobody watches, and it says %q", out.String())
	}
}

// Rates are read as people write them, and shown so.
func TestPerSecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1": 1, "50/s": 50, "100000/s": 100_000, "": 0, "0": 0, "-1": 0, "1.5/s": 0, "50/m": 0, "100001": 0, "50 /s": 0} {
		n := 0
		rate := perSecond{&n}
		if err := rate.Set(text); (err == nil) != (want > 0) || n != want {
			t.Errorf("%q is %d a second, %v", text, n, err)
		}
		if want > 0 && strings.TrimSuffix(rate.String(), "/s") != strings.TrimSuffix(text, "/s") {
			t.Errorf("%q shows as %s", text, rate)
		}
	}
}
