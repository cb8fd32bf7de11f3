package devserver_test

import (
	"testing"

	"github.com/wertfach/wertfach/internal/devserver"
)

func TestTry(t *testing.T) {
	d, err := devserver.Start(t.Context(), t.TempDir(), devserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := d.Samples(t.Context())
		t.Log(s, err)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
