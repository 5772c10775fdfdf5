package account

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// notifyEvery is how often notifications may cost a transaction of their own, and
// maxNotes bounds those that wait.
const (
	notifyEvery = time.Second
	maxNotes    = 1000
)

// notify tells operators and automations of something. It goes out with the next
// transaction, or with one of its own within about a second.
func (a *Account) notify(n schemas.Notification) {
	n.Account, n.At = a.cfg.Name, a.now().UTC()
	a.outbox = append(a.outbox, n)
}

// deliver writes the notifications for which no other transaction came.
func (a *Account) deliver(ctx context.Context) error {
	if len(a.outbox) == 0 || a.now().Sub(a.delivered) < notifyEvery || a.lease.Writable(ctx, a.notifications) != nil {
		return nil //nolint:nilerr // they wait; the shard has logged why
	}
	return a.transact(ctx, nil, func(*shard.Tx) error { return nil })
}

// transact is the lease's Transact, with the notifications that wait. An error is
// the end of the lease. A topic of notifications that takes none stops nothing:
// they wait until it does.
func (a *Account) transact(ctx context.Context, notes []schemas.Notification, fn func(*shard.Tx) error) error {
	all := slices.Concat(a.outbox, notes)
	var waiting []schemas.Notification
	if a.lease.Writable(ctx, a.notifications) != nil {
		all, waiting = nil, all[max(len(all)-maxNotes, 0):]
	}
	records := make([]*kgo.Record, 0, len(all))
	for _, n := range all {
		value, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("encode a notification: %w", err)
		}
		records = append(records, &kgo.Record{Topic: a.notifications, Key: []byte(a.stateName(n.Stream)), Value: value})
	}
	err := a.lease.Transact(ctx, func(tx *shard.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Produce(records...)
	})
	if err != nil {
		return leaseError{err}
	}
	a.outbox, a.delivered = waiting, a.now()
	return nil
}

// leaseError marks an error that ends the lease: only a new take-over knows what
// has been written.
type leaseError struct{ error }

func (e leaseError) Unwrap() error { return e.error }
