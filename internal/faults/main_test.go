package faults

import (
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// patience bounds what a test waits for where nothing is wrong.
const patience = 60 * time.Second

// ok ends the test for an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
