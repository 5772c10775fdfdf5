package realkafka

import (
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// How long it takes until a bridge works again, measured from outside: from
// signals to calls that reach the vendor.
const (
	// restartWithin is from the start of the process that follows one that was
	// killed to its first call.
	restartWithin = 5 * time.Second
	// slack is what a take-over may take besides the session of the process that
	// was killed.
	slack = 2 * time.Second
)

// life is how many changes a second the vendor has while replicas come and go.
const life = 20

// restarted: one process is killed and started again, as the kubelet does.
func (k cluster) restarted(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 30})
	calls := r.WatchCalls()
	p := r.Start("source", "", 0)
	r.Judge()
	r.Stage.Simulator.SetLife(life)
	for range 3 {
		p.Kill()
		killed := time.Now()
		p = r.Start("source", "", 0)
		took := calls.FirstAfter(t, killed, time.Minute)
		t.Logf("killed and started again: %s until the first call", took.Round(time.Millisecond))
		if took > restartWithin {
			t.Errorf("a killed process that starts again is at work after %s, not within %s", took, restartWithin)
		}
	}
	r.Stage.Simulator.SetLife(0)
	r.Judge()
	r.JudgeSequences()
	p.Stop(t)
}

// sinkRestarted: the same of a sink, with commands on their way all the while.
func (k cluster) sinkRestarted(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 3, WithoutSource: true})
	writes := r.WatchWrites()
	p := r.Start("sink", "", 0)
	r.Send(1000, 1005) // the feed begins with 0
	r.Judge()
	feed := r.Feed(100 * time.Millisecond)
	writes.FirstAfter(t, time.Now(), time.Minute)
	for range 3 {
		p.Kill()
		killed := time.Now()
		p = r.Start("sink", "", 0)
		took := writes.FirstAfter(t, killed, time.Minute)
		t.Logf("a sink is killed and started again: %s until the first write", took.Round(time.Millisecond))
		if took > restartWithin {
			t.Errorf("a killed sink that starts again is at work after %s, not within %s", took, restartWithin)
		}
	}
	feed.Quietly(func() { r.Judge() })
	p.Stop(t)
}

// takenOver: a replica is killed and does not come back.
func (k cluster) takenOver(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 30})
	calls := r.WatchCalls()
	replicas := map[string]*rig.Process{}
	for _, name := range []string{"source-0", "source-1"} {
		replicas[name] = r.StartAs("source", name, "", 0)
	}
	r.Stage.Simulator.SetLife(life)
	owner := r.AwaitMembers("source", len(replicas))
	calls.FirstAfter(t, time.Now(), time.Minute)
	replicas[owner].Kill()
	killed := time.Now()
	took := calls.FirstAfter(t, killed, time.Minute)
	t.Logf("killed for good: %s until the other replica's first call, with a session of %s", took.Round(time.Millisecond), r.Session)
	if took > r.Session+slack {
		t.Errorf("another replica is at work after %s, not within %s", took, r.Session+slack)
	}
	r.Stage.Simulator.SetLife(0)
	r.Judge()
	r.JudgeSequences()
}

// rolled: two replicas are restarted one after the other, as a StatefulSet does
// it: the next one when the one before is back.
func (k cluster) rolled(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 30})
	calls := r.WatchCalls()
	replicas := []*rig.Process{r.StartAs("source", "source-0", "", 0), r.StartAs("source", "source-1", "", 0)}
	r.Stage.Simulator.SetLife(life)
	r.AwaitMembers("source", 2)
	began := time.Now()
	calls.FirstAfter(t, began, time.Minute)
	for _, i := range []int{1, 0} {
		replicas[i].Stop(t)
		r.AwaitMembers("source", 1)
		replicas[i] = r.StartAs("source", []string{"source-0", "source-1"}[i], "", 0)
		r.AwaitMembers("source", 2)
	}
	calls.FirstAfter(t, time.Now(), time.Minute)
	pause := calls.LongestPause(began)
	t.Logf("rolling restart of two: %s in all, nobody at work for at most %s", time.Since(began).Round(time.Millisecond), pause.Round(time.Millisecond))
	if pause > restartWithin {
		t.Errorf("nobody was at work for %s, which is more than %s", pause, restartWithin)
	}
	r.Stage.Simulator.SetLife(0)
	r.Judge()
	r.JudgeSequences()
}

// scaled: from one replica to three and back. Who leaves for good takes leave, so
// that nobody waits for it.
func (k cluster) scaled(t *testing.T) {
	r := rig.New(t, rig.Options{Broker: k.broker, Bridge: bridge(t), Companies: 30})
	calls := r.WatchCalls()
	replicas := []*rig.Process{r.StartAs("source", "source-0", "", 0)}
	r.Stage.Simulator.SetLife(life)
	r.AwaitMembers("source", 1)
	calls.FirstAfter(t, time.Now(), time.Minute)
	began := time.Now()
	for _, name := range []string{"source-1", "source-2"} {
		replicas = append(replicas, r.StartAs("source", name, "", 0))
	}
	r.AwaitMembers("source", 3)
	up := time.Now()
	for len(replicas) > 1 {
		last := len(replicas) - 1
		replicas[last].Stop(t)
		replicas = replicas[:last]
		r.AwaitMembers("source", len(replicas))
	}
	down := time.Now()
	calls.FirstAfter(t, down, time.Minute)
	pause := calls.LongestPause(began)
	t.Logf("one replica to three: %s; three to one: %s; nobody at work for at most %s",
		up.Sub(began).Round(time.Millisecond), down.Sub(up).Round(time.Millisecond), pause.Round(time.Millisecond))
	if pause > restartWithin {
		t.Errorf("nobody was at work for %s, which is more than %s", pause, restartWithin)
	}
	r.Stage.Simulator.SetLife(0)
	r.Judge()
	r.JudgeSequences()
}
