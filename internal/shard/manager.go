package shard

import (
	"context"
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
	beats *heartbeats

	mu     sync.Mutex
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
// static member (one with an InstanceID) does not leave the group, so that its
// restart finds its shards where they were.
func (m *Manager) Run(ctx context.Context) error {
	ownersCtx, stopOwners := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOwners()
	client, err := m.join(ownersCtx)
	if err != nil {
		return fmt.Errorf("join %s: %w", m.opts.Names.ShardGroup(m.opts.Role), err)
	}
	defer client.CloseAllowingRebalance()
	go m.logGroupErrors(ownersCtx, client)
	go m.compareTokens(ownersCtx, client)
	select {
	case <-ctx.Done():
		err = nil
	case err = <-m.failed:
	}
	m.release(m.Owned(), m.opts.DrainTimeout)
	return err
}

func (m *Manager) join(ctx context.Context) (*kgo.Client, error) {
	topic := m.opts.Names.State(m.opts.Role)
	opts := []kgo.Opt{
		kgo.ConsumerGroup(m.opts.Names.ShardGroup(m.opts.Role)),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(m.opts.SessionTimeout),
		kgo.HeartbeatInterval(min(3*time.Second, m.opts.SessionTimeout/5, m.opts.freshFor()/3)),
		kgo.RebalanceTimeout(m.opts.DrainTimeout + 10*time.Second),
		kgo.Balancers(announcing{kgo.CooperativeStickyBalancer(), m.opts.Tokens}),
		kgo.WithHooks(m.beats),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			m.noteInside()
			m.own(ctx, got[topic])
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

// own starts an owner for each shard.
func (m *Manager) own(ctx context.Context, shards []int32) {
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
			shard: s, opts: &m.opts, fresh: func() error { return m.freshOwner(r) },
			books:    m,
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
