package account

import (
	"context"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// tend looks after the webhooks when it is time to, or their password is another
// one. Where one was banned, deleted
// or had to be made anew, events may have been lost: a reconciliation is due at
// once.
func (a *Account) tend(ctx context.Context) error {
	password := a.cfg.WebhookPassword.Current()
	if a.tender == nil || a.now().Before(a.tendAt) && password == a.tendedFor {
		return nil
	}
	a.tendedFor = password
	report, err := a.tender.Tend(ctx, a.wantedHooks())
	if err != nil {
		report = a.lookFailed(report, err)
	}
	if failed := a.tended(ctx, report); failed != nil {
		return failed
	}
	if stopOfKind[pipedrive.KindOf(err)] != "" {
		return err
	}
	wait := a.times.Tend
	if err != nil {
		wait = doubled(a.times.Retry, a.untended, a.times.Tend)
	} else {
		a.untended = 0
	}
	a.tendAt = a.now().Add(wait)
	return nil
}

// tendFailuresTold is how often in a row a look at the webhooks fails before it is told.
const tendFailuresTold = 3

// lookFailed is the report of a look that failed: what was done, and besides what
// was known before. It stops nothing, as changes are captured all the same.
func (a *Account) lookFailed(r hooks.Report, err error) hooks.Report {
	a.untended++
	r.State = a.hooks.State
	if len(r.Hooks) == 0 {
		r.Hooks = a.hooks.Hooks
	}
	r.Cause = a.hooks.Cause
	if a.untended == tendFailuresTold {
		r.Cause = "the webhooks cannot be looked at: " + err.Error()
	}
	return r
}

func (a *Account) wantedHooks() hooks.Wanted {
	w := hooks.Wanted{
		URL: a.cfg.WebhookURL, User: a.cfg.WebhookUser, UserID: a.identity.me.ID, Bridge: a.opts.Names.Bridge, Account: a.cfg.Name,
	}
	w.Password = a.cfg.WebhookPassword.Current()
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
