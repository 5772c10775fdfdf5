package sink

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// bare tells whether a create, or an upsert that has to create by a POST, has no key
// that Planhat keeps unique: nothing tells whether it was carried out.
func bare(i plan.Item) bool {
	return len(i.Guards()) == 0 && (i.Op == plan.Create || i.Target.Key == planhat.KeyEmail)
}

// creates carries out the creates of a stage, and the upserts that may be no
// more repeated than they. Their intents are in the state before the first of
// them is sent. Those without a key that Planhat keeps unique go in portions,
// so that a crash leaves no more of them in doubt than were under way.
func (e *executor) creates(calls []plan.Call) error {
	var guarded, keyless []plan.Call
	for _, c := range calls {
		if bare(c.Items[0]) {
			keyless = append(keyless, c)
		} else {
			guarded = append(guarded, c)
		}
	}
	if err := e.portion(guarded); err != nil {
		return err
	}
	for part := range slices.Chunk(keyless, e.inFlight()) {
		if e.stopping() {
			return nil
		}
		if err := e.portion(part); err != nil {
			return err
		}
	}
	return nil
}

// portion writes the intents of some creates, then carries them out.
func (e *executor) portion(calls []plan.Call) error {
	var items []plan.Item
	for _, c := range calls {
		items = append(items, e.expire(c.Items)...)
	}
	if len(items) == 0 {
		return nil
	}
	known := make(map[int]intent, len(items))
	places := make([]place, 0, len(items))
	for _, i := range items {
		at := e.place(i)
		if left, ok := e.w.ledger.find(at); ok {
			known[i.Orders[0].Seq] = left
		}
		places = append(places, at)
	}
	e.w.ledger.begin(places)
	if err := e.w.flushLedger(); err != nil {
		return err
	}
	e.w.point(PointIntentWritten)
	return atOnce(items, e.inFlight(), func(i plan.Item) error {
		var err error
		left, ok := known[i.Orders[0].Seq]
		switch {
		case ok && left.RecordID != "":
			e.end(i, schemas.EffectCreated, left.RecordID)
		case i.Op == plan.Upsert:
			err = e.upsertBare(i)
		case ok:
			err = e.doubt(i, e.w.began)
		default:
			err = e.create(i)
		}
		switch {
		case errors.Is(err, errStopped), errors.Is(err, errSettled):
			return nil
		case errors.Is(err, errOverdue):
			e.expire([]plan.Item{i})
			return nil
		}
		return e.leave([]plan.Item{i}, err)
	})
}

func (e *executor) place(i plan.Item) place { return e.batch[i.Orders[0].Seq].place() }

// upsertBare carries out an upsert whose intent is in the state. What was surely not
// sent leaves none.
func (e *executor) upsertBare(i plan.Item) error {
	c := e.batch[i.Orders[0].Seq]
	resumed := c.resumed
	err := e.readBack([]plan.Item{i})
	if err == nil {
		err = e.resolveUpsert(i)
	}
	if !resumed && !c.resumed && !c.sent {
		e.unsent(i, err)
	}
	return err
}

// create sends a create whose intent is in the state.
func (e *executor) create(i plan.Item) error {
	if err := e.readBack([]plan.Item{i}); err != nil {
		e.unsent(i, err)
		return err
	}
	written, err := e.post(i)
	switch planhat.KindOf(err) {
	case planhat.KindAmbiguous:
		return e.doubt(i, time.Now())
	case planhat.KindNone:
		if err != nil {
			e.unsent(i, err)
			return err
		}
		e.created(i, written.ID)
		return nil
	default: // refused: nothing was created
		e.w.ledger.forget(e.place(i))
		return e.createRefused(i, err)
	}
}

// unsent drops the intent of a create that was stopped before it was sent.
func (e *executor) unsent(i plan.Item, err error) {
	if errors.Is(err, errStopped) || errors.Is(err, errOverdue) {
		e.w.ledger.forget(e.place(i))
	}
}

func (e *executor) created(i plan.Item, id string) {
	e.w.ledger.made(e.place(i), id)
	e.end(i, schemas.EffectCreated, id)
}

// createRefused ends a create that the vendor refused: because the record
// exists, or a reference does not, or for a reason of its own.
func (e *executor) createRefused(i plan.Item, refusal error) error {
	kind := planhat.KindOf(refusal)
	if kind == planhat.KindForbidden {
		e.refuse(i, refusalOf(refusal, i))
		return nil
	}
	r, err := e.rival(i)
	if err != nil {
		return err
	}
	if r != nil {
		e.refuse(i, rejection(schemas.CodeAlreadyExists, "the %s %s exists already: %s", i.Spec.Object, r.id, vendorMessage(refusal)))
		return nil
	}
	return e.refused(i, refusalOf(refusal, i))
}

