package ops

import (
	"runtime/debug"
	"testing"
)

func TestCollectAtHeedsTheEnvironment(t *testing.T) {
	usual := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	if CollectAt(300, []string{"HOME=/", "GOGC=70"}); debug.SetGCPercent(100) != 100 {
		t.Error("GOGC of the environment is overruled")
	}
	if CollectAt(300, []string{"HOME=/", "MYGOGC=70"}); debug.SetGCPercent(100) != 300 {
		t.Error("nothing is set")
	}
}
