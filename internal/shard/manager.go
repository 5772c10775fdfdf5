package shard

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Manager joins the group that hands out a role's shards and runs an owner for
// each that it is given.
type Manager struct {
	opts  Options
	name  string // of this process, unlike all others
	beats *heartbeats

	mu     sync.Mutex
	group  *kgo.Client // the member; nil before it has joined
	owners map[int32]*running
	astray map[string]string    // token -> the owner of its shard that does not know it
	shared map[string]time.Time // topic -> when somebody else last wrote to it
	failed chan error

	unwritable map[string]refusal // topic -> the broker's last refusal
	refused    map[int32]string   // shard -> why it cannot be taken over
	outside    string             // why this process is no member of the group
}

// running is an owner's goroutine: cancel ends it, done closes when it has.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
	until  atomic.Int64 // when the shard is let go at the latest, on the clock of the heartbeats; 0 = not told to
}

// New returns a Manager; nothing happens before Run.
func New(opts Options) *Manager {
	return &Manager{
		opts:   opts.withDefaults(),
		name:   rand.Text(),
		beats:  newHeartbeats(),
		owners: map[int32]*running{},
		shared: map[string]time.Time{}, unwritable: map[string]refusal{}, refused: map[int32]string{},
		failed: make(chan error, 1),
	}
}

// Owned lists the shards that are assigned to this process, ascending.
func (m *Manager) Owned() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.owners))
}

// Run holds shards until ctx ends, then drains their owners and leaves. A
// static member (one with an InstanceID) that dies, or that is alone, keeps its
// place in the group, so that its restart finds its shards where they were; one
// that drains beside others hands its shards over to them.
func (m *Manager) Run(ctx context.Context) error {
	ownersCtx, stopOwners := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOwners()
	clientCtx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	client, err := m.join(ownersCtx, clientCtx)
	if err != nil {
		return fmt.Errorf("join %s: %w", m.opts.Names.ShardGroup(m.opts.Role), err)
	}
	m.mu.Lock()
	m.group = client
	m.mu.Unlock()
	go m.logGroupErrors(ownersCtx, client)
	go m.compareTokens(ownersCtx, client)
	go m.keepBeating(ownersCtx, client)
	select {
	case <-ctx.Done():
		err = nil
	case err = <-m.failed:
	}
	m.release(m.Owned(), m.opts.DrainTimeout)
	m.leave(ctx, client, cut, err == nil)
	return err
}

// join makes a client that lives as long as its context, and that starts owners
// for as long as theirs.
func (m *Manager) join(ctx, clientCtx context.Context) (*kgo.Client, error) {
	topic := m.opts.Names.State(m.opts.Role)
	opts := []kgo.Opt{
		kgo.WithContext(clientCtx),
		kgo.ConsumerGroup(m.opts.Names.ShardGroup(m.opts.Role)),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(m.opts.SessionTimeout),
		kgo.HeartbeatInterval(m.opts.beatEvery()),
		kgo.RebalanceTimeout(m.opts.rebalanceTimeout()),
		kgo.Balancers(announcing{kgo.CooperativeStickyBalancer(), m.opts.Tokens}),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, got map[string][]int32) {
			m.noteInside()
			raise(&m.beats.settled, int64(m.beats.now()))
			m.own(ctx, got[topic], func(ctx context.Context) error { return m.confirm(ctx, client) })
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
			m.release(gone[topic], m.opts.DrainTimeout)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
			m.beats.forget()
			m.release(gone[topic], 0)
		}),
	}
	if m.opts.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(m.opts.InstanceID))
	}
	client, err := m.opts.Kafka.For("shards").NewClient(opts...)
	if err != nil {
		return nil, err
	}
	client.PauseFetchTopics(topic)
	return client, nil
}

// own starts an owner for each shard. confirm asks the group whether this
// process is still its member.
func (m *Manager) own(ctx context.Context, shards []int32, confirm func(context.Context) error) {
	for _, s := range shards {
		if ctx.Err() != nil {
			return
		}
		octx, cancel := context.WithCancel(ctx)
		r := &running{cancel: cancel, done: make(chan struct{})}
		m.mu.Lock()
		m.owners[s] = r
		m.mu.Unlock()
		o := &owner{
			shard: s, opts: &m.opts, fresh: func() error { return m.freshOwner(r) }, held: func() error { return m.heldBy(r) },
			confirm: confirm, books: m,
			standing: func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.owners[s] == r },
		}
		go func() {
			defer close(r.done)
			defer cancel()
			if err := o.run(octx); err != nil {
				select {
				case m.failed <- err:
				default:
				}
			}
		}()
	}
}

// release ends owners and waits for them, at most the drain timeout: past that
// their writes to Kafka are fenced by the next owner. API writes know no
// fences: none is started that could outlive write, the time for which the
// shard is still ours.
func (m *Manager) release(shards []int32, write time.Duration) {
	until := int64(m.beats.now() + write)
	var waiting []*running
	m.mu.Lock()
	for _, s := range shards {
		if r := m.owners[s]; r != nil {
			delete(m.owners, s)
			r.until.Store(until)
			r.cancel()
			waiting = append(waiting, r)
		}
	}
	m.mu.Unlock()
	limit := time.NewTimer(m.opts.DrainTimeout)
	defer limit.Stop()
	for _, r := range waiting {
		select {
		case <-r.done:
		case <-limit.C:
			m.opts.Log.Warn("a shard's owner did not drain in time")
			return
		}
	}
}

// freshOwner is fresh for an owner that may have been told to let go.
func (m *Manager) freshOwner(r *running) error {
	if until := time.Duration(r.until.Load()); until != 0 && m.beats.now()+m.opts.CallDeadline > until {
		return fmt.Errorf("%w: the shard is being let go", ErrStale)
	}
	return m.fresh()
}

func (m *Manager) fresh() error {
	if age := m.beats.age(); age > m.opts.freshFor() {
		return fmt.Errorf("%w: last answered heartbeat is older than %s", ErrStale, m.opts.freshFor())
	}
	if m.beats.unsettled() > m.opts.rebalanceTimeout()-m.opts.CallDeadline-m.opts.Grace {
		return fmt.Errorf("%w: the group rebalances, and may go on without us", ErrStale)
	}
	return nil
}

// heldBy is nil as long as nobody else can own an owner's shard: what a call that was
// begun in time sends may leave. It is freshOwner without the time for a whole call.
func (m *Manager) heldBy(r *running) error {
	if until := time.Duration(r.until.Load()); until != 0 && m.beats.now() > until {
		return fmt.Errorf("%w: the shard was let go", ErrStale)
	}
	if m.beats.age() > m.opts.SessionTimeout-m.opts.Grace {
		return fmt.Errorf("%w: the group may have given the shard to another process", ErrStale)
	}
	if m.beats.unsettled() > m.opts.rebalanceTimeout()-m.opts.Grace {
		return fmt.Errorf("%w: the group may have gone on without us", ErrStale)
	}
	return nil
}

// logGroupErrors reads the errors that the client injects into its (paused,
// empty) fetches; nothing else comes that way.
func (m *Manager) logGroupErrors(ctx context.Context, client *kgo.Client) {
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			if why := m.outsideBecause(err); why != "" {
				m.noteOutside(why)
				return
			}
			m.opts.Log.Warn("shard group", "topic", topic, "partition", partition, "error", err.Error())
		})
	}
}
