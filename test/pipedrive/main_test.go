package pipedrive

import (
	"os"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }
