package hooks

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// plan is what is to be done, in this order: spare webhooks go, missing ones are made,
// and what they replace, or what has an address that is not in use any more, goes last.
type plan struct {
	keep   []kept
	spare  []removal
	create []creation
	stale  []removal
	memory Memory // with those kept, and without those that are gone

	reasons map[int64]string // why those that are shown as removed were
	loss
}

// kept is a webhook that is as it should be.
type kept struct {
	hook    pipedrive.Webhook
	adopted bool // found, not made
	refused bool // our own receiver answers 401, although the password is the one that it was made with
}

type removal struct {
	hook pipedrive.Webhook
	why  string
}

type creation struct {
	object   string
	why      string
	replaces []pipedrive.Webhook
	lossy    bool      // until it is made, events do not come, or not all of them
	since    time.Time // when one last came; zero: nobody knows
}

// decide compares what is wanted with what Pipedrive lists.
func decide(w Wanted, mark string, listed []pipedrive.Webhook, m Memory) plan {
	p := plan{reasons: map[int64]string{}}
	var ours []pipedrive.Webhook
	for _, h := range listed {
		switch k := m.of(h); {
		case !h.RemoveTime.IsZero():
			p.reasons[h.ID] = strings.TrimSuffix(": "+h.RemoveReason, ": ")
		case sameURL(h.URL, w.URL):
			ours = append(ours, h)
		case k != nil:
			p.stale = append(p.stale, removal{h, "its address is not in use any more"})
			p.memory = p.memory.with(*k)
		}
	}
	for _, object := range w.Objects {
		p.decideObject(w, object, mark, ofObject(ours, object), m)
	}
	for _, h := range ours {
		if !slices.Contains(w.Objects, h.Object) {
			p.spare = append(p.spare, removal{h, "nobody wants its events"})
			p.remember(h, m)
		}
	}
	return p
}

func ofObject(hooks []pipedrive.Webhook, object string) []pipedrive.Webhook {
	var of []pipedrive.Webhook
	for _, h := range hooks {
		if h.Object == object {
			of = append(of, h)
		}
	}
	return of
}

// decideObject chooses the webhook of an object among those with our address.
func (p *plan) decideObject(w Wanted, object, mark string, found []pipedrive.Webhook, m Memory) {
	var fits []pipedrive.Webhook
	known := m.forObject(object, w.URL)
	why, lossy := "there was none", known != nil // without one before, nothing was relied on
	for i, h := range found {
		flaw := flawOf(h, w, mark, m.of(h))
		if flaw == nil {
			fits = append(fits, h)
			continue
		}
		if i == 0 || !flaw.lossy { // one that delivered all the same is what was lost by
			why, lossy = flaw.say, flaw.lossy
		}
	}
	if len(fits) > 0 {
		p.choose(w, mark, fits, found, m)
		return
	}
	if len(found) == 0 && known != nil {
		why = fmt.Sprintf("webhook %d is gone", known.ID) + p.reasons[known.ID]
	}
	p.create = append(p.create, creation{object, why, found, lossy, latest(found, known)})
	for _, h := range found {
		p.remember(h, m)
	}
}

// choose keeps the best of several that fit: one that was made here before one that was
// found, an older one before a younger.
func (p *plan) choose(w Wanted, mark string, fits, found []pipedrive.Webhook, m Memory) {
	made := func(h pipedrive.Webhook) int {
		if k := m.of(h); k != nil && k.Made {
			return 0
		}
		return 1
	}
	slices.SortFunc(fits, func(a, b pipedrive.Webhook) int {
		return cmp.Or(made(a)-made(b), cmp.Compare(a.ID, b.ID))
	})
	best := fits[0]
	for _, h := range found {
		if h.ID != best.ID {
			p.spare = append(p.spare, removal{h, fmt.Sprintf("webhook %d does its work", best.ID)})
			p.remember(h, m)
		}
	}
	known := m.of(best)
	p.keep = append(p.keep, kept{hook: best, adopted: known == nil, refused: best.LastStatus == http.StatusUnauthorized})
	p.notice(best, known)
	now := Known{ID: best.ID, Object: best.Object, URL: w.URL, Print: mark, LastDelivery: best.LastDelivery, Failing: best.LastFailed}
	if known != nil {
		now.Made = known.Made
	} else {
		now.Made = shown(best.AuthPassword) // and it fits
	}
	p.memory = p.memory.with(now)
}

