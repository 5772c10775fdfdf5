package source

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// worker is one tenure of a shard: it restores and runs the workspaces whose
// token hashes to the shard.
type worker struct {
	service    *Service
	workspaces []*workspace
	byName     map[string]*stream
}

func (s *Service) newWorker(id int32) shard.Worker {
	w := &worker{service: s, byName: map[string]*stream{}}
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
	return w
}

// Restore implements shard.Worker. State of workspaces or listings that are no
// longer configured is left alone.
func (w *worker) Restore(key, value []byte) error {
	name, rest, ok := bytes.Cut(key, []byte{0})
	if !ok || len(rest) == 0 {
		return &shard.Refusal{Err: fmt.Errorf("state key %q has no kind: was it written by a newer version?", key)}
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

// restoreNamed is restore with the stream's name in its error.
func (s *stream) restoreNamed(name string, rest, value []byte) error {
	if err := s.restore(rest[0], rest[1:], value); err != nil {
		return fmt.Errorf("state of %s: %w", name, err)
	}
	return nil
}

// Run implements shard.Worker.
func (w *worker) Run(ctx context.Context, l *shard.Lease) error {
	if len(w.workspaces) == 0 {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, ws := range w.workspaces {
		ws.lease, ws.reader = l, l.Client()
		w.service.running(ws, true)
		g.Go(func() error {
			defer w.service.running(ws, false)
			defer ws.client.CloseIdleConnections() // each tenure has a client of its own
			return ws.run(ctx)
		})
	}
	return g.Wait()
}
