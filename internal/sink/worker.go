package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// worker is one tenure of a shard: it restores and runs the workspaces whose
// token hashes to the shard.
type worker struct {
	service    *Service
	workspaces []*workspace
}

func (s *Service) newWorker(id int32) shard.Worker {
	w := &worker{service: s}
	for _, cfg := range s.cfg.Planhat {
		if shard.ShardOf(token(cfg.Name), shard.DefaultShards) == id {
			w.workspaces = append(w.workspaces, s.newWorkspace(cfg))
		}
	}
	return w
}

// The kinds of state records of a workspace; their keys are
// "<workspace>\x00<kind>".
const (
	kindPositions = 'p'
	kindIntents   = 'i'
	kindTenant    = 't'
)

func stateKey(workspace string, kind byte) []byte {
	return append([]byte(workspace), 0, kind)
}

// Restore implements shard.Worker. State of workspaces that are no longer
// configured is left alone.
func (w *worker) Restore(key, value []byte) error {
	name, kind, ok := bytes.Cut(key, []byte{0})
	if !ok || len(kind) != 1 {
		return &shard.Refusal{Err: fmt.Errorf("state key %q has no kind: was it written by a newer version?", key)}
	}
	for _, ws := range w.workspaces {
		if ws.cfg.Name != string(name) {
			continue
		}
		if err := ws.restore(kind[0], value); err != nil {
			return &shard.Refusal{Err: fmt.Errorf("state of workspace %s: %w", name, err)}
		}
	}
	return nil
}

func (w *workspace) restore(kind byte, value []byte) error {
	switch kind {
	case kindPositions:
		return w.positions.restore(value)
	case kindIntents:
		return w.ledger.restore(value)
	case kindTenant:
		seen, err := restoreTenant(value)
		w.seen = seen
		return err
	default:
		return fmt.Errorf("kind %q is unknown: was it written by a newer version?", kind)
	}
}

// A workspace that is held is looked at again after lookAgain. That it is still held
// is said again if it was not for lastingRun.
const (
	lookAgain  = 2 * time.Second
	lastingRun = time.Minute
)

// hold runs the workspace. One whose positions do not fit its topic is held by
// itself, so that the other workspaces of the shard go on.
func (w *workspace) hold(ctx context.Context, l *shard.Lease) error {
	said := ""
	for {
		began := time.Now()
		err := w.run(ctx, l)
		if _, held := errors.AsType[*shard.Refusal](err); !held {
			return err
		}
		if why := err.Error(); why != said || time.Since(began) > lastingRun {
			said = why
			w.log.Error("workspace is held", "workspace", w.cfg.Name, "error", why)
		}
		w.metrics.held.WithLabelValues(w.cfg.Name).Set(1)
		w.setState("held", err.Error())
		_ = sleep(ctx, lookAgain)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // held to the end
		}
	}
}

// released notes that what held the workspace is mended.
func (w *workspace) released() {
	w.metrics.held.WithLabelValues(w.cfg.Name).Set(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shown.State == "held" {
		w.shown.State, w.shown.Cause = "ok", ""
	}
}

// Run implements shard.Worker.
func (w *worker) Run(ctx context.Context, l *shard.Lease) error {
	if len(w.workspaces) == 0 {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, ws := range w.workspaces {
		w.service.running(ws, true)
		g.Go(func() error {
			defer w.service.running(ws, false)
			return ws.hold(ctx, l)
		})
	}
	return g.Wait()
}
