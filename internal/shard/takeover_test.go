package shard

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// The steps of a take-over, each with somebody who comes between.

// former is an owner of shard 0 that knows nothing of its successor.
type former struct {
	arena  *arena
	client *kgo.Client
}

func (a *arena) former() *former {
	a.t.Helper()
	client, err := a.kafka.NewClient(kgo.TransactionalID(a.names.TransactionalID("source", 0)), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(client.Close)
	return &former{a, client}
}

// write begins a transaction and writes a state record.
func (f *former) write(key, value string) {
	f.arena.t.Helper()
	if err := f.client.BeginTransaction(); err != nil {
		f.arena.t.Fatal(err)
	}
	rec := &kgo.Record{Topic: f.arena.names.State("source"), Key: []byte(key), Value: []byte(value)}
	if err := f.client.ProduceSync(f.arena.t.Context(), rec).FirstErr(); err != nil {
		f.arena.t.Fatal(err)
	}
}

func (f *former) end(how kgo.TransactionEndTry) error {
	return f.client.EndTransaction(f.arena.t.Context(), how)
}

// witness is a worker that tells what it was restored from.
type witness struct {
	onRestore func()
	restored  []string
	begun     chan<- []string
}

func (w *witness) Restore(key, value []byte) error {
	if w.onRestore != nil {
		w.onRestore()
	}
	w.restored = append(w.restored, string(key)+"="+string(value))
	return nil
}

func (w *witness) Run(ctx context.Context, _ *Lease) error {
	w.begun <- w.restored
	<-ctx.Done()
	return nil
}

// own lets a new manager own shard 0.
func (a *arena) own(confirm func(m *Manager) error, newWorker func() Worker) *Manager {
	a.t.Helper()
	m := New(Options{Kafka: a.kafka, Names: a.names, Role: "source", DrainTimeout: 10 * time.Second, New: func(int32) Worker { return newWorker() }})
	ctx, cancel := context.WithCancel(a.t.Context())
	a.t.Cleanup(func() { cancel(); m.release(m.Owned(), 0) })
	m.own(ctx, []int32{0}, func(context.Context) error { return confirm(m) })
	return m
}

func always(*Manager) error { return nil }

func (a *arena) within(what string, got <-chan []string) []string {
	a.t.Helper()
	select {
	case restored := <-got:
		return restored
	case <-time.After(20 * time.Second):
		a.t.Fatalf("%s: not within 20 s", what)
		return nil
	}
}

// The former owner commits while its successor restores. Who restores first and
// fences afterwards has not seen that, and writes it again.
func TestTheFormerOwnerIsFencedBeforeTheState(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	f := a.former()
	f.write("count", "1")
	if err := f.end(kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	f.write("count", "2")
	var late error
	var once sync.Once
	begun := make(chan []string, 1)
	a.own(always, func() Worker {
		return &witness{begun: begun, onRestore: func() { once.Do(func() { late = f.end(kgo.TryCommit) }) }}
	})
	restored := a.within("the take-over", begun)
	if late == nil && !slices.Contains(restored, "count=2") {
		t.Errorf("the former owner has committed what its successor does not know: it was restored from %q", restored)
	}
}

// What the former owner has not committed never was.
func TestTheStateIsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	f := a.former()
	f.write("count", "1")
	if err := f.end(kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	f.write("count", "2")
	if err := f.end(kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	f.write("count", "3") // left open: the fence ends it
	begun := make(chan []string, 1)
	a.own(always, func() Worker { return &witness{begun: begun} })
	if restored := a.within("the take-over", begun); !slices.Equal(restored, []string{"count=1"}) {
		t.Errorf("restored from %q, want count=1", restored)
	}
}

// The shard is taken away while its new owner fences: it must not begin.
func TestAShardThatWasLetGoIsNotBegun(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(*Manager) error{
		"let go":          func(m *Manager) error { m.mu.Lock(); defer m.mu.Unlock(); delete(m.owners, 0); return nil },
		"no member, says": func(*Manager) error { return kerr.UnknownMemberID },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			var asked atomic.Int32
			over := make(chan struct{})
			a.own(func(m *Manager) error {
				switch asked.Add(1) {
				case 1: // before the fence
					return nil
				case 2:
					defer close(over)
				}
				return gone(m)
			}, func() Worker { t.Error("the state is restored"); return &witness{} })
			select {
			case <-over:
			case <-time.After(20 * time.Second):
				t.Fatal("nobody has asked after the fence whether the shard is still ours")
			}
		})
	}
}

// A process that the group no longer knows, but that does not know it yet, does
// not put out the one that owns the shard now.
func TestWhoIsNoMemberFencesNobody(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	owner := a.former()
	owner.write("count", "1")
	asked := make(chan []string, 16)
	a.own(func(*Manager) error {
		select {
		case asked <- nil:
		default:
		}
		return kerr.UnknownMemberID
	}, func() Worker { return &witness{} })
	for range 3 {
		a.within("the question", asked)
	}
	if err := owner.end(kgo.TryCommit); err != nil {
		t.Errorf("the owner's commit: %v", err)
	}
}

// An answer is no membership if what it says is that we are out.
func TestAnAnswerIsNoMembership(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	m := New(Options{Kafka: a.kafka, Names: a.names, Role: "source"})
	if err := m.confirm(t.Context(), a.client()); err == nil {
		t.Error("the group confirms a member that it does not have")
	}
	if !errors.Is(m.fresh(), ErrStale) {
		t.Error("a process that the group does not know is fresh")
	}
	m.beats.confirmed(m.beats.now(), false)
	if err := m.fresh(); err != nil {
		t.Errorf("a process that the group knows is not fresh: %v", err)
	}
}

// A rebalance that goes on for longer than the group waits for its members ends
// the membership of those that it waits for, whatever heartbeats are answered.
func TestALongRebalanceMakesStale(t *testing.T) {
	t.Parallel()
	m := New(Options{SessionTimeout: 45 * time.Second, CallDeadline: 30 * time.Second, DrainTimeout: time.Second})
	m.beats.start = time.Now().Add(-time.Hour)
	m.beats.confirmed(m.beats.now()-9*time.Second, false)
	m.beats.confirmed(m.beats.now(), true)
	if err := m.fresh(); !errors.Is(err, ErrStale) {
		t.Errorf("fresh: %v, want ErrStale: the group goes on without us after %s", err, m.opts.rebalanceTimeout())
	}
}

// What a call sends may leave for as long as nobody else can own the shard, and no
// longer: a process that was stopped, and goes on with a call that it had begun in time,
// finds that out by the clock.
func TestHeldEndsBeforeAnybodyElseOwns(t *testing.T) {
	t.Parallel()
	m := New(Options{SessionTimeout: 45 * time.Second, CallDeadline: 30 * time.Second, Grace: 5 * time.Second, DrainTimeout: 35 * time.Second})
	m.beats.start = time.Now().Add(-time.Hour)
	at := func(age, unsettled time.Duration) *running {
		m.beats.last.Store(int64(m.beats.now() - age))
		m.beats.settled.Store(int64(m.beats.now() - unsettled))
		return &running{}
	}
	for _, tt := range []struct {
		name           string
		age, unsettled time.Duration
		fresh, held    bool
	}{
		{"a call may begin", 5 * time.Second, time.Second, true, true},
		{"a call that has begun may go on", 39 * time.Second, time.Second, false, true},
		{"the process was stopped", 41 * time.Second, time.Second, false, false},
		{"the group has gone on without it", time.Second, 41 * time.Second, false, false},
	} {
		r := at(tt.age, tt.unsettled)
		if fresh, held := m.freshOwner(r) == nil, m.heldBy(r) == nil; fresh != tt.fresh || held != tt.held {
			t.Errorf("%s: fresh %v, held %v", tt.name, fresh, held)
		}
	}
	r := at(0, 0)
	r.until.Store(int64(m.beats.now() + time.Second))
	if err := m.heldBy(r); err != nil {
		t.Errorf("a shard that is being let go: %v", err)
	}
	r.until.Store(int64(m.beats.now() - time.Second))
	if err := m.heldBy(r); !errors.Is(err, ErrStale) {
		t.Errorf("a shard that was let go, of a process that is a member again: %v", err)
	}
}

// The generation counts take-overs and the state names who made the last.
func TestTheStateNamesItsOwner(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	begun := make(chan []string, 1)
	m := a.own(always, func() Worker { return &witness{begun: begun} })
	a.within("the take-over", begun)
	o := &owner{opts: &m.opts, books: New(m.opts)}
	generation, _, err := o.restore(t.Context(), a.client(), a.names.State("source"), &witness{})
	if err != nil || generation != 1 || o.former != m.name {
		t.Errorf("generation %d of %q, %v; want 1 of %q", generation, o.former, err, m.name)
	}
	if o.books.name = "0"; o.patience(t.Context()) != fencedPerMinute-1 {
		t.Error("the one whose name comes first has no less patience")
	}
	if o.books.name = "~"; o.patience(t.Context()) != fencedPerMinute {
		t.Error("the one whose name comes last has less patience")
	}
}

// Of two deployments that fight for the same shard of different topics, exactly
// one comes first.
func TestOfTwoRivalsOneComesFirst(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	other := a.names
	other.Prefix = "x."
	if err := kafka.EnsureTopics(t.Context(), a.client(), []kafka.TopicSpec{other.StateTopic("source", kafka.Layout{ReplicationFactor: 1})}, true); err != nil {
		t.Fatal(err)
	}
	var both [2]*Manager
	for i, names := range []kafka.Names{a.names, other} {
		begun := make(chan []string, DefaultShards)
		both[i] = New(Options{Kafka: a.kafka, Names: names, Role: "source", New: func(int32) Worker { return &witness{begun: begun} }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- both[i].Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		for range DefaultShards {
			a.within("the take-over", begun)
		}
	}
	var first, second bool
	for end := time.Now().Add(20 * time.Second); first == second && time.Now().Before(end); sleep(t.Context(), 20*time.Millisecond) {
		first, second = both[0].comesFirst(t.Context(), 3), both[1].comesFirst(t.Context(), 3)
	}
	if first == second {
		t.Errorf("the one comes first: %t, the other: %t", first, second)
	}
	if both[0].comesFirst(t.Context(), DefaultShards) {
		t.Error("there is a rival for a shard of nobody")
	}
}
