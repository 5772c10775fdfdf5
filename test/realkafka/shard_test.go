package realkafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
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
	specs := []kafka.TopicSpec{
		g.names.StateTopic("source", kafka.Layout{ReplicationFactor: 1}),
		{Name: g.output, Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete"}},
	}
	if err := kafka.EnsureTopics(t.Context(), g.client(), specs, true); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *group) client(opts ...kgo.Opt) *kgo.Client {
	g.t.Helper()
	cl, err := g.kafka.NewClient(opts...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(cl.Close)
	return cl
}

// counter is a worker that keeps a number in its state and writes each value of
// it once to the output topic.
type counter struct {
	shard  int32
	limit  int
	output string
	value  int
	taken  chan<- *shard.Lease
	gate   <-chan struct{} // closed when it may go past its first value; nil: at once
}

func (c *counter) Restore(key, value []byte) error {
	if string(key) != "count" {
		return fmt.Errorf("unexpected key %q", key)
	}
	_, err := fmt.Sscan(string(value), &c.value)
	return err
}

func (c *counter) Run(ctx context.Context, l *shard.Lease) error {
	if c.taken != nil {
		c.taken <- l
	}
	for ctx.Err() == nil && c.value < c.limit {
		next := c.value + 1
		err := l.Transact(ctx, func(tx *shard.Tx) error {
			rec := &kgo.Record{Topic: c.output, Key: fmt.Append(nil, c.shard), Value: fmt.Append(nil, next)}
			if err := tx.Produce(rec); err != nil {
				return err
			}
			tx.State([]byte("count"), fmt.Append(nil, next))
			return nil
		})
		if err != nil {
			return err
		}
		c.value = next
		if c.gate != nil {
			select {
			case <-c.gate:
			case <-ctx.Done():
			}
		}
	}
	<-ctx.Done()
	return nil
}

// run starts a manager of counters; stop drains it.
func (g *group) run(limit int, edit func(*counter)) (stop func() error) {
	g.t.Helper()
	opts := shard.Options{
		Kafka: g.kafka, Names: g.names, Role: "source",
		SessionTimeout: 6 * time.Second, CallDeadline: time.Second, Grace: time.Second, DrainTimeout: 5 * time.Second,
		New: func(s int32) shard.Worker {
			c := &counter{shard: s, limit: limit, output: g.output}
			if edit != nil {
				edit(c)
			}
			return c
		},
	}
	ctx, cancel := context.WithCancel(g.t.Context())
	done := make(chan error, 1)
	go func() { done <- shard.New(opts).Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	g.t.Cleanup(func() { _ = stop() })
	return stop
}

// collect reads committed output until so many values are there.
func (g *group) collect(want int) map[string][]string {
	g.t.Helper()
	cl := g.client(kgo.ConsumeTopics(g.output), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ctx, cancel := context.WithTimeout(g.t.Context(), 5*time.Minute)
	defer cancel()
	got := map[string][]string{}
	for n := 0; n < want; {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			g.t.Fatalf("read %d of %d committed records: %v", n, want, got)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		})
	}
	return got
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
	got := g.committed()
	if len(got) != shards {
		g.t.Errorf("%d shards wrote, want %d", len(got), shards)
	}
	var all []string
	for i := range limit {
		all = append(all, fmt.Sprint(i+1))
	}
	want := strings.Join(all, " ")
	for s, values := range got {
		if have := strings.Join(values, " "); have != want {
			g.t.Errorf("shard %s wrote %q, want %q", s, have, want)
		}
	}
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
	cut := &cutter{}
	plain := g.kafka.Extra
	g.kafka.Extra = slices.Concat(plain, []kgo.Opt{kgo.Dialer(cut.dial)})
	stop := g.run(4, nil)
	g.kafka.Extra = plain
	g.wantCounts(stop, 4)
	if before, after := cut.before.Load(), cut.after.Load(); before == 0 || after == 0 {
		t.Errorf("cut %d commits before and %d after their effect: the fault did not apply", before, after)
	}
}

// cutter dials connections that break around a commit.
type cutter struct{ commits, before, after atomic.Int64 }

func (c *cutter) dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, host)
	return &cutConn{Conn: conn, cutter: c}, err
}

type cutConn struct {
	net.Conn
	cutter *cutter
	armed  atomic.Bool
}

var errCut = errors.New("connection cut by the test")

// Write sees whole requests; bytes 4 and 5 hold the request's key.
func (c *cutConn) Write(p []byte) (int, error) {
	if len(p) > 6 && kmsg.Key(binary.BigEndian.Uint16(p[4:6])) == kmsg.EndTxn {
		switch n := c.cutter.commits.Add(1); {
		case n > 60 || n%3 != 0:
		case n%2 == 0:
			c.cutter.before.Add(1)
			_ = c.Close()
			return 0, errCut
		default:
			c.cutter.after.Add(1)
			c.armed.Store(true)
		}
	}
	return c.Conn.Write(p)
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.armed.Load() { // the answer is there, so the effect is too
		_ = c.Close()
		return 0, errCut
	}
	return n, err
}

func (k cluster) survivorTakesAll(t *testing.T) {
	t.Parallel()
	g := newGroup(t, k.broker)
	gate := make(chan struct{})
	slow := func(c *counter) { c.gate = gate }
	first := g.run(2, slow)
	g.collect(shards) // the first owns everything and has written a value each
	taken := make(chan *shard.Lease, shards)
	second := g.run(2, func(c *counter) { c.gate, c.taken = gate, taken })
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
	stop := g.run(1, func(c *counter) {
		if c.shard == 3 {
			c.taken, c.value = taken, 1 // it is the test that writes for it
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
	stop := g.run(1, func(c *counter) {
		if c.shard == 3 {
			c.taken, c.value = taken, 1
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
