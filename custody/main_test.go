package custody

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
)

// TestMain is also the main of the child processes that [TestKill] kills. It lets more tests run side by side than there are processors: most of
// the time they wait for a disk or a server.
func TestMain(m *testing.M) {
	if told := os.Getenv(childVariable); told != "" {
		fmt.Fprintln(os.Stderr, child(told)) // it ends only if something is wrong
		os.Exit(1)
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	testenv.Main(m)
}
