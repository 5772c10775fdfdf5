package shard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig/counters"
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
	counters.Topics(t, o, names, output)
	return c, o
}

// run starts a manager and returns how to stop it.
func run(t *testing.T, o kafka.Options, edit func(*shard.Options)) (stop func() error) {
	t.Helper()
	opts := shard.Options{
		Kafka: o, Names: names, Role: "source",
		SessionTimeout: 2 * time.Second, CallDeadline: 500 * time.Millisecond, Grace: 200 * time.Millisecond, DrainTimeout: 2 * time.Second,
		New: func(s int32) shard.Worker { return &counters.Counter{Shard: s, Output: output, Limit: 3} },
	}
	if edit != nil {
		edit(&opts)
	}
	return counters.Run(t, opts)
}

// collect reads committed output until so many values are there.
func collect(t *testing.T, o kafka.Options, want int) map[string][]string {
	t.Helper()
	return counters.Collect(t, o, output, want, 20*time.Second)
}

func TestEveryShardIsOwnedAndWritesOnce(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	run(t, o, nil)
	counters.Want(t, collect(t, o, 3*shard.DefaultShards), 3)
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
		op.New = func(s int32) shard.Worker { return &counters.Counter{Shard: s, Output: output, Limit: 5} }
	})
	counters.Want(t, collect(t, o, 5*shard.DefaultShards), 5)
}

// Every third commit gets no answer: of these, half were never applied and half
// were applied before the connection broke. Whoever believed that it failed
// would write its values again; whoever believed that it succeeded would lose
// those that were not applied.
func TestACommitWithoutAnAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	cutter := &counters.Cutter{}
	o.Extra = append(o.Extra, kgo.Dialer(cutter.Dial))
	run(t, o, func(op *shard.Options) {
		op.New = func(s int32) shard.Worker { return &counters.Counter{Shard: s, Output: output, Limit: 4} }
	})
	counters.Want(t, collect(t, o, 4*shard.DefaultShards), 4)
	cutter.Applied(t)
}

func TestTwoProcessesShareAndTheSurvivorTakesAll(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	gate := make(chan struct{})
	slow := func(op *shard.Options) {
		op.New = func(s int32) shard.Worker {
			return &counters.Counter{Shard: s, Output: output, Limit: 2, After: func(context.Context, int) {
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
	counters.Want(t, collect(t, o, 2*shard.DefaultShards), 2)
}

func TestSequenceNeverRepeatsOverOwners(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	var last int64
	for range 3 {
		taken := make(chan *shard.Lease, shard.DefaultShards)
		stop := run(t, o, func(op *shard.Options) {
			op.New = func(s int32) shard.Worker {
				c := &counters.Counter{Shard: s, Output: output}
				if s == 0 {
					c.Taken = taken
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
			c := &counters.Counter{Shard: s, Output: output}
			if s == 3 {
				c.Taken = taken
			}
			return c
		}
	})
	l := <-taken
	usurper := counters.Client(t, o, kgo.TransactionalID(names.TransactionalID("source", 3)))
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
			w := &counters.Counter{Shard: s, Output: output}
			if s == 0 {
				w.Taken = taken
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
		admin := counters.Client(t, o)
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
