package plan

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets failing properties be made smaller for a second instead of half a minute:
// they run to fail where a protection is taken out. -rapid.shrinktime says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.shrinktime", "1s"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
