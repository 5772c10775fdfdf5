// Package crash kills real processes of the bridge at named points, restarts
// them, and holds what is on the topics against the vendor with the oracle.
package crash

import (
	"os"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// sourcePoints are the points of the source's write path, in their order.
var sourcePoints = []string{
	"shard.fenced", "source.before-flush", "shard.begun", "source.changes-acked", "shard.produced", "shard.committed", "source.after-flush",
}

func TestSourceKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for _, point := range sourcePoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 30})
			after := 3
			if strings.HasPrefix(point, "shard.") {
				after = 26 // the generations and the positions of twelve shards come first
			}
			if point == "shard.fenced" {
				after = 5
			}
			r.Start("source", point, after).Killed(t)
			r.Stage.Simulator.Live(40)
			p := r.Start("source", "", 0)
			r.Judge()
			r.Stage.Simulator.Live(40)
			report := r.Judge()
			p.Stop(t)
			if report.Changes < 200 {
				t.Errorf("only %d changes: the run proves little", report.Changes)
			}
		})
	}
}

// sinkPoints are the points of the sink's batch, and how often each is passed
// before the process dies there: the generations of the twelve shards come
// before a shard's first batch.
var sinkPoints = map[string]int{
	sink.PointIntentWritten: 0, sink.PointBeforeCall: 25, sink.PointAfterCall: 25, sink.PointBeforeCommit: 0,
	"shard.produced": 14, "shard.committed": 14, sink.PointAfterCommit: 0,
}

func TestSinkKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	const companies = 40
	for point, after := range sinkPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 3})
			source := r.Start("source", "", 0) // the oracle folds the change topics, too
			first := r.Start("sink", point, after)
			r.Send(0, companies)
			first.Killed(t)
			second := r.Start("sink", "", 0)
			report := r.Judge()
			second.Stop(t)
			source.Stop(t)
			if want := companies * rig.CommandsEach; report.Results < want {
				t.Errorf("%d results for %d commands", report.Results, want)
			}
		})
	}
}