// rival looks for a record that has one of the keys that the create sets and
// that Planhat keeps unique.
func (e *executor) rival(i plan.Item) (*found, error) {
	for _, t := range i.Guards() {
		r, err := e.byKey(i, t)
		if r != nil || err != nil {
			return r, err
		}
	}
	return nil, nil
}

func (e *executor) byKey(i plan.Item, t plan.Target) (*found, error) {
	company, there, err := e.companyOf(i, t)
	if err != nil || !there {
		return nil, err
	}
	rows, err := e.findIn(i, i.Spec, t, company)
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		return nil, nil
	case err != nil:
		return nil, err
	case len(rows) != 1:
		return nil, nil
	}
	return &rows[0], nil
}

// companyOf is the _id of the company within which a key is unique, "" if it
// is unique everywhere, or nobody knows; there is false if the item names a
// company that does not exist.
func (e *executor) companyOf(i plan.Item, t plan.Target) (company string, there bool, err error) {
	if t.Key != planhat.KeyExternalID {
		return "", true, nil
	}
	for _, ref := range plan.References(i.Spec, i.Fields) {
		if ref.Field != i.Spec.CompanyField {
			continue
		}
		id := ref.Target.Value
		if ref.Prefixed {
			if id, err = e.known(i, ref); err != nil || id == "" {
				return "", false, err
			}
		}
		if !isID(id) {
			id = "" // it may not be looked up
		}
		return id, true, nil
	}
	return "", true, nil
}

func isID(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 24
}

// doubt ends a create that may have been carried out. It is looked up by the
// keys that Planhat keeps unique. One that is not found is sent again: should
// the first call still take effect, one of the two is refused. Without such a
// key it is UNKNOWN, and never sent again; an email is none, since a record
// found by it may be another one. sent is when the last attempt of it was under
// way at the latest: what is in doubt since a take-over has had its time when
// the first of it has.
func (e *executor) doubt(i plan.Item, sent time.Time) error {
	if len(i.Guards()) == 0 {
		e.unknown(i, "the record has no unique key to look it up by")
		return nil
	}
	e.w.point(PointInDoubt)
	attempt := trial{e: e, items: []plan.Item{i}}
	for {
		if done, err := e.recognise(i); done || err != nil {
			return err
		}
		if sleep(e.w.ctx, time.Until(sent.Add(e.w.times.Settle))) != nil {
			return errStopped
		}
		written, err := e.post(i)
		sent = time.Now()
		switch planhat.KindOf(err) {
		case planhat.KindNone:
			if err == nil {
				e.created(i, written.ID)
			}
			return err
		case planhat.KindAmbiguous:
			if attempt.over(err) {
				e.unknown(i, vendorMessage(err))
				return nil
			}
		case planhat.KindUnavailable: // given up; the first attempt may yet take effect
			e.unsettled.mark(e.w.times.Settle, i)
			return err
		case planhat.KindConflict, planhat.KindInvalid:
			if done, lookup := e.recognise(i); done || lookup != nil {
				return lookup
			}
			return e.refused(i, refusalOf(err, i))
		default:
			e.refuse(i, refusalOf(err, i))
			return nil
		}
	}
}

// recognise looks a create in doubt up by its keys and ends it if there is
// such a record: created, if the record holds the fields; unknown, if not.
func (e *executor) recognise(i plan.Item) (bool, error) {
	for _, t := range i.Guards() {
		r, err := e.byKey(i, t)
		if err != nil {
			return false, err
		}
		if r == nil {
			continue
		}
		full, err := e.byKey(i, plan.Target{Key: planhat.KeyID, Value: r.id})
		if err != nil {
			return false, err
		}
		if full == nil {
			continue
		}
		differing, err := plan.Differences(full.raw, i)
		if err == nil && len(differing) == 0 {
			e.created(i, r.id)
			return true, nil
		}
		e.unknown(i, "the "+string(i.Spec.Object)+" "+r.id+" has its "+string(t.Key)+", but differs in "+strings.Join(differing, ", "))
		return true, nil
	}
	return false, nil
}

// unknown ends a create of which nobody can tell whether it was carried out.
// It may yet be: what is written to the record next waits for that.
func (e *executor) unknown(i plan.Item, why string) {
	e.unsettled.mark(e.w.times.Settle, i)
	e.refuse(i, rejection(schemas.CodeOutcomeUnknown, "the answer to the create was lost: %s", why))
}
