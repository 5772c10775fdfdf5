package account

import (
	"context"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// tend looks after the webhooks when it is time to. Where one was banned, deleted
// or had to be made anew, events may have been lost: a reconciliation is due at
// once.
func (a *Account) tend(ctx context.Context) error {
	if a.tender == nil || a.now().Before(a.tendAt) {
		return nil
	}
	report, err := a.tender.Tend(ctx, a.wantedHooks())
	if failed := a.tended(ctx, report); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	a.tendAt = a.now().Add(a.times.Tend)
	return nil
}

func (a *Account) wantedHooks() hooks.Wanted {
	w := hooks.Wanted{
		URL: a.cfg.WebhookURL, User: a.cfg.WebhookUser, UserID: a.identity.me.ID, Bridge: a.opts.Names.Bridge, Account: a.cfg.Name,
	}
	if a.cfg.WebhookPassword != nil {
		w.Password = a.cfg.WebhookPassword.Current()
	}
	for _, s := range a.streams {
		w.Objects = append(w.Objects, string(s.Object))
	}
	return w
}

// tended takes what a look at the webhooks came to.
func (a *Account) tended(ctx context.Context, r hooks.Report) error {
	before := a.hooks
	a.hooks = r
	if len(r.Done) > 0 {
		a.notify(schemas.Notification{Kind: schemas.NotifyWebhooksChanged, Message: strings.Join(r.Done, "; ")})
	}
	if r.Cause != "" && r.Cause != before.Cause {
		a.log.Warn("webhooks are not as they should be", "account", a.cfg.Name, "state", r.State, "error", r.Cause)
		a.notify(schemas.Notification{Kind: schemas.NotifyWebhooksFailed, Message: r.Cause})
	}
	if r.Lost {
		if len(a.facts.Hooks.Hooks) > 0 { // else there were none before, and nothing is lost
			a.log.Warn("webhooks may have been lost: a reconciliation is due", "account", a.cfg.Name, "because", strings.Join(r.Done, "; "))
		}
		a.reconcileNow(r.Since)
	}
	a.metrics.tended(a.cfg.Name, r)
	if !r.Changed {
		return nil
	}
	known := a.facts
	known.Hooks = r.Memory
	return a.flush(ctx, writes{facts: &known})
}
