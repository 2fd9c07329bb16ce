package functiongraph_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// These tests wait for clocks more than they work: more of them than there are
// cores may run side by side.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
