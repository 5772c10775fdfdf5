package pairs_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain trades memory for time: a dozen tenants live at once, each for half a minute,
// and what they leave behind is not worth a collection each time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
