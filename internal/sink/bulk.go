package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// bulk makes one bulk call, ends the commands whose outcome the answer proves,
// and sends the others again: in smaller calls, at last alone.
func (e *executor) bulk(c plan.Call) error {
	if err := e.readBack(c.Items); err != nil {
		return err
	}
	bodies, dangling, err := e.bodies(&c)
	switch {
	case err != nil:
		return err
	case len(bodies) > 0:
		if err := e.send(c, bodies); err != nil && !errors.Is(err, errSettled) {
			if err := e.leave(c.Items, err); err != nil {
				return err
			}
		}
	}
	for _, d := range dangling { // the others do not wait for what these refer to
		if err := e.refused(d.item, d.refusal()); err != nil {
			if err := e.leave([]plan.Item{d.item}, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// send makes a bulk call and settles its items.
func (e *executor) send(c plan.Call, bodies []json.RawMessage) error {
	var answer planhat.BulkAnswer
	err := e.write(c.Items, func(ctx context.Context) (int, error) {
		var err error
		answer, err = e.w.client.BulkUpsert(ctx, c.Spec.Object, bodies)
		return answer.Attempts, err
	}, func() (bool, error) {
		if len(c.Items) > 1 {
			return false, nil // it is divided first
		}
		return e.held(c.Items[0], c.Items[0].Target)
	})
	if err != nil && asError(err) == nil {
		return err
	}
	if planhat.KindOf(err) == planhat.KindMalformed {
		if c.Items, err = e.unheld(c.Items, err); len(c.Items) == 0 || asError(err) == nil {
			return err
		}
	}
	e.w.metrics.bulkItems.WithLabelValues(e.w.cfg.Name).Observe(float64(len(c.Items)))
	if failed := asError(err); answer.Repeated || failed != nil && failed.Uncertain {
		e.unsettled.mark(e.w.times.Settle, c.Items...)
	}
	if planhat.KindOf(err) == planhat.KindForbidden && answer.Status == 0 {
		for _, i := range c.Items {
			e.refuse(i, refusalOf(err, i))
		}
		return nil
	}
	return e.settle(c, answer, err)
}

// unheld ends the items of a call whose answers could not be used, and whose records hold
// what they were to be sent, and returns the others: with the failure, or with the error
// that keeps them from being looked at.
func (e *executor) unheld(items []plan.Item, failure error) ([]plan.Item, error) {
	done := make([]bool, len(items))
	err := atOnce(indices(items), e.inFlight(), func(n int) error {
		var err error
		done[n], err = e.held(items[n], items[n].Target)
		return err
	})
	if err != nil {
		return items, err
	}
	var left []plan.Item
	for n, i := range items {
		if !done[n] {
			left = append(left, i)
		}
	}
	if len(left) == 0 {
		return nil, nil
	}
	return left, failure
}

func indices[T any](values []T) []int {
	out := make([]int, len(values))
	for n := range values {
		out[n] = n
	}
	return out
}

// settle ends what the answer proves and goes on with the rest. What takes a call to be
// settled does so beside the others.
func (e *executor) settle(c plan.Call, answer planhat.BulkAnswer, failure error) error {
	verdicts := plan.Attribute(c, answer)
	var slow []int
	for n, v := range verdicts {
		if v.Outcome == plan.Look || v.Outcome == plan.Refused {
			slow = append(slow, n)
			continue
		}
		verdicts[n], _ = e.conclude(c, c.Items[n], v, answer) // without a call, without an error
	}
	err := atOnce(slow, e.inFlight(), func(n int) error {
		var err error
		if verdicts[n], err = e.conclude(c, c.Items[n], verdicts[n], answer); err == nil {
			return nil
		}
		verdicts[n] = plan.Verdict{Outcome: plan.Refused} // of this item alone
		return e.leave(c.Items[n:n+1], err)
	})
	if err != nil {
		return err
	}
	var again, apart []plan.Item
	for n, v := range verdicts {
		i := c.Items[n]
		switch v.Outcome {
		case plan.Alone:
			apart = append(apart, i)
		case plan.Again:
			i.Doubt = i.Doubt || v.Doubt || answer.Repeated
			again = append(again, i)
		default: // it has ended
		}
	}
	for _, i := range apart {
		if err := e.carryOut(plan.Single(i)); err != nil {
			return err
		}
	}
	return e.again(c, again, failure)
}

// conclude ends an item whose outcome the answer proves, and tells what becomes of
// the others.
func (e *executor) conclude(c plan.Call, i plan.Item, v plan.Verdict, answer planhat.BulkAnswer) (plan.Verdict, error) {
	if v.Outcome == plan.Look {
		var err error
		if v, err = e.look(c, i, answer); err != nil {
			return v, err
		}
	}
	switch v.Outcome {
	case plan.Created:
		e.end(i, schemas.EffectCreated, v.RecordID)
	case plan.Updated:
		e.end(i, schemas.EffectUpdated, v.RecordID)
	case plan.Unchanged:
		e.end(i, unchangedEffect(i.Doubt || answer.Repeated), v.RecordID)
	case plan.Denied:
		e.refuse(i, rejection(schemas.CodeForbidden, "%s of %s: %s", i.Op, i.Spec.Object.WithArticle(), v.Message))
	case plan.Refused:
		return v, e.refused(i, rejection(schemas.CodeVendorRejected, "%s of %s: %s", i.Op, i.Spec.Object.WithArticle(), v.Message))
	default: // it is sent once more
	}
	return v, nil
}

// unchangedEffect is the effect of a write that changed nothing. If it is in doubt
// whether an earlier attempt was carried out, that one may have changed the record.
func unchangedEffect(doubt bool) schemas.Effect {
	if doubt {
		return schemas.EffectUpdated
	}
	return schemas.EffectUnchanged
}

// look settles an item of which the answer tells nothing but an _id. What
// the answer tells of none of the records found is sent again.
func (e *executor) look(c plan.Call, i plan.Item, answer planhat.BulkAnswer) (plan.Verdict, error) {
	rows, err := e.seek(i)
	if err != nil && planhat.KindOf(err) != planhat.KindForbidden {
		return plan.Verdict{}, err
	}
	open := plan.Verdict{Outcome: plan.Again, Doubt: err != nil} // who may not look cannot tell
	for _, r := range rows {
		v := plan.Settle(c, answer, r.id)
		if v.Outcome != plan.Again {
			return v, nil
		}
		open.Doubt = open.Doubt || v.Doubt
	}
	return open, nil
}

// again sends items whose outcome is not proved: together, if the call was
// larger; else in halves; at last alone.
func (e *executor) again(c plan.Call, items []plan.Item, failure error) error {
	switch {
	case len(items) == 0:
		return nil
	case len(c.Items) == 1 && plan.Single(items[0]).Way == plan.Bulk: // of several, the others may have expired
		return e.unexplained(items[0], failure)
	case len(items) == 1:
		return e.carryOut(plan.Single(items[0]))
	case len(items) < len(c.Items):
		return e.carryOut(plan.Call{Way: plan.Bulk, Spec: c.Spec, Key: c.Key, Items: items})
	}
	half := len(items) / 2
	if err := e.again(c, items[:half], failure); err != nil {
		return err
	}
	return e.again(c, items[half:], failure)
}

// unexplained ends an item that was sent alone and of which the answer tells
// nothing: the vendor drops some items without a word. It is in order if the
// record holds the fields all the same.
func (e *executor) unexplained(i plan.Item, failure error) error {
	if gaveUp(failure) {
		return e.abandon(i, i.Target, failure)
	}
	if failure != nil {
		return e.refused(i, refusalOf(failure, i))
	}
	id, err := e.holding(i)
	switch {
	case err != nil && planhat.KindOf(err) != planhat.KindForbidden:
		return err
	case id != "":
		e.end(i, unchangedEffect(i.Doubt), id)
		return nil
	}
	return e.refused(i, rejection(schemas.CodeVendorRejected, "the vendor left the %s out of its answer and gave no reason", i.Spec.Object))
}

// refused ends an item that the vendor refused. Merged commands are sent one
// by one, since only one of them may be to blame; an item that refers to a
// record which is not there yet waits for it.
func (e *executor) refused(i plan.Item, r *plan.Refusal) error {
	if i.Merged() {
		for _, one := range i.Apart() {
			if err := e.replay(plan.Single(one)); err != nil {
				return err
			}
			if e.stopping() {
				return errStopped
			}
		}
		return nil
	}
	missing, err := e.missing(i)
	if err != nil {
		return err
	}
	if missing == nil {
		e.refuse(i, r)
		return nil
	}
	if there, err := e.await(i, *missing); err != nil {
		return err
	} else if there {
		return e.carryOut(plan.Single(i))
	}
	e.refuse(i, rejection(schemas.CodeReferenceNotFound, "%s names the %s with %s %q, which does not exist", missing.Field, missing.Object, missing.Target.Key, missing.Target.Value))
	return nil
}

// replay carries out one of several commands that were merged. If it needs an intent, it
// needs its own: what they had was the first one's.
func (e *executor) replay(c plan.Call) error {
	if c.Way == plan.Resolve && bare(c.Items[0]) {
		return e.portion([]plan.Call{c})
	}
	return e.carryOut(c)
}

func asError(err error) *planhat.Error {
	e, _ := errors.AsType[*planhat.Error](err)
	return e
}

// vendorMessage is what the vendor said, without our call around it.
func vendorMessage(err error) string {
	e := asError(err)
	switch {
	case e == nil:
		return err.Error()
	case e.Message != "":
		return e.Message
	case e.Kind == planhat.KindMalformed && e.Err != nil:
		return "its answer cannot be used: " + e.Err.Error()
	case e.Status != 0:
		return fmt.Sprintf("answered %d without a reason", e.Status)
	}
	return e.Error()
}
