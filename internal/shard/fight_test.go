package shard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// Two managers that both believe that all shards are theirs, as no group would
// let them: what is left is the fence. However their steps fall together, each
// value is written once, and one of the two is left to write the last.
func TestOfTwoWhoFightOneGoesOn(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			var fighters [2]*fighter
			for i := range fighters {
				fighters[i] = a.enter(rand.New(rand.NewPCG(uint64(round), uint64(i))))
			}
			a.await()
			a.leave(fighters[:])
			a.wantOnce()
		})
	}
}

const (
	arenaShards = 4
	arenaMore   = 10 // values that each shard writes once somebody has given up
)

// arena is a broker without a group.
type arena struct {
	t     *testing.T
	kafka kafka.Options
	names kafka.Names
	done  chan int32    // a shard has written its last value
	lost  chan error    // a manager has given up
	over  chan struct{} // closed when one has
}

// fighter is a manager that owns everything.
type fighter struct {
	manager *Manager
	cancel  context.CancelFunc
}

func newArena(t *testing.T) *arena {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	a := &arena{
		t: t, names: kafka.Names{Bridge: "b"}, done: make(chan int32, 64), lost: make(chan error, 2), over: make(chan struct{}),
		kafka: kafka.Options{Brokers: c.ListenAddrs(), Extra: []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}},
	}
	specs := []kafka.TopicSpec{
		a.names.StateTopic("source", kafka.Layout{ReplicationFactor: 1}),
		{Name: "out", Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete"}},
	}
	if err := kafka.EnsureTopics(t.Context(), a.client(), specs, true); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *arena) client() *kgo.Client {
	a.t.Helper()
	client, err := a.kafka.NewClient()
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(client.Close)
	return client
}

// enter lets a manager own all shards; its group confirms whatever it is asked.
func (a *arena) enter(rng *rand.Rand) *fighter {
	a.t.Helper()
	var mu sync.Mutex
	dawdle := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rng.IntN(20)) * time.Millisecond
	}
	m := New(Options{
		Kafka: a.kafka, Names: a.names, Role: "source", SessionTimeout: time.Minute, CallDeadline: time.Second, DrainTimeout: 10 * time.Second,
		New:     func(s int32) Worker { return &duelist{arena: a, shard: s, dawdle: dawdle} },
		OnPoint: func(string) { sleep(a.t.Context(), dawdle()/10) },
	})
	ctx, cancel := context.WithCancel(a.t.Context())
	a.t.Cleanup(cancel)
	var shards []int32
	for s := range int32(arenaShards) {
		shards = append(shards, s)
	}
	m.own(ctx, shards, func(context.Context) error { return nil })
	go func() {
		select {
		case err := <-m.failed: // as Run has it: who gives a shard up gives up all
			cancel()
			a.lost <- err
		case <-ctx.Done():
		}
	}()
	return &fighter{m, cancel}
}

// await waits until one manager has given up and the other one has brought all
// shards on.
func (a *arena) await() {
	a.t.Helper()
	limit := time.After(30 * time.Second)
	select {
	case err := <-a.lost:
		if !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "is another deployment running") {
			a.t.Errorf("a manager has ended with %v", err)
		}
		close(a.over)
	case <-limit:
		a.t.Fatal("nobody has given up within 30 s")
	}
	finished := map[int32]bool{}
	for len(finished) < arenaShards {
		select {
		case s := <-a.done:
			finished[s] = true
		case err := <-a.lost:
			a.t.Fatalf("the other manager has given up, too: %v", err)
		case <-limit:
			a.t.Fatalf("%d of %d shards went on", len(finished), arenaShards)
		}
	}
}

func (a *arena) leave(fighters []*fighter) {
	for _, f := range fighters {
		f.cancel()
		f.manager.release(f.manager.Owned(), 0)
	}
}

// wantOnce wants each shard to have written each value once and in order.
func (a *arena) wantOnce() {
	a.t.Helper()
	got := map[string][]string{}
	err := kafka.ReadToStable(a.t.Context(), a.client(), "out", 0, 0, func(r *kgo.Record) error {
		got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	for s := range arenaShards {
		have := got[fmt.Sprint(s)]
		var want []string
		for i := range have {
			want = append(want, fmt.Sprint(i+1))
		}
		if len(have) < arenaMore || !slices.Equal(have, want) {
			a.t.Errorf("shard %d wrote %v", s, have)
		}
	}
}

// duelist keeps a number in its state and writes each value of it once.
type duelist struct {
	arena  *arena
	shard  int32
	dawdle func() time.Duration
	value  int
}

func (d *duelist) Restore(_, value []byte) error {
	_, err := fmt.Sscan(string(value), &d.value)
	return err
}

func (d *duelist) Run(ctx context.Context, l *Lease) error {
	for left := arenaMore; ctx.Err() == nil && left > 0; {
		if err := d.write(ctx, l); err != nil {
			return err
		}
		select {
		case <-d.arena.over:
			left--
		default:
		}
		sleep(ctx, d.dawdle())
	}
	if ctx.Err() == nil {
		d.arena.done <- d.shard
	}
	<-ctx.Done()
	return nil
}

func (d *duelist) write(ctx context.Context, l *Lease) error {
	next := d.value + 1
	err := l.Transact(ctx, func(tx *Tx) error {
		rec := &kgo.Record{Topic: "out", Key: fmt.Append(nil, d.shard), Value: fmt.Append(nil, next)}
		if err := tx.Produce(rec); err != nil {
			return err
		}
		sleep(ctx, d.dawdle())
		tx.State([]byte("count"), fmt.Append(nil, next))
		return nil
	})
	if err == nil {
		d.value = next
	}
	return err
}
