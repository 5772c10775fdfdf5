package hooks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// make creates the webhook of an object and removes what it replaces.
func (r *round) make(ctx context.Context, c creation) error {
	wanted := r.wanted.hook(c.object)
	if past, ok := r.refusals[c.object]; ok && past.wanted == wanted && r.now().Before(past.until) {
		r.stayWith(c, past)
		return nil
	}
	made, err := r.create(ctx, wanted)
	if pipedrive.KindOf(err) == pipedrive.KindLimit && r.makeRoom(ctx, &c) {
		made, err = r.create(ctx, wanted)
	}
	if state, say := refusedFor(err, wanted); state != "" {
		past := refusal{wanted, r.now().Add(askAgain), state, say}
		r.refusals[c.object] = past
		r.stayWith(c, past)
		return nil
	}
	if err != nil {
		return err
	}
	delete(r.refusals, c.object)
	r.memory = r.memory.with(Known{ID: made.ID, Object: c.object, URL: r.wanted.URL, Print: r.print, Made: true})
	r.done("created", c.object, made.ID, c.why)
	if c.lossy {
		r.plan.lose(c.since)
	}
	r.covers(made)
	for _, old := range c.replaces {
		if _, err := r.remove(ctx, old, fmt.Sprintf("webhook %d replaces it", made.ID)); err != nil {
			return err
		}
	}
	return nil
}

// stayWith goes on with the webhooks that there are, where no better one can be had.
func (r *round) stayWith(c creation, past refusal) {
	r.report.trouble(past.state, past.say)
	for _, h := range c.replaces {
		if h.Active {
			r.covers(h)
		}
	}
}

// makeRoom removes webhooks of ours that are to go anyway, where the user has as many as
// may be: what they would have told until now, reconciliation finds.
func (r *round) makeRoom(ctx context.Context, c *creation) bool {
	var going []removal
	for _, h := range c.replaces {
		going = append(going, removal{h, "it is replaced, and there is no room for both"})
	}
	going = append(going, r.plan.stale...)
	for _, each := range going {
		if r.wanted.UserID != 0 && each.hook.UserID != 0 && each.hook.UserID != r.wanted.UserID {
			continue // another user's makes no room
		}
		if gone, err := r.remove(ctx, each.hook, each.why); err == nil && gone {
			same := func(h pipedrive.Webhook) bool { return h.ID == each.hook.ID }
			c.replaces = slices.DeleteFunc(slices.Clone(c.replaces), same)
			r.plan.stale = slices.DeleteFunc(slices.Clone(r.plan.stale), func(s removal) bool { return same(s.hook) })
			c.lossy = true
			return true
		}
	}
	return false
}

// refusedFor says what a create was refused for, and what to do; "": it was not refused.
func refusedFor(err error, w pipedrive.NewWebhook) (state, say string) {
	meanwhile := fmt.Sprintf("until then changes of %s are found by reconciliation alone", w.Object)
	switch pipedrive.KindOf(err) {
	case pipedrive.KindLimit:
		return StateLimited, fmt.Sprintf("there is no room for the webhook of %s, as Pipedrive allows %d for a user: remove some in Pipedrive under "+
			"Settings, Tools, Webhooks, or give the account a token of a user of its own; %s", w.Object, pipedrive.WebhookLimit, meanwhile)
	case pipedrive.KindInvalid:
		if strings.Contains(strings.ToLower(err.Error()), "url") {
			return StateUnreachable, fmt.Sprintf("Pipedrive does not accept the address %s for the webhook of %s: it must be https, with a certificate "+
				"that is publicly trusted, reachable from the internet and without redirects; %s (%s)", w.URL, w.Object, meanwhile, err)
		}
		return StateRejected, fmt.Sprintf("Pipedrive does not make the webhook of %s; %s (%s)", w.Object, meanwhile, err)
	case pipedrive.KindForbidden:
		return StateForbidden, fmt.Sprintf("the token's user may not make the webhook of %s: give it the permission, or a token of an admin; %s (%s)",
			w.Object, meanwhile, err)
	default:
		return "", ""
	}
}

// creates is how often a webhook is asked for whose answer is lost.
const creates = 2

// create makes a webhook. Where its answer is lost, the list tells whether it was made:
// asking once more without looking would pile them up.
func (r *round) create(ctx context.Context, w pipedrive.NewWebhook) (pipedrive.Webhook, error) {
	for attempt := 1; ; attempt++ {
		if err := r.mayWrite(); err != nil {
			return pipedrive.Webhook{}, err
		}
		made, err := r.api.CreateWebhook(ctx, w)
		if pipedrive.KindOf(err) != pipedrive.KindAmbiguous {
			return made, err
		}
		listed, listErr := r.api.Webhooks(ctx)
		if listErr != nil {
			return pipedrive.Webhook{}, listErr
		}
		if found, ok := r.appeared(listed, w); ok {
			return found, nil
		}
		if attempt == creates {
			return pipedrive.Webhook{}, err
		}
	}
}

// appeared finds a webhook like the one asked for that was not listed before.
func (r *round) appeared(listed []pipedrive.Webhook, w pipedrive.NewWebhook) (pipedrive.Webhook, bool) {
	i := slices.IndexFunc(listed, func(h pipedrive.Webhook) bool {
		before := slices.ContainsFunc(r.listed, func(old pipedrive.Webhook) bool { return old.ID == h.ID })
		return !before && h.RemoveTime.IsZero() && sameURL(h.URL, w.URL) && h.Object == w.Object && h.Action == w.Action && h.Version == w.Version
	})
	if i < 0 {
		return pipedrive.Webhook{}, false
	}
	return listed[i], true
}
