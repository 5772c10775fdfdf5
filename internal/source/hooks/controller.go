package hooks

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// API is what is asked of Pipedrive; a *pipedrive.Client does it.
type API interface {
	Webhooks(ctx context.Context) ([]pipedrive.Webhook, error)
	CreateWebhook(ctx context.Context, w pipedrive.NewWebhook) (pipedrive.Webhook, error)
	DeleteWebhook(ctx context.Context, id int64) error
}

// Options are what a controller needs. API and Log are required.
type Options struct {
	API      API
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
	MayWrite func() error     // asked before every call that changes something; nil: it may
	Memory   Memory           // of the controller before this one
}

// Controller keeps the webhooks of one account as they should be. It is for one
// goroutine.
type Controller struct {
	api      API
	log      *slog.Logger
	now      func() time.Time
	mayWrite func() error
	memory   Memory
	refusals map[string]refusal  // by object; what Pipedrive would not make
	left     map[int64]time.Time // until when a webhook that may not be removed is left alone
	gone     map[int64]bool      // removed; should the list go on showing them, they are not there
}

// refusal is a create that Pipedrive refused for good: the same is asked for again
// after a while only.
type refusal struct {
	wanted pipedrive.NewWebhook
	until  time.Time
	state  string
	say    string
}

// askAgain is after how long what was refused is asked for again.
const askAgain = time.Hour

// New returns a controller. Nothing is sent.
func New(o Options) *Controller {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MayWrite == nil {
		o.MayWrite = func() error { return nil }
	}
	return &Controller{
		api: o.API, log: o.Log, now: o.Now, mayWrite: o.MayWrite, memory: o.Memory,
		refusals: map[string]refusal{}, left: map[int64]time.Time{}, gone: map[int64]bool{},
	}
}

// Tend looks at the webhooks once and does what is to be done. Its error is what ended
// it early: a token that is not accepted, a spent budget, a network that fails. What
// Pipedrive refuses to do for one webhook is said in the report, and the others are
// tended all the same.
func (c *Controller) Tend(ctx context.Context, w Wanted) (Report, error) {
	r := Report{State: StateOK, Memory: c.memory}
	if w.URL == "" {
		w.Objects = nil
		r.State = StateOff
		if len(c.memory.Hooks) == 0 {
			return r, nil
		}
	}
	listed, err := c.api.Webhooks(ctx)
	if pipedrive.KindOf(err) == pipedrive.KindForbidden {
		r.trouble(StateForbidden, fmt.Sprintf("the token's user may not manage webhooks: give it the permission, or a token of an admin (%s)", err))
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("tend the webhooks: %w", err)
	}
	before := c.memory
	listed = slices.DeleteFunc(slices.Clone(listed), func(h pipedrive.Webhook) bool { return c.gone[h.ID] })
	round := &round{Controller: c, wanted: w, print: w.print(), listed: listed, report: &r}
	if err = round.run(ctx); err != nil {
		err = fmt.Errorf("tend the webhooks: %w", err)
	}
	r.Lost, r.Since = round.plan.lost, round.plan.since
	r.Memory, r.Changed = c.memory, !before.equal(c.memory)
	return r, err
}

// round is one look at the webhooks.
type round struct {
	*Controller
	wanted Wanted
	print  string
	listed []pipedrive.Webhook
	report *Report
	plan   plan
}

func (r *round) run(ctx context.Context) error {
	r.plan = decide(r.wanted, r.print, r.listed, r.memory)
	r.memory = r.plan.memory
	for _, k := range r.plan.keep {
		r.keep(k)
	}
	if err := r.removeAll(ctx, r.plan.spare); err != nil {
		return err
	}
	for _, c := range r.plan.create {
		if err := r.make(ctx, c); err != nil {
			return err
		}
	}
	return r.removeAll(ctx, slices.DeleteFunc(r.plan.stale, r.needed))
}

// needed reports whether a webhook with a former address still does its object's work, as
// Pipedrive does not make the one with the new address.
func (r *round) needed(s removal) bool {
	_, refused := r.refusals[s.hook.Object]
	return refused && slices.Contains(r.wanted.Objects, s.hook.Object)
}

func (r *round) keep(k kept) {
	h := k.hook
	r.covers(h)
	delete(r.refusals, h.Object)
	switch {
	case k.adopted:
		r.done("adopted", h.Object, h.ID, "it is as it should be")
	case k.refused:
		r.report.trouble(StateRefused, fmt.Sprintf("the receiver answers 401 to webhook %d (%s), which has the account's password: "+
			"give the receiver the same user and password", h.ID, h.Object))
		return
	}
	if h.LastFailed {
		r.report.trouble(StateFailing, fmt.Sprintf("the last delivery of webhook %d (%s) failed with status %s: "+
			"see that %s can be reached from the internet and answers 2xx within 10 seconds", h.ID, h.Object, statusText(h.LastStatus), r.wanted.URL))
	}
}

func statusText(status int) string {
	if status == 0 {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func (r *round) covers(h pipedrive.Webhook) {
	r.report.Hooks = append(r.report.Hooks, Hook{
		ID: h.ID, Object: h.Object, LastDelivery: h.LastDelivery, LastStatus: h.LastStatus, Failing: h.LastFailed,
	})
}

// done tells of one thing that was done.
func (r *round) done(what, object string, id int64, why string) {
	r.report.Done = append(r.report.Done, fmt.Sprintf("%s webhook %d for %s: %s", what, id, object, why))
	r.log.Info("the webhooks of the account were changed", "account", r.wanted.Account, "done", what, "object", object, "webhook", id, "because", why)
}

func (r *round) removeAll(ctx context.Context, all []removal) error {
	for _, each := range all {
		if _, err := r.remove(ctx, each.hook, each.why); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a webhook; gone: it is not there any more.
func (r *round) remove(ctx context.Context, h pipedrive.Webhook, why string) (gone bool, err error) {
	if r.now().Before(r.left[h.ID]) {
		r.leave(h)
		return false, nil
	}
	if err := r.mayWrite(); err != nil {
		return false, err
	}
	switch err := r.api.DeleteWebhook(ctx, h.ID); pipedrive.KindOf(err) {
	case pipedrive.KindNotFound:
	case pipedrive.KindForbidden, pipedrive.KindInvalid:
		r.left[h.ID] = r.now().Add(askAgain)
		r.leave(h)
		return false, nil
	default:
		if err != nil {
			return false, err
		}
	}
	delete(r.left, h.ID)
	r.gone[h.ID] = true
	r.memory = r.memory.without(h.ID)
	r.done("removed", h.Object, h.ID, why)
	return true, nil
}

// leave says of a webhook that it may not be removed: it costs events that come twice.
func (r *round) leave(h pipedrive.Webhook) {
	r.report.trouble(StateOK, fmt.Sprintf("webhook %d (%s) is of user %d and cannot be removed with this token: an admin removes it in Pipedrive "+
		"under Settings, Tools, Webhooks", h.ID, h.Object, h.UserID))
}
