package source

import (
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// refusal is the pause of a workspace whose token the vendor does not accept, or
// which is that of another tenant.
type refusal struct {
	state string // that /status shows
	token string // the refused one; another one is tried at once
	until time.Time
	cause string
	last  int // the stream whose listing was asked last
}

// tokenRetry is how often a refused token is tried again.
const tokenRetry = 30 * time.Second

// refused pauses the workspace and says so once.
func (w *workspace) refused(s *stream, err error, now time.Time) {
	if w.pause.state != stateUnauthorized {
		w.log.Error("planhat refuses the token: the workspace is paused until it is accepted", "workspace", w.cfg.Name, "error", err.Error())
		w.notify(schemas.Notification{Kind: schemas.NotifyTokenRefused, Message: err.Error()})
	}
	w.pause = refusal{state: stateUnauthorized, token: w.cfg.Token.Current(), until: now.Add(tokenRetry), cause: err.Error(), last: w.pause.last}
	w.metrics.paused.WithLabelValues(w.cfg.Name).Set(1)
	s.schedule.due = now // with the end of the pause; the others when they are due
}

func (w *workspace) accepted() {
	if w.pause.state == "" {
		return
	}
	told, words := schemas.NotifyTokenAccepted, "planhat accepts the token: the workspace goes on"
	if w.pause.state == service.StateWrongTenant {
		told, words = schemas.NotifyTenantRight, "the tenant is the one of the workspace: it goes on"
	}
	w.pause = refusal{}
	w.metrics.paused.WithLabelValues(w.cfg.Name).Set(0)
	w.metrics.wrongTenant.WithLabelValues(w.cfg.Name).Set(0)
	w.log.Info("the workspace goes on", "workspace", w.cfg.Name, "because", words)
	w.notify(schemas.Notification{Kind: told, Message: words})
}

// tryToken tries whether the vendor accepts the token, when it is time to, and
// says whether the workspace is paused, with the time until something is to be
// done. A token that was refused is tried with one call at a time, at another
// listing each time; a new one at all of them, until one is answered.
func (w *workspace) tryToken(ctx context.Context) (wait time.Duration, paused bool) {
	if w.pause.state == "" {
		return 0, false
	}
	tries := 1
	if w.cfg.Token.Current() != w.pause.token {
		tries = len(w.streams)
	} else if left := w.pause.until.Sub(w.now()); left > 0 {
		return min(left, time.Second), true // the token may change any time
	}
	if w.pause.state == service.StateWrongTenant { // that is looked at before anything is read: see identify
		return 0, false
	}
	token, last := w.cfg.Token.Current(), w.pause.last
	var kind planhat.Kind
	for range tries {
		last = w.workingAfter(last)
		if kind = w.tryRow(ctx, w.streams[last]); kind != planhat.KindUnauthorized {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() == nil && kind != planhat.KindUnauthorized && !silent(kind) {
		w.accepted()
		return 0, true
	}
	w.pause.token, w.pause.until, w.pause.last = token, w.now().Add(tokenRetry), last
	return 0, true
}
