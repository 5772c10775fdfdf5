package source_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// The tests here wait for clocks and for others much more than they compute:
// more of them than there are processors go at a time, unless told otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
