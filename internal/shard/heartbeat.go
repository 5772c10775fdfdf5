package shard

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Request keys whose answer proves membership.
const (
	keyHeartbeat = 12
	keySyncGroup = 14
)

// heartbeats remembers when the last answered heartbeat was sent. It is a kgo
// hook; the time counts from before the request was written, which is the
// moment from which the broker's session timeout can at the earliest run.
type heartbeats struct {
	start time.Time
	last  atomic.Int64 // nanoseconds since start on the monotonic clock, 0 = never
}

func newHeartbeats() *heartbeats { return &heartbeats{start: time.Now()} }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (h *heartbeats) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if (key != keyHeartbeat && key != keySyncGroup) || e2e.Err() != nil {
		return
	}
	// A SyncGroup answer may be held back by the broker until the leader has
	// assigned; its send time would make a new member look stale, and the
	// session runs from its answer.
	sent := h.now()
	if key == keyHeartbeat {
		sent -= e2e.DurationE2E()
	}
	for {
		old := h.last.Load()
		if int64(sent) <= old || h.last.CompareAndSwap(old, int64(sent)) {
			return
		}
	}
}

// now is the time on the monotonic clock that all ages are measured by.
func (h *heartbeats) now() time.Duration { return time.Since(h.start) }

// forget makes the membership stale at once (the group has told us we are out).
func (h *heartbeats) forget() { h.last.Store(0) }

// age is how long ago the last answered heartbeat was sent.
func (h *heartbeats) age() time.Duration {
	last := h.last.Load()
	if last == 0 {
		return 1<<63 - 1
	}
	return h.now() - time.Duration(last)
}
