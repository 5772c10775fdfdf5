package sink

import (
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A call that Planhat fails to answer is made again, since the reason is mostly not in
// the call. Where other calls are answered it is: then the call is given up, so that one
// command does not hold its workspace for ever.

const (
	// roundFailures are the attempts after which it is asked whether a call has any hope.
	roundFailures = 6
	// reluctance is how many times longer a call is tried where only reads show that
	// Planhat answers: all writes may fail.
	reluctance = 10
)

// written remembers when a write to an object was last answered well.
type written struct {
	mu sync.Mutex
	at map[planhat.Object]time.Time
}

func (w *written) note(o planhat.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		w.at = map[planhat.Object]time.Time{}
	}
	w.at[o] = time.Now()
}

func (w *written) since(o planhat.Object, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at[o].After(at)
}

// trial is a call on its way through failures.
type trial struct {
	e       *executor
	items   []plan.Item
	failing time.Time // since when, while others were answered; zero: not yet
	asked   time.Time // when over was asked last
}

// over tells, after a failure, whether the call is given up. A call of several items is
// divided then, which needs no patience. An outage says nothing about the call: after
// it, patience begins anew.
func (t *trial) over(cause error) bool {
	if !gaveUp(cause) && planhat.KindOf(cause) != planhat.KindAmbiguous {
		return false
	}
	object, w := t.items[0].Spec.Object, t.e.w
	before := t.asked
	t.asked = time.Now()
	if wrote := !before.IsZero() && w.written.since(object, before); !wrote && !t.e.accepted() {
		t.failing = time.Time{}
		return false
	}
	if t.failing.IsZero() {
		t.failing = time.Now()
	}
	patience := reluctance * w.times.GiveUp
	switch {
	case len(t.items) > 1:
		patience = 0
	case w.written.since(object, t.failing):
		patience = w.times.GiveUp
	}
	if time.Since(t.failing) < patience {
		return false
	}
	w.log.Warn("a call is given up: the vendor fails to answer it, and answers others", "workspace", w.cfg.Name,
		"object", object, "items", len(t.items), "failing_for", time.Since(t.failing).String(), "status", status(cause))
	return true
}

// gaveUp tells whether the error is that of a call that was given up: it was not
// answered, or again and again in a way that cannot be used.
func gaveUp(err error) bool {
	e := asError(err)
	return e != nil && (e.Kind == planhat.KindUnavailable || e.Kind == planhat.KindMalformed && !e.Final)
}

// held ends an item whose write was answered with nonsense, if its record holds the
// item's fields: then it was done.
func (e *executor) held(i plan.Item, t plan.Target) (bool, error) {
	sought := i
	sought.Target = t
	id, err := e.holding(sought)
	switch {
	case gaveUp(err), planhat.KindOf(err) == planhat.KindForbidden, id == "" && err == nil:
		return false, nil
	case err != nil:
		return false, err
	}
	e.end(i, schemas.EffectUpdated, id)
	return true, nil
}

// abandon ends an item whose call to a record was given up. It is done if the record
// holds the fields all the same; where the token may not look, nobody knows.
func (e *executor) abandon(i plan.Item, t plan.Target, failure error) error {
	sought := i
	sought.Target = t
	id, err := e.holding(sought)
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		return failure
	case err != nil:
		return err
	case id != "":
		e.end(i, schemas.EffectUpdated, id)
		return nil
	}
	return e.refused(i, refusalOf(failure, i))
}

// holding is the _id of the record of an item if it holds the item's fields, "" if it
// does not.
func (e *executor) holding(i plan.Item) (string, error) {
	rows, err := e.seek(i)
	if err == nil && len(rows) == 1 && i.Target.Key == planhat.KeyEmail {
		rows, err = e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: rows[0].id}) // a row is thin
	}
	if err != nil {
		return "", err
	}
	if len(rows) == 1 {
		if differing, err := plan.Differences(rows[0].raw, i); err == nil && len(differing) == 0 {
			return rows[0].id, nil
		}
	}
	return "", nil
}

// notRemoved ends a delete that was given up: it is done if the record is gone; where
// the token may not look, nobody knows.
func (e *executor) notRemoved(i plan.Item, id string, failure error) error {
	rows, err := e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: id})
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		return failure
	case err != nil:
		return err
	case len(rows) == 0:
		e.end(i, schemas.EffectDeleted, id)
	default:
		e.refuse(i, refusalOf(failure, i))
	}
	return nil
}
