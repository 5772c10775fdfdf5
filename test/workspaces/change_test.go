package workspaces

import (
	"testing"
)

// A workspace that is taken out of the configuration keeps its topics and its
// state; put back, it goes on where it was: no second snapshot, no change
// again, no command again, and nothing lost that happened meanwhile.
func TestAWorkspaceLeavesAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ofOneShard("stays", "leaves")...)
	stays, leaves := w.tenants[0], w.tenants[1]
	run := func(tenants ...*tenant) (stop func()) {
		t.Helper()
		source, sink := w.start("source", tenants, nil), w.start("sink", tenants, nil)
		return func() { source.Stop(); sink.Stop() }
	}
	stop := run(stays, leaves)
	for _, tn := range w.tenants {
		w.watch.until(changes(tn), tn.add("first"), patience)
		w.watch.until(results(tn), w.watch.send(tn.name, upsert("first", "x")), patience)
		w.judge(tn)
	}
	stop()

	before := map[string]int{changes(leaves): w.watch.records(changes(leaves)), results(leaves): w.watch.records(results(leaves))}
	asked := leaves.requests()
	stop = run(stays)
	meanwhile := leaves.add("meanwhile")
	waiting := w.watch.send(leaves.name, upsert("waits", "x"))
	for n := range 2 {
		w.works(stays, n)
	}
	for topic, n := range before {
		if now := w.watch.records(topic); now != n {
			t.Errorf("%s has %d records, had %d when its workspace was taken out", topic, now, n)
		}
	}
	if now := leaves.requests(); now != asked {
		t.Errorf("a workspace that is not configured was asked %d times", now-asked)
	}
	stop()

	stop = run(leaves, stays)
	w.watch.until(changes(leaves), meanwhile, patience)
	w.watch.until(results(leaves), waiting, patience)
	for _, tn := range w.tenants {
		w.judge(tn)
	}
	stop()
	// The company added, the one that the command made, and nothing else.
	if got := w.watch.records(changes(leaves)) - before[changes(leaves)]; got != 2 {
		t.Errorf("%d events after the workspace came back, want 2: was it read anew?", got)
	}
	if got := w.watch.records(results(leaves)) - before[results(leaves)]; got != 1 {
		t.Errorf("%d results after the workspace came back, want 1", got)
	}
}
