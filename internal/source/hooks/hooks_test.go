package hooks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

func TestWebhooksAreMade(t *testing.T) {
	w := newTended(t)
	r := w.look(t)
	if w.shape() != "1:deal 2:note" || r.Lost || r.State != StateOK || r.Cause != "" || !r.Changed || len(r.Hooks) != 2 {
		t.Errorf("made %s, report %+v", w.shape(), r)
	}
	want := pipedrive.Webhook{
		ID: 1, OwnerID: ourUser, UserID: ourUser, Name: "planhat-bridge/demo deal", Action: "*", Object: "deal", URL: ourURL, Version: "2.0",
		AuthUser: "bridge", AuthPassword: "correct horse", Active: true,
	}
	if w.hooks[0] != want {
		t.Errorf("made %+v", w.hooks[0])
	}
	says(t, strings.Join(r.Done, "\n"), "created webhook 1 for deal: there was none", "created webhook 2 for note")
	if again := w.quiet(t); again.Lost || len(again.Hooks) != 2 {
		t.Errorf("then %+v", again)
	}
}

// One row: a webhook that somebody left at our address, and what becomes of it.
func TestAWebhookAtOurAddress(t *testing.T) {
	fits := func() pipedrive.Webhook {
		return pipedrive.Webhook{
			UserID: ourUser, Action: "*", Object: "deal", URL: ourURL, Version: "2.0", AuthUser: "bridge", AuthPassword: "correct horse", Active: true,
		}
	}
	tests := []struct {
		name   string
		change func(*pipedrive.Webhook)
		stays  bool
		lost   bool
		say    string
	}{
		{"as it should be", func(*pipedrive.Webhook) {}, true, false, "adopted webhook 1 for deal"},
		{"password masked", func(h *pipedrive.Webhook) { h.AuthPassword = "***" }, true, false, "adopted"},
		{"password half masked", func(h *pipedrive.Webhook) { h.AuthPassword = "co*****" }, true, false, "adopted"},
		{"credentials not shown", func(h *pipedrive.Webhook) { h.AuthUser, h.AuthPassword = "", "" }, true, false, "adopted"},
		{"address in other letters", func(h *pipedrive.Webhook) { h.URL = "https://HOOKS.example:443/pipedrive/demo/" }, true, false, "adopted"},
		{"user not said", func(h *pipedrive.Webhook) { h.UserID = 0 }, true, false, "adopted"},
		{"another name", func(h *pipedrive.Webhook) { h.Name = "made by hand" }, true, false, "adopted"},
		{"payload 1.0", func(h *pipedrive.Webhook) { h.Version = "1.0" }, false, false, "payload version 1.0"},
		{"one action", func(h *pipedrive.Webhook) { h.Action = "change" }, false, true, "the action change alone"},
		{"another user", func(h *pipedrive.Webhook) { h.UserID = 77 }, false, true, "the eyes of user 77"},
		{"another password", func(h *pipedrive.Webhook) { h.AuthPassword = "battery" }, false, true, "another password"},
		{"another user name", func(h *pipedrive.Webhook) { h.AuthUser = "admin" }, false, true, "another user name"},
		{"inactive", func(h *pipedrive.Webhook) { h.Active, h.RemoveReason = false, "no success in 3 days" }, false, true, "not active: no success in 3 days"},
		{"refused by the receiver", func(h *pipedrive.Webhook) { h.AuthPassword, h.LastStatus, h.LastFailed = "", 401, true }, false, true, "with 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newTended(t)
			w.want.Objects = []string{"deal"}
			h := fits()
			tt.change(&h)
			h.ID, w.last = 1, 1
			w.hooks = []pipedrive.Webhook{h}
			r := w.look(t)
			if want := map[bool]string{true: "1:deal", false: "2:deal"}[tt.stays]; w.shape() != want || r.Lost != tt.lost || r.State != StateOK {
				t.Errorf("left %s, want %s; report %+v", w.shape(), want, r)
			}
			says(t, strings.Join(r.Done, "\n"), tt.say)
			if !tt.stays {
				if want := []string{"list", "create deal", "delete deal"}; !slices.Equal(w.calls, want) {
					t.Errorf("called %q: the old one goes when the new one is there", w.calls)
				}
			}
			w.quiet(t)
		})
	}
}

