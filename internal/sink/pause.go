package sink

import (
	"context"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// pause holds a workspace while the vendor refuses its token: nothing is
// dead-lettered, the positions stand. It ends when the token changes, and is
// tried again from time to time.
type pause struct {
	w *workspace

	mu    sync.Mutex
	since time.Time // zero: not paused
}

// tokenPoll is how often a changed token is looked for.
const tokenPoll = time.Second

func newPause(w *workspace) *pause { return &pause{w: w} }

// wait returns when a call that was refused for the token may be tried again.
// The error is that of ctx.
func (p *pause) wait(ctx context.Context, cause error) error {
	token := p.w.cfg.Token.Current()
	p.begin(cause)
	for waited := time.Duration(0); waited < p.w.times.TokenRetry; {
		step := min(tokenPoll, p.w.times.TokenRetry-waited)
		if err := sleep(ctx, step); err != nil {
			return err
		}
		waited += step
		if p.w.cfg.Token.Current() != token {
			break
		}
	}
	return nil
}

func (p *pause) begin(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.since.IsZero() {
		return
	}
	p.since = time.Now()
	p.w.log.Error("workspace is paused: the vendor refuses the token", "workspace", p.w.cfg.Name, "error", cause.Error())
	p.w.metrics.paused.WithLabelValues(p.w.cfg.Name).Set(1)
	p.w.setState("unauthorized", cause.Error())
}

// greet asks Planhat for one row, so that a token that is refused shows before
// the first command comes. It returns how to end that.
func (w *workspace) greet(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			err := w.present(ctx)
			if gaveUp(err) && sleep(ctx, w.times.Retry) == nil {
				continue
			}
			if planhat.KindOf(err) != planhat.KindUnauthorized {
				if ctx.Err() == nil {
					w.pause.over()
				}
				return
			}
			if w.pause.wait(ctx, err) != nil {
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// present shows the token to Planhat by asking for one row. The error is of kind
// unauthorized if all listings refuse it: one that the token may not see may be
// refused in the same words.
func (w *workspace) present(ctx context.Context) (err error) {
	for _, spec := range planhat.Objects() {
		if _, err = w.client.Page(ctx, spec.Object, planhat.ListOptions{Limit: 1}); planhat.KindOf(err) != planhat.KindUnauthorized {
			return err
		}
	}
	return err
}

// over notes that a call was answered.
func (p *pause) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		return
	}
	p.w.log.Info("workspace goes on: the vendor accepts the token", "workspace", p.w.cfg.Name, "paused_for", time.Since(p.since).String())
	p.since = time.Time{}
	p.w.metrics.paused.WithLabelValues(p.w.cfg.Name).Set(0)
	p.w.setState("ok", "")
}
