package freshness_test

import (
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

func TestIdle(t *testing.T) {
	inBubble(t, planhatsim.Options{Seed: 1, Companies: 60, CallsPerMinute: -1}, nil, func(w *world) {
		d := w.await("the snapshot", 10*time.Minute, w.snapshotDone)
		t.Log("snapshot took", d, len(w.vendor.calls))
		from := time.Now()
		sleep(2 * time.Hour)
		t.Logf("%.2f calls a minute", float64(len(w.vendor.callsSince(from)))/120)
	})
}
