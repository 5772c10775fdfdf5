package sink

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// single carries out an item that is sent by itself.
func (e *executor) single(way plan.Way, i plan.Item) error {
	if way != plan.Read && way != plan.Post {
		if err := e.readBack([]plan.Item{i}); err != nil {
			return err
		}
	}
	switch way {
	case plan.Put:
		return e.put(i)
	case plan.Resolve:
		return e.resolveUpsert(i)
	case plan.Remove:
		return e.remove(i)
	case plan.Read:
		return e.read(i)
	default: // a create that was refused and is sent again: its intent is gone
		return e.portion([]plan.Call{plan.Single(i)})
	}
}

// put updates one record. It is addressed by the item's target where Planhat
// has such an address and nothing has to be known of the record before.
func (e *executor) put(i plan.Item) error {
	t := i.Target
	if t.Key == planhat.KeyEmail || i.Renames() || i.Orders[0].Since != nil {
		r, refusal, err := e.one(i)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			e.refuse(i, refusal)
			return nil
		case r == nil:
			return e.notFound(i)
		}
		if e.precondition(i, *r) {
			return nil
		}
		t = plan.Target{Key: planhat.KeyID, Value: r.id}
	}
	return e.update(i, t)
}

// update sends an item's fields to a record. A record that does not exist ends
// an update as NOT_FOUND, and is looked for again by an upsert.
func (e *executor) update(i plan.Item, t plan.Target) error {
	fields, dangling, err := e.plain(i)
	if err != nil {
		return err
	}
	if dangling != nil {
		return e.refused(i, rejection(schemas.CodeReferenceNotFound, "%s names the %s with %s %q, which does not exist",
			dangling.Field, dangling.Object, dangling.Target.Key, dangling.Target.Value))
	}
	var written planhat.Written
	err = e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		written, err = e.w.client.Update(ctx, i.Spec.Object, planhat.Ref(t), fields.JSON())
		return written.Attempts, err
	})
	if failed := asError(err); written.Repeated || failed != nil && failed.Uncertain {
		e.unsettled.mark(i, e.w.times.Settle)
	}
	switch planhat.KindOf(err) {
	case planhat.KindNone:
		if err != nil {
			return err
		}
		e.end(i, schemas.EffectUpdated, idOf(written.Row, t))
		return nil
	case planhat.KindForbidden:
		e.refuse(i, refusalOf(err, i))
		return nil
	case planhat.KindNotFound:
		return e.vanished(i)
	case planhat.KindInvalid, planhat.KindMalformed:
		// Planhat documents no answer for a record that does not exist.
		rows, lookup := e.find(i, i.Spec, t)
		if lookup != nil && planhat.KindOf(lookup) != planhat.KindForbidden {
			return lookup
		}
		if lookup == nil && len(rows) == 0 {
			return e.vanished(i)
		}
	}
	return e.refused(i, refusalOf(err, i))
}

func (e *executor) vanished(i plan.Item) error {
	if i.Op == plan.Upsert {
		return e.resolveUpsert(i)
	}
	return e.notFound(i)
}

func (e *executor) notFound(i plan.Item) error {
	e.refuse(i, rejection(schemas.CodeNotFound, "there is no %s with %s %q", i.Spec.Object, i.Target.Key, i.Target.Value))
	return nil
}

// resolveUpsert carries out an upsert whose fields name keys that the vendor
// would match before the target: it looks the target up, then updates what was
// found by _id, or creates. That is safe to repeat: it begins with a look-up,
// and Planhat keeps the keys among the fields unique.
func (e *executor) resolveUpsert(i plan.Item) error {
	for tries := 0; ; tries++ {
		r, refusal, err := e.one(i)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			e.refuse(i, refusal)
			return nil
		case r != nil:
			if e.precondition(i, *r) {
				return nil
			}
			return e.update(i, plan.Target{Key: planhat.KeyID, Value: r.id})
		}
		written, err := e.post(i)
		switch kind := planhat.KindOf(err); {
		case err == nil:
			e.end(i, schemas.EffectCreated, idOf(written.Row, plan.Target{}))
			return nil
		case kind == planhat.KindAmbiguous:
			if sleep(e.w.ctx, e.w.times.Settle) != nil {
				return errStopped
			}
		case kind == planhat.KindNone:
			return err
		case kind == planhat.KindConflict && tries == 0:
			// Somebody may have created it since the look-up.
		case kind == planhat.KindForbidden:
			e.refuse(i, refusalOf(err, i))
			return nil
		default:
			return e.refused(i, refusalOf(err, i))
		}
	}
}

func (e *executor) post(i plan.Item) (planhat.Written, error) {
	var written planhat.Written
	err := e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		written, err = e.w.client.Create(ctx, i.Spec.Object, i.CreateBody())
		return written.Attempts, err
	})
	return written, err
}

// remove deletes one record; one that is gone already is in order.
func (e *executor) remove(i plan.Item) error {
	id, sought := i.Target.Value, false
	if i.Target.Key != planhat.KeyID || i.Orders[0].Since != nil {
		r, refusal, err := e.one(i)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			e.refuse(i, refusal)
			return nil
		case r == nil:
			e.end(i, schemas.EffectUnchanged, "")
			return nil
		}
		if e.precondition(i, *r) {
			return nil
		}
		id, sought = r.id, true
	}
	var deleted planhat.Deleted
	err := e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		deleted, err = e.w.client.Delete(ctx, i.Spec.Object, id)
		return deleted.Attempts, err
	})
	if deleted.Repeated {
		e.unsettled.mark(i, e.w.times.Settle)
	}
	switch {
	case errors.Is(err, errStopped):
		return err
	case err != nil:
		return e.refused(i, refusalOf(err, i))
	case deleted.Count > 0 || sought && deleted.Repeated:
		e.end(i, schemas.EffectDeleted, id)
	default:
		e.end(i, schemas.EffectUnchanged, id)
	}
	return nil
}

// read answers a get with the record as a single record is shaped.
func (e *executor) read(i plan.Item) error {
	r, refusal, err := e.one(i)
	if err == nil && r != nil && i.Target.Key == planhat.KeyEmail {
		var rows []found
		rows, err = e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: r.id})
		if r = nil; len(rows) > 0 {
			r = &rows[0]
		}
	}
	switch {
	case err != nil:
		if planhat.KindOf(err) == planhat.KindForbidden {
			e.refuse(i, refusalOf(err, i))
			return nil
		}
		return err
	case refusal != nil:
		e.refuse(i, refusal)
		return nil
	case r == nil:
		return e.notFound(i)
	}
	e.endRead(i, r.raw, idOf(r.raw, plan.Target{Key: planhat.KeyID, Value: r.id}))
	return nil
}

// idOf is the _id of a record, or of the target where the record has none.
func idOf(record json.RawMessage, t plan.Target) string {
	var keys struct {
		ID string `json:"_id"`
	}
	if json.Unmarshal(record, &keys) == nil && keys.ID != "" {
		return keys.ID
	}
	if t.Key == planhat.KeyID {
		return t.Value
	}
	return ""
}