func TestDuplicatesOfOursGoAndOthersStay(t *testing.T) {
	w := newTended(t)
	w.look(t)
	for range 3 {
		w.add(w.want.hook("deal"))
	}
	w.add(w.want.hook("organization")) // nobody wants it
	other := w.want.hook("deal")
	other.URL = "https://elsewhere.example/pipedrive/demo"
	w.add(other)
	w.add(other)
	gone := w.add(w.want.hook("note"))
	w.find(t, gone.ID).RemoveTime = w.at
	r := w.look(t)
	if w.shape() != "1:deal 2:note 7:deal 8:deal 9:note" || r.Lost {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	says(t, strings.Join(r.Done, "\n"), "removed webhook 3 for deal: webhook 1 does its work", "removed webhook 6 for organization: nobody wants its events")
	w.quiet(t)
}

// Of two that fit, the one that was made here stays, as its password is certain.
func TestTheOneThatWasMadeHereStays(t *testing.T) {
	w := newTended(t)
	w.masked = true
	w.want.Objects = []string{"deal"}
	w.hooks = []pipedrive.Webhook{{ID: 1, UserID: ourUser, Action: "*", Object: "deal", URL: ourURL, Version: "1.0", AuthUser: "bridge", Active: true}}
	w.last = 1
	w.look(t) // makes 2
	w.hooks = slices.Insert(w.hooks, 0, pipedrive.Webhook{ID: 1, UserID: ourUser, Action: "*", Object: "deal", URL: ourURL, Version: "2.0", AuthUser: "bridge", Active: true})
	w.takeOver(w.memory)
	w.look(t)
	if w.shape() != "2:deal" {
		t.Errorf("left %s", w.shape())
	}
}

func TestAPasswordThatChangedIsKnownByItsPrint(t *testing.T) {
	for _, masked := range []bool{false, true} {
		w := newTended(t)
		w.masked = masked
		r := w.look(t)
		for _, k := range r.Memory.Hooks {
			if k.Print == "" || strings.Contains(k.Print, "horse") || !k.Made {
				t.Errorf("remembered %+v", k)
			}
		}
		w.takeOver(r.Memory)
		w.quiet(t)
		w.want.Password = "battery staple"
		w.takeOver(r.Memory)
		r = w.look(t)
		if w.shape() != "3:deal 4:note" || w.hooks[0].AuthPassword != "battery staple" || r.Lost {
			t.Errorf("masked %t: left %s, report %+v", masked, w.shape(), r)
		}
		says(t, r.Done[0], "the former password")
		w.takeOver(r.Memory)
		w.quiet(t)
	}
}

// Adopted without its password seen: the receiver's 401 tells that it is another. Made
// here: then the receiver is wrong, and making it anew again and again would not help.
func TestA401OfTheReceiver(t *testing.T) {
	w := newTended(t)
	w.masked = true
	w.want.Objects = []string{"deal"}
	hook := w.want.hook("deal")
	hook.AuthPassword = "battery"
	w.add(hook)
	if r := w.look(t); w.shape() != "1:deal" || r.Lost {
		t.Fatalf("left %s, report %+v", w.shape(), r)
	}
	w.delivered(t, 1, 401)
	r := w.look(t)
	if w.shape() != "2:deal" || !r.Lost || w.hooks[0].AuthPassword != "correct horse" {
		t.Fatalf("left %s, report %+v", w.shape(), r)
	}
	w.delivered(t, 2, 401)
	r = w.look(t)
	if w.shape() != "2:deal" || r.State != StateRefused || !r.Lost || !r.Hooks[0].Failing {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	says(t, r.Cause, "the receiver answers 401 to webhook 2", "the same user and password")
	if r := w.quiet(t); r.State != StateRefused || r.Lost {
		t.Errorf("then %+v", r)
	}
	w.delivered(t, 2, 200)
	if r := w.look(t); r.State != StateOK || !r.Lost {
		t.Errorf("at last %+v", r)
	}
}

func TestAWebhookIsGone(t *testing.T) {
	w := newTended(t)
	w.look(t)
	w.delivered(t, 1, 200)
	when := w.at
	w.look(t)
	w.hooks = w.hooks[1:]
	r := w.look(t)
	if w.shape() != "2:note 3:deal" || !r.Lost || !r.Since.Equal(when) {
		t.Errorf("left %s, lost since %s, want %s", w.shape(), r.Since, when)
	}
	says(t, r.Done[0], "webhook 1 is gone")
	w.find(t, 3).RemoveTime, w.find(t, 3).RemoveReason = w.at, "no success in 3 days"
	r = w.look(t)
	says(t, r.Done[0], "created webhook 4 for deal: webhook 3 is gone: no success in 3 days")
	w.hooks = nil // the owner was removed, and everything with it
	w.takeOver(r.Memory)
	if r := w.look(t); w.shape() != "5:deal 6:note" || !r.Lost {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	w.quiet(t)
}

// A webhook that is shown as removed, or as inactive for ever, is not removed again and
// again.
func TestWhatIsGoneIsLeftAlone(t *testing.T) {
	w := newTended(t)
	w.look(t)
	w.find(t, 1).Active = false
	ghost := *w.find(t, 1)
	r := w.look(t)
	if w.shape() != "2:note 3:deal" || !r.Lost {
		t.Fatalf("left %s", w.shape())
	}
	w.hooks = append(w.hooks, ghost)
	w.quiet(t)
}

func TestDeliveriesFail(t *testing.T) {
	w := newTended(t)
	w.look(t)
	w.delivered(t, 1, 200)
	w.delivered(t, 2, 200)
	good := w.at
	if r := w.look(t); r.State != StateOK || r.Lost {
		t.Errorf("while all is well: %+v", r)
	}
	w.delivered(t, 1, 503)
	r := w.look(t)
	if r.State != StateFailing || !r.Lost || !r.Since.Equal(good) || w.shape() != "1:deal 2:note" {
		t.Errorf("when it failed: %+v, left %s", r, w.shape())
	}
	says(t, r.Cause, "webhook 1 (deal) failed with status 503 Service Unavailable", ourURL)
	if r := w.look(t); r.State != StateFailing || r.Lost {
		t.Errorf("nothing new: %+v", r)
	}
	w.delivered(t, 1, 0)
	if r := w.look(t); !r.Lost {
		t.Errorf("when it failed again: %+v", r)
	}
	says(t, w.look(t).Cause, "status none")
	w.delivered(t, 1, 204)
	if r := w.look(t); r.State != StateOK || !r.Lost {
		t.Errorf("when it works again: %+v", r)
	}
	if r := w.quiet(t); r.Lost {
		t.Errorf("then: %+v", r)
	}
}

func TestTheLimit(t *testing.T) {
	w := newTended(t)
	full := true
	w.refuse = func(call, object string) error {
		if full && call == "create" && object == "note" {
			return failure(pipedrive.KindLimit, "user_id: webhooks limit reached")
		}
		return nil
	}
	r := w.look(t)
	if w.shape() != "1:deal" || r.State != StateLimited || len(r.Hooks) != 1 {
		t.Fatalf("left %s, report %+v", w.shape(), r)
	}
	says(t, r.Cause, "no room for the webhook of note", "allows 40", "reconciliation alone")
	if r := w.quiet(t); r.State != StateLimited || r.Lost {
		t.Errorf("within the hour: %+v", r)
	}
	full = false
	w.at = w.at.Add(time.Hour)
	if r := w.look(t); w.shape() != "1:deal 2:note" || r.State != StateOK || r.Lost {
		t.Errorf("when there is room: %s, %+v", w.shape(), r)
	}
}

// A webhook that is to be replaced makes its own room.
func TestTheLimitAtAReplacement(t *testing.T) {
	w := newTended(t)
	w.want.Objects = []string{"deal"}
	old := w.want.hook("deal")
	old.Version = "1.0"
	w.add(old)
	w.refuse = func(call, _ string) error {
		if call == "create" && len(w.hooks) == 1 {
			return failure(pipedrive.KindLimit, "limit")
		}
		return nil
	}
	if r := w.look(t); w.shape() != "2:deal" || r.State != StateOK || !r.Lost {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	if want := []string{"list", "create deal", "delete deal", "create deal"}; !slices.Equal(w.calls, want) {
		t.Errorf("called %q", w.calls)
	}
}

func TestAnAddressThatCannotBeReached(t *testing.T) {
	w := newTended(t)
	w.look(t)
	refusing := true
	w.refuse = func(call, _ string) error {
		if refusing && call == "create" {
			return failure(pipedrive.KindInvalid, "subscription_url: invalid or non-reachable URL")
		}
		return nil
	}
	w.want.URL = "https://moved.example/pipedrive/demo"
	r := w.look(t)
	if w.shape() != "1:deal 2:note" || r.State != StateUnreachable {
		t.Fatalf("left %s, report %+v: the former ones do the work", w.shape(), r)
	}
	says(t, r.Cause, "does not accept the address https://moved.example/pipedrive/demo", "publicly trusted")
	if r := w.look(t); len(w.calls) != 1 || r.State != StateUnreachable {
		t.Errorf("within the hour: called %q, %+v", w.calls, r)
	}
	refusing = false
	w.want.URL += "/v2" // another one is tried at once
	if r := w.look(t); w.shape() != "3:deal 4:note" || r.State != StateOK {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	if w.quiet(t); w.hooks[0].URL != w.want.URL {
		t.Errorf("delivers to %s", w.hooks[0].URL)
	}
}

func TestWhatIsRefusedOtherwise(t *testing.T) {
	for kind, tt := range map[pipedrive.Kind]struct{ state, say string }{
		pipedrive.KindInvalid:   {StateRejected, "event_object: unknown"},
		pipedrive.KindForbidden: {StateForbidden, "a token of an admin"},
	} {
		w := newTended(t)
		w.refuse = func(call, object string) error {
			if call == "create" && object == "deal" {
				return failure(kind, "event_object: unknown")
			}
			return nil
		}
		r := w.look(t)
		if w.shape() != "1:note" || r.State != tt.state {
			t.Errorf("%s: left %s, report %+v", kind, w.shape(), r)
		}
		says(t, r.Cause, tt.say)
	}
}

func TestTheUserMayNotManageWebhooks(t *testing.T) {
	w := newTended(t)
	w.refuse = func(string, string) error { return failure(pipedrive.KindForbidden, "Forbidden") }
	r := w.look(t)
	if r.State != StateForbidden || len(w.calls) != 1 {
		t.Errorf("got %+v after %q", r, w.calls)
	}
	says(t, r.Cause, "permission")
}

// A create whose answer is lost was perhaps carried out: at once, later, or not at all.
// The list is looked at before it is asked for again, and in the end there is one.
func TestALostAnswerMakesNoDuplicates(t *testing.T) {
	effects := map[string]func(*vendor, pipedrive.NewWebhook){
		"carried out":     func(v *vendor, w pipedrive.NewWebhook) { v.add(w) },
		"not carried out": func(*vendor, pipedrive.NewWebhook) {},
		"carried out after the list": func(v *vendor, w pipedrive.NewWebhook) {
			v.late = append(v.late, w)
		},
	}
	for name, effect := range effects {
		t.Run(name, func(t *testing.T) {
			w := newTended(t)
			w.want.Objects = []string{"deal"}
			w.losing, w.lost = 1, func(_ string, hook pipedrive.NewWebhook) { effect(w.vendor, hook) }
			r := w.look(t)
			if name == "carried out" {
				if want := []string{"list", "create deal", "list"}; !slices.Equal(w.calls, want) || w.created != 1 {
					t.Errorf("called %q", w.calls)
				}
				if !r.Memory.Hooks[0].Made {
					t.Errorf("remembered %+v", r.Memory)
				}
			}
			if len(w.calls) < 3 || w.calls[2] != "list" {
				t.Errorf("called %q: not looked before asking again", w.calls)
			}
			w.look(t)
			if len(w.hooks) != 1 || r.State != StateOK {
				t.Errorf("left %s, report %+v", w.shape(), r)
			}
			w.quiet(t)
		})
	}
}

// When no answer comes for a long time, webhooks do not pile up.
func TestNoAnswerForLong(t *testing.T) {
	w := newTended(t)
	w.losing, w.lost = 1<<30, func(_ string, hook pipedrive.NewWebhook) { w.late = append(w.late, hook) }
	for range 20 {
		if _, err := w.tryLook(t); err != nil && pipedrive.KindOf(err) != pipedrive.KindAmbiguous {
			t.Fatal(err)
		}
		if len(w.hooks) > 4 {
			t.Fatalf("there are %s", w.shape())
		}
	}
	w.losing = 0
	w.look(t)
	w.look(t)
	if len(w.hooks) != 2 {
		t.Errorf("left %s", w.shape())
	}
	w.quiet(t)
}

// What ends a look early leaves what was done done.
func TestALookThatEndsEarly(t *testing.T) {
	for _, kind := range []pipedrive.Kind{pipedrive.KindUnauthorized, pipedrive.KindDailyBudget, pipedrive.KindBlocked, pipedrive.KindUnpaid, pipedrive.KindUnavailable} {
		w := newTended(t)
		w.refuse = func(call, object string) error {
			if call == "create" && object == "note" {
				return failure(kind, "no")
			}
			return nil
		}
		r, err := w.tryLook(t)
		if pipedrive.KindOf(err) != kind || !r.Changed || len(r.Memory.Hooks) != 1 || len(r.Done) != 1 || r.Lost {
			t.Errorf("%s: report %+v, %v", kind, r, err)
		}
		w.refuse = nil
		w.takeOver(r.Memory)
		if w.look(t); w.shape() != "1:deal 2:note" {
			t.Errorf("%s: left %s", kind, w.shape())
		}
		w.refuse = func(string, string) error { return failure(kind, "no") }
		if r, err := w.tryLook(t); pipedrive.KindOf(err) != kind || r.Changed || r.Lost || len(w.calls) != 1 {
			t.Errorf("%s: report %+v after %q, %v", kind, r, w.calls, err)
		}
	}
}

func TestNothingIsWrittenWithoutTheRight(t *testing.T) {
	w := newTended(t)
	w.mayWrite = func() error { return errStale }
	if _, err := w.tryLook(t); err == nil || len(w.calls) != 1 {
		t.Errorf("called %q, %v", w.calls, err)
	}
	w.mayWrite = func() error { return nil }
	w.look(t)
	w.add(w.want.hook("deal"))
	w.mayWrite = func() error { return errStale }
	if _, err := w.tryLook(t); err == nil || len(w.calls) != 1 {
		t.Errorf("called %q, %v", w.calls, err)
	}
}

// A webhook of another user at our address may not be removable: it is said, and tried
// again after a while only.
func TestAWebhookThatMayNotBeRemoved(t *testing.T) {
	w := newTended(t)
	hook := w.want.hook("deal")
	hook.UserID = 77
	w.add(hook)
	w.refuse = func(call, _ string) error {
		if call == "delete" {
			return failure(pipedrive.KindForbidden, "Forbidden")
		}
		return nil
	}
	r := w.look(t)
	if w.shape() != "1:deal 2:deal 3:note" || r.State != StateOK {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	says(t, r.Cause, "webhook 1 (deal) is of user 77 and cannot be removed", "admin")
	if r := w.quiet(t); !strings.Contains(r.Cause, "cannot be removed") {
		t.Errorf("then: %+v", r)
	}
	w.refuse = nil
	w.at = w.at.Add(time.Hour)
	if w.look(t); w.shape() != "2:deal 3:note" {
		t.Errorf("left %s", w.shape())
	}
}

// Without an address only what is remembered is removed, and only while it is what is
// remembered.
func TestOurWebhooksAreRemoved(t *testing.T) {
	w := newTended(t)
	w.want.Objects = []string{"deal", "note", "person"}
	r := w.look(t)
	w.add(w.want.hook("deal")) // looks like ours, and nobody remembers it
	w.find(t, 2).URL = "https://elsewhere.example"
	w.want.URL = ""
	w.takeOver(r.Memory)
	r = w.look(t)
	if w.shape() != "2:note 4:deal" || r.State != StateOff || r.Lost || len(r.Memory.Hooks) != 0 || !r.Changed {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	says(t, strings.Join(r.Done, "\n"), "removed webhook 1 for deal", "removed webhook 3 for person")
	if r := w.look(t); len(w.calls) != 0 || r.State != StateOff || r.Changed {
		t.Errorf("then called %q, report %+v", w.calls, r)
	}
}

func TestAnObjectIsNotWantedAnyMore(t *testing.T) {
	w := newTended(t)
	w.look(t)
	w.want.Objects = []string{"note"}
	r := w.look(t)
	if w.shape() != "2:note" || len(r.Memory.Hooks) != 1 || r.Lost {
		t.Errorf("left %s, report %+v", w.shape(), r)
	}
	w.quiet(t)
}

func TestLossesAddUp(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for _, tt := range []struct {
		times []time.Time
		want  time.Time
	}{
		{[]time.Time{late, early}, early}, {[]time.Time{early, late}, early}, {[]time.Time{early, {}}, time.Time{}}, {[]time.Time{{}, early}, time.Time{}},
	} {
		var l loss
		for _, at := range tt.times {
			l.lose(at)
		}
		if !l.lost || !l.since.Equal(tt.want) {
			t.Errorf("%v: %+v", tt.times, l)
		}
	}
}
