package realkafka

import (
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sink"
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
		{"shard.fenced", 5},
		{"source.before-flush", 3},
		{"shard.begun", 14}, // the generations of twelve shards come first
		{"source.changes-acked", 1},
		{"shard.produced", 13},
		{"shard.committed", 12},
		{"source.after-flush", 0},
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
		{"shard.produced", 12},
		{"shard.committed", 12},
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
