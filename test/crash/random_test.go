package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

var (
	kills = flag.Int("kills", 25, "how many processes TestRandomKills kills")
	seed  = flag.Uint64("seed", 0, "what TestRandomKills decides by; 0: another one each time")
	role  = flag.String("role", "", "whose processes TestRandomKills kills: source, sink; empty: both")
)

// lane is a bridge on a stage of its own; lanes run beside one another.
type lane struct {
	role     string
	replicas int
}

var lanes = []lane{{"source", 1}, {"source", 2}, {"source", 2}, {"sink", 1}, {"sink", 2}}

// judgeEvery is how many kills of a lane lie between two judgements.
const judgeEvery = 50

// Processes die at random moments and at points, one or all of them, are drained,
// stopped for longer than a session, started again at once or much later, while the
// vendor lives and commands come. The oracle forgives nothing.
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
		for _, point := range pointsOf(*role) {
			if *kills >= 500 && by[point] == 0 {
				t.Errorf("nobody died at %s", point)
			}
		}
	})
	t.Cleanup(progress(t, tally, began))
	chosen := slices.DeleteFunc(slices.Clone(lanes), func(l lane) bool { return *role != "" && l.role != *role })
	if len(chosen) == 0 {
		t.Fatalf("-role %q: choose source or sink", *role)
	}
	for i, l := range chosen {
		mine := *kills / len(chosen)
		if i < *kills%len(chosen) {
			mine++
		}
		t.Run(fmt.Sprintf("lane %d, %s", i, l.role), func(t *testing.T) {
			t.Parallel()
			wreak(t, tally, rig.Chaos{
				Role: l.role, Replicas: l.replicas, Points: pointsOf(l.role), Kills: mine, JudgeEvery: judgeEvery,
				Between: time.Second, Tally: tally,
			}, rand.New(rand.NewPCG(*seed, uint64(i))))
		})
	}
}

// points are those of the source and of its shards.
func points() []string { return pointsOf("source") }

// pointsOf are those of a role, or of both, and of their shards.
func pointsOf(role string) []string {
	own := map[string][]string{"source": source.Points(), "sink": sink.Points(), "": slices.Concat(source.Points(), sink.Points())}
	return slices.Concat(own[role], shard.Points())
}

func wreak(t *testing.T, tally *rig.Tally, c rig.Chaos, rng *rand.Rand) {
	t.Helper()
	o := rig.Options{Companies: 30, Session: 6 * time.Second}
	if c.Role == "sink" {
		o.Companies, o.WithoutSource = 3, true
	} else {
		c.Life = 10
	}
	r := rig.New(t, o)
	var feed *rig.Feed
	if c.Role == "sink" {
		first := r.Start("sink", "", 0)
		r.SendRaw(`{"id":"first","op":"get","object":"company","target":{"externalId":"nobody"}}`) // its topics are there then
		first.Stop(t)
		feed = r.Feed(250 * time.Millisecond)
	}
	c.Judge = func() {
		before, _ := tally.Kills()
		if feed != nil {
			feed.Quietly(func() {
				report := r.Judge()
				t.Logf("after %d kills in all lanes: %s", before, report.Line())
				if report.Results == 0 {
					t.Error("no results: the run proves nothing")
				}
			})
			return
		}
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
