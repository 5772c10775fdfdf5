package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
)

// lag commits the positions to an ordinary group, so that everybody's tools see
// how far the webhooks are looked at. Nothing is read back from it: the truth is
// in the state. It works beside the batches, latest position first, and gives up
// easily.
type lag struct {
	lease  *shard.Lease
	group  string
	topic  string
	log    *slog.Logger
	latest chan durable.Position
}

const (
	lagEvery   = time.Second
	lagTimeout = 5 * time.Second
)

func newLag(a *Account) *lag {
	return &lag{lease: a.lease, group: a.opts.Names.WebhookGroup(a.cfg.Name), topic: a.opts.Names.Webhooks(a.cfg.Name), log: a.log, latest: make(chan durable.Position, 1)}
}

// commit hands the positions over; earlier ones that still wait are dropped. It is
// called from one goroutine.
func (l *lag) commit(p durable.Position) {
	select {
	case <-l.latest:
	default:
	}
	l.latest <- p
}

func (l *lag) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-l.latest:
			l.send(ctx, p)
			rest(ctx, lagEvery)
		}
	}
}

func (l *lag) send(ctx context.Context, p durable.Position) {
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	var offsets kadm.Offsets
	for partition, next := range p.Next {
		offsets.AddOffset(l.topic, int32(partition), next, -1)
	}
	if _, err := kadm.NewClient(l.lease.Client()).CommitOffsets(ctx, l.group, offsets); err != nil {
		l.log.Debug("commit of offsets for tools failed", "group", l.group, "error", err.Error())
	}
}
