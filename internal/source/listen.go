package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// listen hears the signals of the shard's workspaces, and those for workspaces
// that do not exist: every name hashes to a shard, so that of all processes
// exactly one answers for it.
func (w *worker) listen(ctx context.Context, l *shard.Lease) error {
	if err := w.place(ctx, l); err != nil || ctx.Err() != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, ws := range w.workspaces {
		e := w.ear(l, func(token string, _ *kgo.Record, _ durable.Position) bool { return token == workspaceName(ws.cfg.Name) })
		from := w.heard[workspaceName(ws.cfg.Name)].Position
		g.Go(func() error {
			return e.listen(ctx, from, func(ctx context.Context, h heardSignal) error {
				select {
				case ws.signals <- h:
				case <-ctx.Done():
				}
				return ctx.Err()
			})
		})
	}
	for _, a := range w.accounts {
		g.Go(func() error { return w.listenFor(ctx, l, a) })
	}
	from := w.heard[shardName].Position
	g.Go(func() error {
		return w.ear(l, w.stray).listen(ctx, from, func(ctx context.Context, h heardSignal) error {
			return w.answerStray(ctx, l, h)
		})
	})
	return g.Wait()
}

// listenFor hears the signals of an account.
func (w *worker) listenFor(ctx context.Context, l *shard.Lease, a *account.Account) error {
	name := account.Prefix + a.Name()
	e := w.ear(l, func(token string, _ *kgo.Record, _ durable.Position) bool { return token == name })
	return e.listen(ctx, w.heard[name].Position, func(ctx context.Context, h heardSignal) error {
		return a.Hear(ctx, account.Heard{
			Signal: h.sig, Err: h.err,
			Settle: func(tx *shard.Tx) { tx.State(ordersKey(name), workspaceOrders{Position: h.after}.encode()) },
		})
	})
}

func (w *worker) ear(l *shard.Lease, mine func(string, *kgo.Record, durable.Position) bool) *ear {
	return &ear{client: l.Client(), topic: w.service.names.Signals(), mine: mine, bell: &w.service.bell, log: w.service.deps.Log}
}

// place writes the positions that the state lacks: at the end of the topic
// where this bridge has never listened, so that orders to a bridge that is gone
// are not obeyed by this one; else where the shard has got to. It is tried
// until it works: without positions nothing is heard, but everything is captured.
func (w *worker) place(ctx context.Context, l *shard.Lease) error {
	for ctx.Err() == nil {
		missing := w.unplaced()
		if len(missing) == 0 {
			return nil
		}
		at := w.heard[shardName].Position
		if !at.Known() {
			var err error
			if at, err = durable.EndOf(ctx, l.Client(), w.service.names.Signals()); err != nil {
				w.service.deps.Log.Warn("signals cannot be read", "topic", w.service.names.Signals(), "error", err.Error())
				wait(ctx, nil)
				continue
			}
		}
		err := l.Transact(ctx, func(tx *shard.Tx) error {
			for _, name := range missing {
				o := w.heard[name]
				o.Position = at
				tx.State(ordersKey(name), o.encode())
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range missing {
			o := w.heard[name]
			o.Position = at
			w.heard[name] = o
		}
	}
	return nil
}

// unplaced are the names without a position.
func (w *worker) unplaced() []string {
	names := []string{shardName}
	for _, ws := range w.workspaces {
		names = append(names, workspaceName(ws.cfg.Name))
	}
	for _, a := range w.accounts {
		names = append(names, account.Prefix+a.Name())
	}
	return slices.DeleteFunc(names, func(name string) bool { return w.heard[name].Position.Known() })
}

// stray says whether a signal is for nobody, and this shard has to say so. One
// for a workspace that was configured once may have been answered by it.
func (w *worker) stray(name string, r *kgo.Record, p durable.Position) bool {
	if shard.ShardOf(name, shard.DefaultShards) != w.shard {
		return false
	}
	if slices.ContainsFunc(w.workspaces, func(ws *workspace) bool { return workspaceName(ws.cfg.Name) == name }) ||
		slices.ContainsFunc(w.accounts, func(a *account.Account) bool { return account.Prefix+a.Name() == name }) {
		return false
	}
	before, once := w.heard[name]
	return !once || before.Position.TopicID != p.TopicID || r.Offset >= before.Position.In(r.Partition)
}

// answerStray says what there is, once.
func (w *worker) answerStray(ctx context.Context, l *shard.Lease, h heardSignal) error {
	topic := w.service.names.Notifications()
	if err := l.Writable(ctx, topic); err != nil {
		return err
	}
	n := tell.Refuse(schemas.SignalUnknownWorkspace, "%s", w.whoIsThere(h.sig))
	if h.err != nil {
		n = tell.Refuse(schemas.SignalUndecodable, "%v", h.err)
	}
	name := workspaceName(h.sig.Workspace)
	if h.sig.Account != "" && h.sig.Workspace == "" {
		name = account.Prefix + h.sig.Account
	}
	n.ID, n.Signal, n.Workspace, n.Account, n.At = h.sig.ID, h.sig.Signal, h.sig.Workspace, h.sig.Account, w.service.deps.Now().UTC()
	rec, err := tell.Record(topic, n)
	if err != nil {
		return err
	}
	w.service.deps.Log.Warn("a signal is for nobody", "id", n.ID, "workspace", n.Workspace, "account", n.Account, "answer", n.Message)
	err = l.Transact(ctx, func(tx *shard.Tx) error {
		tx.State(ordersKey(shardName), workspaceOrders{Position: h.after}.encode())
		if o, once := w.heard[name]; once {
			o.Position = h.after
			tx.State(ordersKey(name), o.encode())
		}
		return tx.Produce(rec)
	})
	if err != nil {
		return emit.LeaseError{Err: err}
	}
	return nil
}

func (w *worker) whoIsThere(sig schemas.Signal) string {
	var names []string
	for _, ws := range w.service.cfg.Planhat {
		names = append(names, ws.Name)
	}
	for _, a := range w.service.cfg.Pipedrive {
		names = append(names, "account "+a.Name)
	}
	there := "there are " + strings.Join(names, ", ")
	switch {
	case sig.Workspace != "":
		return fmt.Sprintf("the process that would own workspace %q is not configured with it: %s", sig.Workspace, there)
	case sig.Account != "":
		return fmt.Sprintf("the process that would own account %q is not configured with it: %s", sig.Account, there)
	}
	return "the signal names no workspace: " + there
}
