package freshness_test

import (
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

func TestIdle(t *testing.T) {
	inBubble(t, planhatsim.Options{Seed: 1, Companies: 11500, CallsPerMinute: -1}, nil, func(w *world) {
		d := w.await("the snapshot", 100*time.Minute, w.snapshotDone)
		t.Log("snapshot took", d, len(w.vendor.calls))
		from := time.Now()
		sleep(10 * time.Minute)
		t.Logf("%.2f calls a minute", float64(len(w.vendor.callsSince(from)))/10)
		t.Log(w.logs.text.String())
		t.Log(w.describe())
	})
}
