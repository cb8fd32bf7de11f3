package custody

import (
	"flag"
	"os"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
)

// TestMain lets more tests run side by side than there are processors: most of
// the time they wait for a disk or a server.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	testenv.Main(m)
}
