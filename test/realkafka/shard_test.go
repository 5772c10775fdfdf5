package realkafka

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig/counters"
)

// The stories of internal/shard that rest on what a broker does: transactions,
// fencing, groups. There an embedded broker plays it.

const shards = shard.DefaultShards

// group is one test's shards, with names of its own on the shared broker.
type group struct {
	t      *testing.T
	kafka  kafka.Options
	names  kafka.Names
	output string
}

func newGroup(t *testing.T, broker string) *group {
	t.Helper()
	name := bridge(t)
	g := &group{t: t, names: kafka.Names{Bridge: name, Prefix: name + "."}, output: name + ".out"}
	g.kafka = kafka.Options{Brokers: []string{broker}, Extra: []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}}
	counters.Topics(t, g.kafka, g.names, g.output)
	return g
}

func (g *group) client(opts ...kgo.Opt) *kgo.Client {
	g.t.Helper()
	return counters.Client(g.t, g.kafka, opts...)
}

// run starts a manager of counters; stop drains it.
func (g *group) run(limit int, edit func(*counters.Counter)) (stop func() error) {
	g.t.Helper()
	return counters.Run(g.t, shard.Options{
		Kafka: g.kafka, Names: g.names, Role: "source",
		SessionTimeout: 6 * time.Second, CallDeadline: time.Second, Grace: time.Second, DrainTimeout: 5 * time.Second,
		New: func(s int32) shard.Worker {
			c := &counters.Counter{Shard: s, Limit: limit, Output: g.output}
			if edit != nil {
				edit(c)
			}
			return c
		},
	})
}

// collect reads committed output until so many values are there.
func (g *group) collect(want int) map[string][]string {
	g.t.Helper()
	return counters.Collect(g.t, g.kafka, g.output, want, 5*time.Minute)
}

// committed is all that was committed to the output so far.
func (g *group) committed() map[string][]string {
	g.t.Helper()
	got := map[string][]string{}
	err := kafka.ReadToStable(g.t.Context(), g.client(), g.output, 0, 0, func(r *kgo.Record) error {
		got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return got
}

// wantCounts drains the shards when they have written as much as they should,
// and wants each to have written 1 to limit, once and in order, and no more.
func (g *group) wantCounts(stop func() error, limit int) {
	g.t.Helper()
	g.collect(limit * shards)
	if err := stop(); err != nil {
		g.t.Fatalf("drain: %v", err)
	}
	counters.Want(g.t, g.committed(), limit)
}

func (k cluster) everyShardWritesOnce(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	g.wantCounts(g.run(3, nil), 3)
	g.wantCounts(g.run(5, nil), 5) // a restart goes on where the log stands
}

// Every third commit gets no answer: of these, half were never applied and half
// were applied before the connection broke.
func (k cluster) commitWithoutAnswer(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	cut := &counters.Cutter{}
	plain := g.kafka.Extra
	g.kafka.Extra = slices.Concat(plain, []kgo.Opt{kgo.Dialer(cut.Dial)})
	stop := g.run(4, nil)
	g.kafka.Extra = plain
	g.wantCounts(stop, 4)
	cut.Applied(t)
}

func (k cluster) survivorTakesAll(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	gate := make(chan struct{})
	slow := func(c *counters.Counter) {
		c.After = func(ctx context.Context, _ int) {
			select {
			case <-gate:
			case <-ctx.Done():
			}
		}
	}
	first := g.run(2, slow)
	g.collect(shards) // the first owns everything and has written a value each
	taken := make(chan *shard.Lease, shards)
	second := g.run(2, func(c *counters.Counter) { slow(c); c.Taken = taken })
	<-taken // the second has a share
	close(gate)
	if err := first(); err != nil {
		t.Fatalf("drain of the first: %v", err)
	}
	g.wantCounts(second, 2)
}

func (k cluster) fencedOwnerWritesNothing(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	taken := make(chan *shard.Lease, 64)
	stop := g.run(1, func(c *counters.Counter) {
		if c.Shard == 3 {
			c.Taken, c.Value = taken, 1 // it is the test that writes for it
		}
	})
	l := <-taken
	usurper := g.client(kgo.TransactionalID(g.names.TransactionalID("source", 3)))
	if _, _, err := usurper.ProducerID(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := l.Transact(t.Context(), func(tx *shard.Tx) error {
		return tx.Produce(&kgo.Record{Topic: g.output, Key: []byte("3"), Value: []byte("late")})
	})
	if !errors.Is(err, shard.ErrFenced) {
		t.Errorf("Transact of a fenced owner: %v, want ErrFenced", err)
	}
	if err := l.Fresh(); err == nil {
		t.Error("Fresh is nil after the lease's end")
	}
	if err := l.Transact(t.Context(), func(*shard.Tx) error { return nil }); !errors.Is(err, shard.ErrLeaseOver) {
		t.Errorf("second Transact: %v, want ErrLeaseOver", err)
	}
	g.collect(shards - 1)
	if err := stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if late := g.committed()["3"]; len(late) > 0 {
		t.Errorf("the fenced owner wrote %q", late)
	}
}

// fencedInMidTransaction lets the next owner come between a produce and its
// commit: the records are on the log, and must never be committed.
func (k cluster) fencedInMidTransaction(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	taken := make(chan *shard.Lease, 64)
	stop := g.run(1, func(c *counters.Counter) {
		if c.Shard == 3 {
			c.Taken, c.Value = taken, 1
		}
	})
	l := <-taken
	usurper := g.client(kgo.TransactionalID(g.names.TransactionalID("source", 3)))
	err := l.Transact(t.Context(), func(tx *shard.Tx) error {
		if err := tx.Produce(&kgo.Record{Topic: g.output, Key: []byte("3"), Value: []byte("late")}); err != nil {
			return err
		}
		_, _, err := usurper.ProducerID(t.Context())
		return err
	})
	if !errors.Is(err, shard.ErrFenced) {
		t.Errorf("Transact of a fenced owner: %v, want ErrFenced", err)
	}
	g.collect(shards - 1)
	if err := stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if late := g.committed()["3"]; len(late) > 0 {
		t.Errorf("the fenced owner wrote %q", late)
	}
}

// restoredAfterCompaction makes the broker's cleaner take most of the state's
// log away, with the markers of its transactions, before it is restored.
func (k cluster) restoredAfterCompaction(t *testing.T) {
	t.Parallel()
	const limit = 30
	g := newGroup(t, k.broker)
	state := g.names.State("source")
	admin := kadm.NewClient(g.client())
	_, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{
		{Name: "segment.ms", Value: new("100")}, {Name: "min.cleanable.dirty.ratio", Value: new("0.01")}, {Name: "delete.retention.ms", Value: new("0")},
	}, state)
	if err != nil {
		t.Fatal(err)
	}
	records := func() (n int) {
		err := kafka.ReadToStable(t.Context(), g.client(), state, 0, 0, func(*kgo.Record) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for done := limit; ; done += 2 {
		g.wantCounts(g.run(done, nil), done) // the last segment is never cleaned, so each round rolls it
		if records() < done {
			t.Logf("%d records are left of %d values", records(), done)
			g.wantCounts(g.run(done+1, nil), done+1)
			return
		}
		if done > 4*limit {
			t.Fatal("the broker's cleaner has removed nothing")
		}
	}
}
