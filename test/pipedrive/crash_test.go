package pipedrive

import (
	"testing"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// after is how often a point is passed before the process dies there.
var after = map[string]int{
	account.PointEventsRead: 1, account.PointRowsRead: 3, account.PointAdmitted: 3,
	account.PointBeforeFlush: 3, account.PointChangesAcked: 2, account.PointAfterFlush: 2,
	webhook.PointReceived: 5, webhook.PointWritten: 5,
}

// TestOwnerKilledAtNamedPoints: whoever owns the account dies in the middle of each step
// of its work, and the next one loses, invents and repeats nothing.
func TestOwnerKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for _, point := range account.Points() {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, small(), nil)
			w.receive(0)
			w.die(w.StartAs("source", "source-0", point, w.after(point)))
			w.StartAs("source", "source-0", "", 0)
			w.registered()
			w.sim.Live(30)
			w.Judge()
			w.JudgeSequences()
		})
	}
}

// TestReceiverKilledAtNamedPoints: whatever was answered is on the topic, and what was
// not is sent again.
func TestReceiverKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for _, point := range webhook.Points() {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, small(), nil)
			w.StartAs("source", "source-0", "", 0)
			w.registered()
			w.die(w.receive(0, rig.DieAt(point, w.after(point))))
			w.receive(0)
			w.sim.Live(30)
			report := w.Judge()
			if c := report.Coverage.Webhooks; c.Retried == 0 {
				t.Errorf("%+v: nothing was sent again", *c)
			}
		})
	}
}

// small is an account that is read in a moment.
func small() pipedrivesim.Options {
	return pipedrivesim.Options{Seed: 5, Organizations: 5, Persons: 5, Deals: 10, Notes: 5, Scale: engineScale, RequestsPerWindow: -1, DailyTokens: -1}
}

func (w *world) after(point string) int {
	w.t.Helper()
	n, ok := after[point]
	if !ok {
		w.t.Fatalf("nobody dies at %s", point)
	}
	return n
}

// die lets the company live until the process has died.
func (w *world) die(p *rig.Process) {
	w.t.Helper()
	w.sim.SetLife(40)
	defer w.sim.SetLife(0)
	p.Killed(w.t)
}
