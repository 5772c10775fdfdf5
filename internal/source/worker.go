package source

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
)

// worker is one tenure of a shard: it restores and runs the workspaces whose
// token hashes to the shard.
type worker struct {
	service    *Service
	shard      int32
	workspaces []*workspace
	accounts   []*account.Account
	unmade     error // an account that cannot be made, whatever is tried
	byName     map[string]*stream
	heard      map[string]workspaceOrders // by name: of workspaces, configured or not, and of the shard
}

func (s *Service) newWorker(id int32) shard.Worker {
	w := &worker{service: s, shard: id, byName: map[string]*stream{}, heard: map[string]workspaceOrders{}}
	for _, cfg := range s.cfg.Planhat {
		if shard.ShardOf(tokenPrefix+cfg.Name, shard.DefaultShards) != id {
			continue
		}
		ws := s.newWorkspace(cfg)
		w.workspaces = append(w.workspaces, ws)
		for _, st := range ws.streams {
			w.byName[streamName(cfg.Name, st.listing)] = st
		}
	}
	w.accounts, w.unmade = s.accountsOf(id)
	return w
}

// Restore implements shard.Worker. State of workspaces or listings that are no
// longer configured is left alone.
func (w *worker) Restore(key, value []byte) error {
	name, rest, ok := bytes.Cut(key, []byte{0})
	if !ok || len(rest) == 0 {
		return &shard.Refusal{Err: fmt.Errorf("state key %q has no kind: was it written by a newer version?", key)}
	}
	if rest[0] == keyOrders && bytes.Count(name, []byte("/")) < 2 {
		return w.restoreHeard(string(name), value)
	}
	if a := w.accountOf(string(name)); a != nil {
		a.Restore(string(name), rest, value)
		return nil
	}
	st := w.byName[string(name)]
	if st == nil || st.refused != nil {
		return nil //nolint:nilerr // state of nobody, or of a stream that is held already
	}
	if rest[0] == keyCursor {
		st.recorded = slices.Clone(value)
	}
	st.refused = st.restoreNamed(string(name), rest, value) // holds this stream, not its neighbours
	return nil
}

// accountOf is the account that a name of the state belongs to, nil: none that is
// worked on here.
func (w *worker) accountOf(name string) *account.Account {
	i := slices.IndexFunc(w.accounts, func(a *account.Account) bool { return strings.HasPrefix(name, account.Prefix+a.Name()+"/") })
	if i < 0 {
		return nil
	}
	return w.accounts[i]
}

// restoreNamed is restore with the stream's name in its error.
func (s *stream) restoreNamed(name string, rest, value []byte) error {
	if err := s.restore(rest[0], rest[1:], value); err != nil {
		return fmt.Errorf("state of %s: %w", name, err)
	}
	return nil
}

// Run implements shard.Worker.
func (w *worker) Run(ctx context.Context, l *shard.Lease) error {
	if w.unmade != nil {
		return &shard.Refusal{Err: w.unmade}
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, a := range w.accounts {
		w.service.runningAccount(a, true)
		g.Go(func() error {
			defer w.service.runningAccount(a, false)
			return a.Run(ctx, l)
		})
	}
	for _, ws := range w.workspaces {
		ws.lease, ws.reader, ws.orders = l, l.Client(), w.heard[workspaceName(ws.cfg.Name)]
		w.service.running(ws, true)
		g.Go(func() error {
			defer w.service.running(ws, false)
			defer ws.prober.CloseIdleConnections() // each tenure has clients of its own
			defer ws.client.CloseIdleConnections()
			return ws.run(ctx)
		})
	}
	g.Go(func() error { return w.listen(ctx, l) })
	return g.Wait()
}
