package oracle

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Sequences is what readers see of the change topics who read everything, what
// was aborted, too.
type Sequences struct {
	Events     int // tombstones not counted
	Aborted    int // of these, the ones that were never committed
	Mismatches []Mismatch
}

// CheckSequences reads all events on the change topics up to the last stable
// offsets, committed or not: within a partition the sequences of a stream have
// to be strictly increasing, and none may be used twice.
func CheckSequences(ctx context.Context, o Options) (Sequences, error) {
	all, err := gatherChanges(ctx, o, kgo.ReadUncommitted())
	if err != nil {
		return Sequences{}, err
	}
	committed, err := gatherChanges(ctx, o, kgo.ReadCommitted())
	if err != nil {
		return Sequences{}, err
	}
	n := events(all)
	return Sequences{Events: n, Aborted: n - events(committed), Mismatches: checkSequence(all)}, nil
}

// gatherChanges reads the change topics and nothing else.
func gatherChanges(ctx context.Context, o Options, isolation kgo.IsolationLevel) (Evidence, error) {
	g, err := newGatherer(o, isolation)
	if err != nil {
		return Evidence{}, err
	}
	defer g.reader.cl.Close()
	topics := make([]string, len(g.objects))
	for i, o := range g.objects {
		topics[i] = o.Topic
	}
	if _, err := g.reader.catchUp(ctx, topics...); err != nil {
		return Evidence{}, err
	}
	return g.evidence(), nil
}

func events(e Evidence) (n int) {
	for _, o := range e.Objects {
		n += countEvents(o.Changes)
	}
	return n
}
