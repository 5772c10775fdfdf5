// Package tell is what the captures of all vendors tell operators and automations
// by: notifications that go out in the lease's transactions, the answers to signals
// that every capture gives alike, and gauges.
package tell

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// every is how often notifications may cost a transaction of their own, and most
// bounds those that wait for their topic.
const (
	every = time.Second
	most  = 1000
)

// Outbox are the notifications of a workspace or account that are not written yet.
// It is for one goroutine.
type Outbox struct {
	Topic   string // of notifications
	Now     func() time.Time
	Waiting []schemas.Notification

	written time.Time // when a transaction last took them along
}

// Add has a notification go out with the next transaction, or with one of its own
// within about a second, and at most once: memory that is lost before takes it along.
func (o *Outbox) Add(n schemas.Notification) { o.Waiting = append(o.Waiting, n) }

// Soon shortens a wait where a notification has to go out.
func (o *Outbox) Soon(wait time.Duration) time.Duration {
	if len(o.Waiting) > 0 {
		return min(wait, every)
	}
	return wait
}

// Deliver writes the notifications for which no other transaction came.
func (o *Outbox) Deliver(ctx context.Context, l *shard.Lease) error {
	if len(o.Waiting) == 0 || o.Now().Sub(o.written) < every || l.Writable(ctx, o.Topic) != nil {
		return nil //nolint:nilerr // they wait; the shard has logged why
	}
	return o.Transact(ctx, l, nil, func(*shard.Tx) error { return nil })
}

// Transact is the lease's Transact, with the notifications that wait. An error is
// the end of the lease. A topic of notifications that takes none stops nothing:
// they wait until it does.
func (o *Outbox) Transact(ctx context.Context, l *shard.Lease, notes []schemas.Notification, fn func(*shard.Tx) error) error {
	notes = slices.Concat(o.Waiting, notes)
	var waiting []schemas.Notification
	if l.Writable(ctx, o.Topic) != nil {
		notes, waiting = nil, notes[max(len(notes)-most, 0):]
	}
	records := make([]*kgo.Record, 0, len(notes))
	for _, n := range notes {
		rec, err := Record(o.Topic, n)
		if err != nil {
			return err
		}
		records = append(records, rec)
	}
	err := l.Transact(ctx, func(tx *shard.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Produce(records...)
	})
	if err != nil {
		return emit.LeaseError{Err: err}
	}
	o.Waiting, o.written = waiting, o.Now()
	return nil
}

// Record is a notification for its topic. Those of one stream keep their order: the
// key is the name that its state is kept under.
func Record(topic string, n schemas.Notification) (*kgo.Record, error) {
	value, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encode a notification: %w", err)
	}
	key := "planhat/" + n.Workspace + "/" + n.Stream
	if n.Account != "" {
		key = "pipedrive/" + n.Account + "/" + n.Stream
	}
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: value}, nil
}