// notice asks for a reconciliation where a webhook failed, goes on failing, or works
// again: nobody says which events were lost meanwhile.
func (p *plan) notice(h pipedrive.Webhook, known *Known) {
	switch {
	case known == nil && h.LastFailed:
		p.lose(time.Time{})
	case known == nil:
	case h.LastFailed && (!known.Failing || !h.LastDelivery.Equal(known.LastDelivery)),
		known.Failing && !h.LastFailed:
		p.lose(known.LastDelivery)
	}
}

// loss is the time in which events may have been lost.
type loss struct {
	lost  bool
	since time.Time // zero: nobody knows since when
}

// lose notes that events may have been lost since a time, zero: nobody knows since when.
func (l *loss) lose(since time.Time) {
	if !l.lost || since.IsZero() || !l.since.IsZero() && since.Before(l.since) {
		l.since = since
	}
	l.lost = true
}

// latest is when an object's webhook is last known to have delivered.
func latest(found []pipedrive.Webhook, known *Known) time.Time {
	var at time.Time
	for _, h := range found {
		if h.LastDelivery.After(at) && !h.LastFailed {
			at = h.LastDelivery
		}
	}
	if known != nil && !known.Failing && known.LastDelivery.After(at) {
		at = known.LastDelivery
	}
	return at
}

func (p *plan) remember(h pipedrive.Webhook, m Memory) {
	if k := m.of(h); k != nil {
		p.memory = p.memory.with(*k)
	}
}

// flaw is why a webhook with our address is not as it should be.
type flaw struct {
	say   string
	lossy bool // events did not come, or not all of them
}

// flawOf returns what is wrong with a webhook; nil: nothing that can be seen.
func flawOf(h pipedrive.Webhook, w Wanted, mark string, known *Known) *flaw {
	switch {
	case !h.Active:
		return &flaw{inactive(h), true}
	case h.Action != wantedAction:
		return &flaw{fmt.Sprintf("webhook %d tells of the action %s alone", h.ID, h.Action), true}
	case h.Version != wantedVersion:
		return &flaw{fmt.Sprintf("webhook %d has payload version %s", h.ID, h.Version), false}
	case h.UserID != 0 && w.UserID != 0 && h.UserID != w.UserID:
		return &flaw{fmt.Sprintf("webhook %d sees with the eyes of user %d", h.ID, h.UserID), true}
	case h.AuthUser != "" && h.AuthUser != w.User:
		return &flaw{fmt.Sprintf("webhook %d sends another user name", h.ID), true}
	}
	return passwordFlaw(h, w, mark, known)
}

func inactive(h pipedrive.Webhook) string {
	text := fmt.Sprintf("webhook %d is not active", h.ID)
	if h.RemoveReason != "" {
		text += ": " + h.RemoveReason
	}
	return text
}

// passwordFlaw judges a password that may not be shown: by the memory of what it was
// made with, else by what is shown, else by what our receiver answered to it.
func passwordFlaw(h pipedrive.Webhook, w Wanted, mark string, known *Known) *flaw {
	switch {
	case known != nil && known.Print != mark:
		return &flaw{fmt.Sprintf("webhook %d has the former password", h.ID), h.LastFailed}
	case known != nil && known.Made:
		return nil
	case known == nil && shown(h.AuthPassword) && h.AuthPassword != w.Password:
		return &flaw{fmt.Sprintf("webhook %d has another password", h.ID), true}
	case h.LastStatus == http.StatusUnauthorized:
		return &flaw{fmt.Sprintf("webhook %d is refused by the receiver with 401, so its password is another", h.ID), true}
	}
	return nil
}

// shown reports whether a password is there to be read: not left out, not masked.
func shown(password string) bool {
	return strings.Trim(password, "*\u2022\u25cf.xX") != "" && !strings.Contains(password, "**")
}
