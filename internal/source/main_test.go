package source_test

import (
	"flag"
	"os"
	"testing"
)

// The tests wait for clocks and for others much more than they compute: more of
// them than there are processors go at a time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "14"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
