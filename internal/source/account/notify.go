package account

import (
	"context"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// notify tells operators and automations of something.
func (a *Account) notify(n schemas.Notification) {
	n.Account, n.At = a.cfg.Name, a.now().UTC()
	a.outbox.Add(n)
}

// transact is the lease's Transact, with the notifications that wait.
func (a *Account) transact(ctx context.Context, notes []schemas.Notification, fn func(*shard.Tx) error) error {
	return a.outbox.Transact(ctx, a.lease, notes, fn)
}
