package shard_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

const output = "out"

var names = kafka.Names{Bridge: "b"}

// cluster starts a broker with the state topic and an output topic.
func cluster(t *testing.T) (*kfake.Cluster, kafka.Options) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o := kafka.Options{Brokers: c.ListenAddrs(), Extra: []kgo.Opt{
		kgo.MetadataMinAge(20 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
	}}
	admin := client(t, o)
	specs := []kafka.TopicSpec{
		names.StateTopic("source", kafka.Layout{ReplicationFactor: 1}),
		{Name: output, Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete"}},
	}
	if err := kafka.EnsureTopics(t.Context(), admin, specs, true); err != nil {
		t.Fatal(err)
	}
	return c, o
}

func client(t *testing.T, o kafka.Options, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := o.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// counter is a worker that keeps one number in its state and writes each value
// of it once to the output topic.
type counter struct {
	shard int32
	limit int
	value int
	taken chan<- *shard.Lease
	after func(value int)
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
			rec := &kgo.Record{Topic: output, Key: fmt.Append(nil, c.shard), Value: fmt.Append(nil, next)}
			if err := tx.Produce(rec); err != nil {
				return err
			}
			tx.State([]byte("count"), fmt.Appendf(nil, "%d", next))
			return nil
		})
		if err != nil {
			return err
		}
		c.value = next
		if c.after != nil {
			c.after(next)
		}
	}
	<-ctx.Done()
	return nil
}

