package workspaces

import (
	"fmt"
	"testing"
	"time"
)

// Each token has a budget of its own, with a share for the source and one for
// the sink: a burst of commands in one workspace is paced by that workspace's
// calls, and neither the other's commands nor anybody's capture wait for it.
func TestABurstSpendsItsOwnBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ofOneShard("busy", "calm")...)
	busy, calm := w.tenants[0], w.tenants[1]
	const perMinute = 240 // of the busy token: two calls a second for each of source and sink
	slow := map[string]string{"PLANHAT_BUSY_" + busy.name[len("busy-"):] + "_CALLS_PER_MINUTE": fmt.Sprint(perMinute)}
	w.start("source", w.tenants, slow)
	w.start("sink", w.tenants, slow)
	for _, tn := range w.tenants {
		w.watch.until(changes(tn), tn.add("first"), patience)
		w.watch.until(results(tn), w.watch.send(tn.name, upsert("first", "x")), patience)
	}

	began, asked, answered := time.Now(), busy.requests(), w.watch.records(results(busy))
	const burst = 100
	for i := range burst { // a read is a call each: nothing can be bundled
		w.watch.send(busy.name, map[string]any{"op": "get", "target": map[string]any{"externalId": fmt.Sprint("none-", i)}})
	}
	for n := range 3 {
		w.works(calm, n)
	}
	w.watch.until(changes(busy), busy.add("during the burst"), prompt) // the source's share is its own
	took := time.Since(began)
	calls, done := busy.requests()-asked, w.watch.records(results(busy))-answered
	if done >= burst {
		t.Errorf("all %d commands of the burst were answered within %s: the run proves nothing", done, took)
	}
	if most := int(took.Seconds()*perMinute/60) + 4; calls > most { // each service may be at one call more, at both ends
		t.Errorf("the busy token was used %d times in %s, its budget allows %d", calls, took, most)
	}
	t.Logf("in %s: %d of %d commands of the burst answered, %d calls of the busy token", took, done, burst, calls)
}
