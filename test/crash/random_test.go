package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

var (
	kills = flag.Int("kills", 25, "how many processes TestRandomKills kills")
	seed  = flag.Uint64("seed", 0, "what TestRandomKills decides by; 0: another one each time")
)

// lanes run beside one another, each on a stage of its own: how many replicas
// each has.
var lanes = []int{1, 2, 2}

// judgeEvery is how many kills of a lane lie between two judgements.
const judgeEvery = 50

// Processes of the source die at random moments and at points, one or all of
// them, are drained, stopped for longer than a session, started again at once or
// much later, while the vendor lives. The oracle forgives nothing.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("%d kills, by -seed %d", *kills, *seed)
	tally, began := &rig.Tally{}, time.Now()
	t.Cleanup(func() {
		_, by := tally.Kills()
		t.Logf("%s in %s; by point: %v", tally, time.Since(began).Round(time.Second), by)
		for _, point := range points() {
			if *kills >= 500 && by[point] == 0 {
				t.Errorf("nobody died at %s", point)
			}
		}
	})
	t.Cleanup(progress(t, tally, began))
	for i, replicas := range lanes {
		mine := *kills / len(lanes)
		if i < *kills%len(lanes) {
			mine++
		}
		t.Run(fmt.Sprintf("lane %d", i), func(t *testing.T) {
			t.Parallel()
			wreak(t, tally, rig.Chaos{
				Role: "source", Replicas: replicas, Points: points(), Kills: mine, JudgeEvery: judgeEvery,
				Between: time.Second, Life: 10, Tally: tally,
			}, rand.New(rand.NewPCG(*seed, uint64(i))))
		})
	}
}

// points are those of the source and of its shards.
func points() []string { return slices.Concat(source.Points(), shard.Points()) }

func wreak(t *testing.T, tally *rig.Tally, c rig.Chaos, rng *rand.Rand) {
	t.Helper()
	r := rig.New(t, rig.Options{Companies: 30, Session: 6 * time.Second})
	c.Judge = func() {
		before, _ := tally.Kills()
		report, all := r.Judge(), r.JudgeSequences()
		t.Logf("after %d kills in all lanes: %s; all readers: %d events, %d of them aborted", before, report.Line(), all.Events, all.Aborted)
		if report.Changes == 0 {
			t.Error("no changes: the run proves nothing")
		}
	}
	r.Wreak(c, rng)
}

// progress tells of a long run every so often, until the returned function is
// called.
func progress(t *testing.T, tally *rig.Tally, began time.Time) (stop func()) {
	t.Helper()
	ticker, done := time.NewTicker(15*time.Second), make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				t.Logf("%s: %s", time.Since(began).Round(time.Second), tally)
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-over
	}
}
