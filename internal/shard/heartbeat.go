package shard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Membership is proved by heartbeats of our own: those that the client sends by
// itself do not show what they were answered with, and an answer may just as
// well be that the group knows us no more.

// heartbeats remembers when the last heartbeat was sent to which the group said
// that we are its member. That moment is the earliest from which the broker's
// session timeout can run. All times are on the monotonic clock, from start on:
// a process that was stopped finds its membership old when it goes on.
type heartbeats struct {
	start   time.Time
	last    atomic.Int64 // nanoseconds since start, 0 = never
	settled atomic.Int64 // likewise, of the last one that found no rebalance under way

	asking turn // one heartbeat at a time
}

func newHeartbeats() *heartbeats { return &heartbeats{start: time.Now(), asking: newTurn()} }

// now is the time on the monotonic clock that all ages are measured by.
func (h *heartbeats) now() time.Duration { return time.Since(h.start) }

// confirmed notes that a heartbeat that was sent then has been answered well.
func (h *heartbeats) confirmed(sent time.Duration, rebalancing bool) {
	raise(&h.last, int64(sent))
	if !rebalancing {
		raise(&h.settled, int64(sent))
	}
}

func raise(to *atomic.Int64, value int64) {
	for {
		if old := to.Load(); old >= value || to.CompareAndSwap(old, value) {
			return
		}
	}
}

// forget makes the membership stale at once (the group has told us we are out).
func (h *heartbeats) forget() { h.last.Store(0) }

// age is how long ago the last confirmed heartbeat was sent.
func (h *heartbeats) age() time.Duration { return h.since(&h.last) }

// unsettled is how long a rebalance may have been under way that we take part
// in: the group waits for its members so long, and no longer.
func (h *heartbeats) unsettled() time.Duration { return h.since(&h.settled) }

func (h *heartbeats) since(at *atomic.Int64) time.Duration {
	then := at.Load()
	if then == 0 {
		return 1<<63 - 1
	}
	return h.now() - time.Duration(then)
}

// beatTimeout bounds the wait for one answer: a lost one must not keep the next
// heartbeat from being sent.
const beatTimeout = 5 * time.Second

// beat sends a heartbeat. The error is nil if the group answers that we are its
// member in its present generation, or in the one that it is about to leave.
func (m *Manager) beat(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, min(beatTimeout, m.opts.SessionTimeout))
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group = m.opts.Names.ShardGroup(m.opts.Role)
	req.MemberID, req.Generation = client.GroupMetadata()
	if m.opts.InstanceID != "" {
		req.InstanceID = &m.opts.InstanceID
	}
	sent := m.beats.now()
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	rebalancing := errors.Is(err, kerr.RebalanceInProgress)
	if err != nil && !rebalancing {
		return fmt.Errorf("ask group %s whether this process is its member: %w", req.Group, err)
	}
	m.beats.confirmed(sent, rebalancing)
	return nil
}

// While a rebalance ends, the group has a generation that its answer to us has
// yet to tell: it is asked again so often, so long.
const (
	generationTries = 40
	generationPause = 25 * time.Millisecond
)

// confirm succeeds if the group says, now, that this process is its member.
// Those who ask at the same time share a heartbeat that was sent after all of
// them had asked.
func (m *Manager) confirm(ctx context.Context, client *kgo.Client) error {
	asked := m.beats.now()
	m.beats.asking.Lock()
	defer m.beats.asking.Unlock()
	if time.Duration(m.beats.last.Load()) >= asked {
		return nil
	}
	var err error
	for range generationTries {
		if err = m.beat(ctx, client); !errors.Is(err, kerr.IllegalGeneration) || ctx.Err() != nil {
			return err
		}
		sleep(ctx, generationPause)
	}
	return err
}

// keepBeating confirms the membership again and again until ctx ends. A failure
// needs no word here: the membership goes stale, and the client finds out for
// itself what has become of it.
func (m *Manager) keepBeating(ctx context.Context, client *kgo.Client) {
	for {
		sleep(ctx, m.opts.beatEvery())
		if ctx.Err() != nil {
			return
		}
		if id, _ := client.GroupMetadata(); id != "" {
			_ = m.confirm(ctx, client)
		}
	}
}
