// Package crash kills real processes of the bridge at named points, restarts
// them, and holds what is on the topics against the vendor with the oracle.
package crash

import (
	"os"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// sourcePoints are the points of the source and its shards, and how often each
// is passed before the process dies there: the generations of the twelve shards,
// and their positions among the signals, come before a shard's first transaction.
var sourcePoints = map[string]int{
	shard.PointFenced: 5, shard.PointRestoring: 40, shard.PointRestored: 5,
	shard.PointBegun: 26, shard.PointProduced: 26, shard.PointCommitted: 26,
	source.PointPageRead: 3, source.PointPageAdmitted: 3, source.PointCandidateAnswered: 1,
	source.PointBeforeFlush: 3, source.PointChangesAcked: 3, source.PointAfterFlush: 3,
}

func TestSourceKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for n, point := range points() {
		after, ok := sourcePoints[point]
		if !ok {
			t.Errorf("nobody dies at %s", point)
		}
		if !share.Has(n, 2) {
			continue
		}
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 30})
			if point == shard.PointRestoring || point == source.PointCandidateAnswered { // of what was there before
				p := r.Start("source", "", 0)
				r.Judge()
				p.Stop(t)
				r.Stage.Simulator.Live(80)
			}
			r.Start("source", point, after).Killed(t)
			r.Stage.Simulator.Live(40)
			p := r.Start("source", "", 0)
			r.Judge()
			r.Stage.Simulator.Live(40)
			report := r.Judge()
			r.JudgeSequences()
			p.Stop(t)
			if report.Changes < 200 {
				t.Errorf("only %d changes: the run proves little", report.Changes)
			}
		})
	}
}
