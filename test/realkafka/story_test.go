package realkafka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// death is a point to be killed at, after it was passed so many times.
type death struct {
	point string
	after int
}

// One source dies at point after point; the vendor lives on all the while.
func (k cluster) sourceKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 30})
	for _, d := range []death{
		{shard.PointFenced, 5},
		{source.PointPageAdmitted, 2},
		{source.PointBeforeFlush, 3},
		{shard.PointBegun, 14}, // the generations of twelve shards come first
		{source.PointChangesAcked, 1},
		{shard.PointRestoring, 30},
		{shard.PointProduced, 13},
		{shard.PointCommitted, 12},
		{source.PointAfterFlush, 0},
	} {
		p := r.Start("source", d.point, d.after)
		r.Stage.Simulator.Live(40)
		p.Killed(t)
	}
	r.Stage.Simulator.Live(40)
	p := r.Start("source", "", 0)
	before := r.Judge()
	r.Stage.Simulator.Live(40)
	after := r.Judge()
	p.Stop(t)
	if before.Changes < 200 || after.Changes <= before.Changes {
		t.Errorf("%d changes, then %d: the run proves little", before.Changes, after.Changes)
	}
}

// One sink dies at point after point, with commands on their way all the while.
func (k cluster) sinkKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	const companies = 20
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 3})
	source := r.Start("source", "", 0) // the oracle folds the change topics, too
	sent := 0
	for _, d := range []death{
		{sink.PointIntentWritten, 0},
		{sink.PointBeforeCall, 5},
		{sink.PointAfterCall, 5},
		{sink.PointBeforeCommit, 0},
		{shard.PointProduced, 12},
		{shard.PointCommitted, 12},
		{sink.PointAfterCommit, 0},
	} {
		p := r.Start("sink", d.point, d.after)
		r.Send(sent, sent+companies)
		sent += companies
		p.Killed(t)
	}
	p := r.Start("sink", "", 0)
	report := r.Judge()
	p.Stop(t)
	source.Stop(t)
	if want := sent * rig.CommandsEach; report.Results < want {
		t.Errorf("%d results for %d commands", report.Results, want)
	}
}

// A pod dies and does not come back; another one, of another name, takes over
// when the group has waited for it.
func (k cluster) standbyTakesOver(t *testing.T) {
	t.Parallel()
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 10})
	source, sinks := r.Start("source", "", 0), r.Start("sink", "", 0)
	r.Send(0, 5)
	r.Judge()
	standbySource := r.StartAs("source", "source-1", "", 0)
	standbySink := r.StartAs("sink", "sink-1", "", 0)
	r.Stage.Simulator.Live(40)
	r.Send(5, 10)
	source.Kill()
	sinks.Kill()
	r.Stage.Simulator.Live(40)
	r.Send(10, 15)
	report := r.Judge()
	standbySink.Stop(t)
	standbySource.Stop(t)
	if want := 15 * rig.CommandsEach; report.Results < want {
		t.Errorf("%d results for %d commands", report.Results, want)
	}
}

// A process is stopped in mid-work for longer than the group waits, another one
// takes over, and then the first goes on as if nothing had been.
func (k cluster) stoppedProcessWakesUp(t *testing.T) {
	t.Parallel()
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 10})
	source, sinks := r.Start("source", "", 0), r.Start("sink", "", 0)
	r.Send(0, 5)
	r.Judge()
	r.Stage.Simulator.Live(40)
	r.Send(5, 25)
	source.Freeze()
	sinks.Freeze()
	standbySource := r.StartAs("source", "source-1", "", 0)
	standbySink := r.StartAs("sink", "sink-1", "", 0)
	r.Stage.Simulator.Live(40)
	r.Judge() // the standbys have caught up
	source.Thaw()
	sinks.Thaw()
	r.Stage.Simulator.Live(40)
	r.Send(25, 45)
	report := r.Judge()
	for _, p := range []*rig.Process{sinks, source, standbySink, standbySource} {
		p.Stop(t)
	}
	if want := 45 * rig.CommandsEach; report.Results < want {
		t.Errorf("%d results for %d commands", report.Results, want)
	}
	r.Judge() // nobody wrote on the way out
}

// The pod of a node that was cut off still runs when its successor, of the same
// name, starts: two members with one instance id, of which one is fenced. When
// the successor dies, the first is not too dead to go on.
func (k cluster) samePodRunsTwice(t *testing.T) {
	t.Parallel()
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 10})
	r.Start("source", "", 0)
	r.Start("sink", "", 0)
	r.Send(0, 5)
	r.Judge()
	source, sinks := r.Start("source", "", 0), r.Start("sink", "", 0)
	r.Stage.Simulator.Live(40)
	r.Send(5, 25)
	r.Judge()
	source.Kill()
	sinks.Kill()
	r.Stage.Simulator.Live(40)
	r.Send(25, 30)
	if report, want := r.Judge(), 30*rig.CommandsEach; report.Results < want {
		t.Errorf("%d results for %d commands", report.Results, want)
	}
}

// Two deployments have one BRIDGE_NAME and different TOPIC_PREFIX: the producers
// of each put out those of the other. One of them ends and says what to look
// for; the other one goes on, and has lost nothing.
func (k cluster) twoDeployments(t *testing.T) {
	t.Parallel()
	name := bridge(t)
	rigs := [2]*rig.Rig{
		rig.New(t, rig.Options{Broker: k.broker, Bridge: name, Companies: 5}),
		rig.New(t, rig.Options{Broker: k.broker, Bridge: name, Prefix: name + ".other.", Companies: 5}),
	}
	var processes [2]*rig.Process
	for i, r := range rigs {
		processes[i] = r.StartAs("source", fmt.Sprint("source-", i), "", 0)
		r.Stage.Simulator.SetLife(life)
	}
	winner, loser := 0, 1
	select {
	case <-processes[0].Done():
		winner, loser = 1, 0
	case <-processes[1].Done():
	case <-time.After(time.Minute):
		t.Fatal("neither of the two has ended within a minute")
	}
	if said := processes[loser].Log(); !strings.Contains(said, "is another deployment running with the same BRIDGE_NAME?") {
		t.Errorf("the one that ended said: %s", said)
	}
	r := rigs[winner]
	r.Stage.Simulator.SetLife(0)
	before := r.Judge()
	r.Stage.Simulator.Live(40)
	after := r.Judge()
	r.JudgeSequences()
	if after.Changes <= before.Changes {
		t.Errorf("%d changes, then %d: the other one does not go on", before.Changes, after.Changes)
	}
	processes[winner].Stop(t)
}

// The broker dies in mid-work and comes back with what it had written; the
// processes see it through.
func (k cluster) brokerKilled(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 10})
	source, sinks := r.Start("source", "", 0), r.Start("sink", "", 0)
	r.Send(0, 5)
	r.Judge()
	r.Stage.Simulator.Live(40)
	r.Send(5, 25)
	k.restart(t)
	r.Stage.Simulator.Live(40)
	r.Send(25, 45)
	report := r.Judge()
	sinks.Stop(t)
	source.Stop(t)
	if want := 45 * rig.CommandsEach; report.Results < want {
		t.Errorf("%d results for %d commands", report.Results, want)
	}
}