// run starts a manager and returns how to stop it.
func run(t *testing.T, o kafka.Options, edit func(*shard.Options)) (stop func() error) {
	t.Helper()
	opts := shard.Options{
		Kafka: o, Names: names, Role: "source",
		SessionTimeout: 2 * time.Second, CallDeadline: 500 * time.Millisecond, Grace: 200 * time.Millisecond, DrainTimeout: 2 * time.Second,
		New: func(s int32) shard.Worker { return &counter{shard: s, limit: 3} },
	}
	if edit != nil {
		edit(&opts)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- shard.New(opts).Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// collect reads committed output until n values of the shard are seen.
func collect(t *testing.T, o kafka.Options, want int) map[string][]string {
	t.Helper()
	cl := client(t, o, kgo.ConsumeTopics(output), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := map[string][]string{}
	for n := 0; n < want; {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d committed records: %v", n, want, got)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		})
	}
	return got
}

func wantCounts(t *testing.T, got map[string][]string, shards, limit int) {
	t.Helper()
	if len(got) != shards {
		t.Errorf("%d shards wrote, want %d", len(got), shards)
	}
	var all []string
	for i := range limit {
		all = append(all, fmt.Sprint(i+1))
	}
	want := strings.Join(all, " ")
	for s, values := range got {
		if have := strings.Join(values, " "); have != want {
			t.Errorf("shard %s wrote %q, want %q", s, have, want)
		}
	}
}

func TestEveryShardIsOwnedAndWritesOnce(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	run(t, o, nil)
	wantCounts(t, collect(t, o, 3*shard.DefaultShards), shard.DefaultShards, 3)
}

func TestARestartGoesOnWhereTheLogStands(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	stop := run(t, o, nil)
	collect(t, o, 3*shard.DefaultShards)
	if err := stop(); err != nil {
		t.Fatalf("drain: %v", err)
	}
	run(t, o, func(op *shard.Options) {
		op.New = func(s int32) shard.Worker { return &counter{shard: s, limit: 5} }
	})
	wantCounts(t, collect(t, o, 5*shard.DefaultShards), shard.DefaultShards, 5)
}

// Every third commit gets no answer: of these, half were never applied and half
// were applied before the connection broke. Whoever believed that it failed
// would write its values again; whoever believed that it succeeded would lose
// those that were not applied.
func TestACommitWithoutAnAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	cutter := &cutter{}
	o.Extra = append(o.Extra, kgo.Dialer(cutter.dial))
	run(t, o, func(op *shard.Options) {
		op.New = func(s int32) shard.Worker { return &counter{shard: s, limit: 4} }
	})
	wantCounts(t, collect(t, o, 4*shard.DefaultShards), shard.DefaultShards, 4)
	if before, after := cutter.before.Load(), cutter.after.Load(); before == 0 || after == 0 {
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

func TestTwoProcessesShareAndTheSurvivorTakesAll(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	gate := make(chan struct{})
	slow := func(op *shard.Options) {
		op.New = func(s int32) shard.Worker {
			return &counter{shard: s, limit: 2, after: func(int) {
				select {
				case <-gate:
				case <-time.After(5 * time.Second):
				}
			}}
		}
	}
	first := run(t, o, slow)
	collect(t, o, 12) // the first owns everything and has written one value each
	run(t, o, slow)
	close(gate)
	if err := first(); err != nil {
		t.Fatalf("drain of the first: %v", err)
	}
	wantCounts(t, collect(t, o, 2*shard.DefaultShards), shard.DefaultShards, 2)
}

func TestSequenceNeverRepeatsOverOwners(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	var last int64
	for range 3 {
		taken := make(chan *shard.Lease, shard.DefaultShards)
		stop := run(t, o, func(op *shard.Options) {
			op.New = func(s int32) shard.Worker {
				c := &counter{shard: s}
				if s == 0 {
					c.taken = taken
				}
				return c
			}
		})
		l := <-taken
		for range 5 {
			next := l.NextSequence()
			if next <= last {
				t.Fatalf("sequence %d after %d", next, last)
			}
			last = next
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFencedOwnerWritesNothing(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	taken := make(chan *shard.Lease, 64)
	run(t, o, func(op *shard.Options) {
		op.New = func(s int32) shard.Worker {
			c := &counter{shard: s}
			if s == 3 {
				c.taken = taken
			}
			return c
		}
	})
	l := <-taken
	usurper := client(t, o, kgo.TransactionalID(names.TransactionalID("source", 3)))
	if _, _, err := usurper.ProducerID(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := l.Transact(t.Context(), func(tx *shard.Tx) error {
		return tx.Produce(&kgo.Record{Topic: output, Value: []byte("late")})
	})
	if !errors.Is(err, shard.ErrFenced) {
		t.Fatalf("Transact of a fenced owner: %v, want ErrFenced", err)
	}
	if err := l.Fresh(); err == nil {
		t.Error("Fresh is nil after the lease's end")
	}
	if err := l.Transact(t.Context(), func(*shard.Tx) error { return nil }); !errors.Is(err, shard.ErrLeaseOver) {
		t.Errorf("second Transact: %v, want ErrLeaseOver", err)
	}
}

// A session of eight seconds less a call of six and a grace of one: the
// membership is stale one second after the last answer, long before the group
// would give the shard to anybody else or the client would say that it is lost.
func TestMembershipGoesStaleWhenTheBrokerIsSilent(t *testing.T) {
	t.Parallel()
	c, o := cluster(t)
	const session, limit = 8 * time.Second, 4 * time.Second
	taken := make(chan *shard.Lease, 1)
	run(t, o, func(op *shard.Options) {
		op.SessionTimeout, op.CallDeadline, op.Grace = session, 6*time.Second, time.Second
		op.New = func(s int32) shard.Worker {
			w := &counter{shard: s}
			if s == 0 {
				w.taken = taken
			}
			return w
		}
	})
	l := <-taken
	if err := l.Fresh(); err != nil {
		t.Fatalf("Fresh of a new owner: %v", err)
	}
	// Silence, not a broken connection: the client would take that for the end
	// of the session, and say so at once.
	answer := make(chan struct{})
	t.Cleanup(func() { close(answer) })
	c.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-answer })
		return nil, nil, false
	})
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for l.Fresh() == nil {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still fresh %s after the last answered heartbeat: a call begun now ends after the session of %s", limit, session)
		}
	}
	if err := l.Fresh(); !errors.Is(err, shard.ErrStale) {
		t.Errorf("Fresh: %v, want ErrStale", err)
	}
}

// A worker that is told to let go may end what fits into the drain, and starts
// no API write that would not.
func TestNoWriteStartsThatOutlivesTheDrain(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	for name, tc := range map[string]struct {
		drain time.Duration
		stale bool
	}{"room": {drain: time.Minute}, "no room": {drain: 100 * time.Millisecond, stale: true}} {
		bridge := kafka.Names{Bridge: strings.ReplaceAll(name, " ", "-")}
		admin := client(t, o)
		if err := kafka.EnsureTopics(t.Context(), admin, []kafka.TopicSpec{bridge.StateTopic("source", kafka.Layout{ReplicationFactor: 1})}, true); err != nil {
			t.Fatal(err)
		}
		began, asked := make(chan struct{}, 1), make(chan error, 1)
		stop := run(t, o, func(op *shard.Options) {
			op.Names, op.DrainTimeout = bridge, tc.drain
			op.New = func(s int32) shard.Worker { return &leaver{shard: s, began: began, asked: asked} }
		})
		<-began
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := <-asked; errors.Is(err, shard.ErrStale) != tc.stale {
			t.Errorf("%s: Fresh while the shard is let go: %v", name, err)
		}
	}
}

// leaver asks for freshness after it was told to stop.
type leaver struct {
	shard int32
	began chan<- struct{}
	asked chan<- error
}

func (*leaver) Restore(_, _ []byte) error { return nil }

func (w *leaver) Run(ctx context.Context, l *shard.Lease) error {
	if w.shard == 0 {
		w.began <- struct{}{}
	}
	<-ctx.Done()
	if w.shard == 0 {
		w.asked <- l.Fresh()
	}
	return nil
}

func TestShardOfIsStable(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]int32{"planhat/acme": 2, "planhat/default": 9, "pipedrive/acme": 2} {
		if got := shard.ShardOf(token, 12); got != want {
			t.Errorf("ShardOf(%q) = %d, want %d: state of existing installations would be orphaned", token, got, want)
		}
	}
}
