package sink

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// rights are what a lease says about writes to Planhat, which knows no fences.
type rights interface {
	Fresh() error // a write may start
	Held() error  // what a write sends may leave
}

// connect makes the clients of a tenure: their writes start while the lease is fresh, and
// nothing leaves any more when it may have ended.
func (w *workspace) connect() error {
	seen := w.seen
	if slices.Contains(w.service.cfg.Sink.AcceptTenant, w.cfg.Name) {
		seen = sightings{}
	}
	var err error
	if w.access, err = newAccess(w, seen); err != nil {
		return err
	}
	w.client, err = w.newClient(w.access.use)
	return err
}

// newClient makes a client that asks with the token of a source.
func (w *workspace) newClient(token planhat.TokenSource) (*planhat.Client, error) {
	return w.service.newClient(w.cfg, token, planhat.WithGate(w.gate), planhat.WithGuard(w.rights.Held),
		planhat.WithRetry(planhat.Retry{Failures: roundFailures, Base: w.times.Retry}),
		planhat.WithObserver(func(c planhat.Call) {
			w.metrics.called(w.cfg.Name, c)
			w.answers.Heard(c)
		}))
}

// gate lets a write start while the lease is fresh; it waits for that, since a
// heartbeat that is late is mostly just late. A lease that is told to end
// starts nothing more, and neither does a command whose last moment is over.
func (w *workspace) gate(ctx context.Context, call planhat.Call) error {
	for {
		if w.ctx.Err() != nil {
			return errStopped
		}
		if late(ctx, call) {
			return errOverdue
		}
		err := w.rights.Fresh()
		if err == nil {
			return nil
		}
		if !errors.Is(err, shard.ErrStale) {
			return errors.Join(errStopped, err)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// watch looks at the token for as long as the tenure lasts. It returns how to end that.
func (w *workspace) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.access.watch(ctx)
	}()
	return func() {
		cancel()
		<-done
		w.access.client.CloseIdleConnections()
	}
}
